"""From sieve.toml to a study: reading, the profile's choices, refusal with every problem."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sieve_assets.study import Study
from sieve_assets.study_problems import Problem, StudyError, problems_from, syntax_problem

# What `profile = "paper"` sets where the file says nothing. The paper's other choices are the
# defaults already; those it shares with the defaults stand here so that a default may change.
_PAPER: Mapping[str, Mapping[str, Any]] = {
    "concepts": {"template": "{}"},  # the bare word, Eq. 2
    "generator": {"prompt": "{}", "n_images": 50},  # Sec. 3.4; 50 after the values in Fig. 1
    "select": {
        "beta": 10.0,
        "n_samples": 20,
        "percentile": 99.0,
        "held_out_share": 0.0,
    },  # Sec. 3.2
    "hypothesize": {"n_concepts": 2},  # Eq. 3
    "verify": {"revise": False},
}


def study_path() -> Path:
    """The study file: $SIEVE_STUDY, or sieve.toml in the working folder."""
    return Path(os.environ.get("SIEVE_STUDY", "sieve.toml"))


def load_study(path: Path) -> Study:
    """Read and check a study file, without loading a model.

    Args:
        path: The file; paths in it are relative to its folder.

    Returns:
        The settings, their paths absolute.

    Raises:
        StudyError: The file is missing, is not TOML or says something impossible; every problem.
    """
    return study_of(_read(path), path)


def study_of(text: str, path: Path) -> Study:
    """Check the text of a study file that is, or is to be, at a path.

    Raises:
        StudyError: It is not TOML or says something impossible; every problem.
    """
    try:
        said = tomllib.loads(text)
    except ValueError as error:
        raise StudyError(path, [syntax_problem(error)]) from error
    context = {"folder": path.resolve().parent}
    context |= {name: _names_in(said.get(name)) for name in ("probes", "targets")}
    try:
        return Study.model_validate(_with_profile(said), context=context)
    except ValidationError as error:
        raise StudyError(path, problems_from(error, Study)) from error


def _names_in(table: object) -> list[str]:
    return list(table) if isinstance(table, dict) else []


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        remedy = "Run in the folder of a sieve.toml, or name one in $SIEVE_STUDY."
        reason = error.strerror or type(error).__name__
        raise StudyError(path, [Problem("", "a study file", reason, remedy)]) from error
    except ValueError as error:
        raise StudyError(path, [syntax_problem(error)]) from error


def _with_profile(said: dict[str, Any]) -> dict[str, Any]:
    """What the file says, over what its profile chooses; sections of the wrong type stay wrong."""
    if said.get("profile") != "paper":
        return said
    sections = {name: said.get(name, {}) for name in _PAPER}
    return said | {
        name: {**_PAPER[name], **section}
        for name, section in sections.items()
        if isinstance(section, dict)
    }
