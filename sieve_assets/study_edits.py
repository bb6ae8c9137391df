"""Changes single values of a study file and leaves the rest, comments too, as it is."""

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from sieve_assets.study_file import load_study
from sieve_assets.study_problems import Problem, StudyError


def edit_study(path: Path, values: Mapping[str, Any]) -> None:
    """Set values in a study file by their dotted names, such as "generator.n_images".

    The new text is checked as a study before it takes the old one's place.

    Raises:
        StudyError: The file is missing or wrong, or a value is impossible; it stays as it was.
        OSError: It cannot be written.
    """
    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8"))
    except (OSError, TOMLKitError) as error:
        raise StudyError(path, [Problem("", "a study file", str(error), "Mend it.")]) from error
    for name, value in values.items():
        *sections, key = name.split(".")
        table: Any = document
        for section in sections:
            table = table.setdefault(section, tomlkit.table())
        table[key] = value
    new = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        new.write_text(tomlkit.dumps(document), encoding="utf-8")
        load_study(new)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
