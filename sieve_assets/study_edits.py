"""Changes single values of a study file and leaves the rest, comments too, as it is."""

import shutil
import uuid
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

import tomlkit

from sieve_assets.study_file import study_of
from sieve_assets.study_problems import Problem, StudyError


def edit_study(path: Path, values: Mapping[str, Any]) -> None:
    """Set values in a study file by their dotted names, such as "generator.n_images".

    The new text is checked as a study before it takes the old one's place. Of a link, the file that
    it leads to is changed.

    Raises:
        StudyError: The file is missing or wrong, or a value is impossible; it stays as it was.
        OSError: It cannot be written.
    """
    try:
        document = tomlkit.parse(path.read_bytes().decode("utf-8"))
    except (OSError, ValueError) as error:
        problem = Problem("", "a study file", str(error), "Mend it, or name another.")
        raise StudyError(path, [problem]) from error
    for name, value in values.items():
        *sections, key = name.split(".")
        table: Any = document
        for section in sections:
            table = table.setdefault(section, tomlkit.table())
            if not isinstance(table, MutableMapping):
                problem = Problem(name, "a section of settings", str(table), f"{section} is none.")
                raise StudyError(path, [problem])
        table[key] = value
    text = tomlkit.dumps(document)
    study_of(text, path)
    file = path.resolve()
    new = file.with_name(f".{file.name}.{uuid.uuid4().hex}.tmp")
    try:
        new.write_bytes(text.encode("utf-8"))
        shutil.copymode(file, new)
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
