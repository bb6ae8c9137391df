"""Labels of a classifier's classes from a file: one a line, in the order of its outputs."""

from pathlib import Path


def read_labels(file: Path) -> list[str]:
    """The label of each class; an empty line is a class without one. What ends the file is none.

    Raises:
        ValueError: It is not UTF-8, or has no label.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"labels: expected UTF-8 text in {file}, got {error}. Save it as UTF-8."
        ) from error
    labels = [line.strip() for line in text.rstrip().splitlines()]
    if not any(labels):
        raise ValueError(
            f"labels: expected a label a line in {file}, got none. Write the probe set's label of "
            "each class, in the order of the network's outputs."
        )
    return labels
