"""Tables of comma-separated values as people keep them, read so that a refusal names the line.

Not here: what the columns mean.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sieve_assets.method.checked_inputs import refusal


class Row(NamedTuple):
    """A row of a table."""

    line: int
    """Where it begins in the file, counted from 1, as editors do."""
    cells: list[str]


@dataclass(frozen=True)
class CsvTable:
    """A file's rows by its header.

    Attributes:
        where: The file, as errors say it.
        header: Names of the columns in lower case, without blanks around.
        rows: Those below the header that are not blank; each as many cells as the header.
    """

    where: str
    header: list[str]
    rows: list[Row]

    def refusal(self, line: int, expected: str, got: str, remedy: str) -> ValueError:
        """The error for something in a line."""
        return ValueError(refusal(f"{self.where}, line {line}", expected, got, remedy))

    def column(self, names: Sequence[str]) -> int:
        """Position of a column that has to be there.

        Args:
            names: What it may be called, our name for it first; that one counts if it is there.

        Raises:
            ValueError: There is none, or it is not clear which.
        """
        position = self.column_if_any(names)
        if position is None:
            raise self._unclear(names, ", ".join(self.header))
        return position

    def column_if_any(self, names: Sequence[str]) -> int | None:
        """The same; None if there is none."""
        found = [name for name in self.header if name in names]
        found = [name for name in found if name == names[0]] or found
        if len(found) > 1:
            raise self._unclear(names, " and ".join(found))
        return self.header.index(found[0]) if found else None

    def _unclear(self, names: Sequence[str], got: str) -> ValueError:
        remedy = f"Call it {' or '.join(names)}."
        return self.refusal(1, f"one column {names[0]}", got, remedy)


def read_csv_table(file: Path, where: str) -> CsvTable:
    """Read a file of comma-separated values in UTF-8, with or without a byte order mark.

    Args:
        file: The file.
        where: What it is, for errors.

    Raises:
        ValueError: It is not UTF-8, has no rows, or is not comma-separated; the line is named.
        OSError: It cannot be read.
    """
    content = file.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        got = f"the byte 0x{content[error.start]:02X}"
        problem = refusal(f"{where}, line {line}", "UTF-8 text", got, "Save it as UTF-8.")
        raise ValueError(problem) from error
    rows = list(_rows(text, where))
    if len(rows) < 2:  # noqa: PLR2004 (a header and a row)
        got = "a header alone" if rows else "an empty file"
        remedy = "Write a header such as neuron,description and a row for each name."
        raise ValueError(refusal(where, "a header and rows", got, remedy))
    table = CsvTable(where, [cell.strip().casefold() for cell in rows[0].cells], rows[1:])
    for row in table.rows:
        if len(row.cells) != len(table.header):
            expected, got = f"{len(table.header)} cells as in the header", f"{len(row.cells)}"
            remedy = "Put a name with a comma in double quotes."
            raise table.refusal(row.line, expected, got, remedy)
    return table


def _rows(text: str, where: str) -> Iterator[Row]:
    """Rows that are not blank, each with the line it begins in."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield Row(line, cells)
            line = reader.line_num + 1
    except csv.Error as error:
        remedy = 'Put names with commas in double quotes, and write "" for a quote in them.'
        problem = refusal(f"{where}, line {line}", "comma-separated cells", str(error), remedy)
        raise ValueError(problem) from error
