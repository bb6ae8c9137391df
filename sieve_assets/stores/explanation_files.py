"""Names that other methods gave neurons, read from the tables in which people keep them.

Not here: what becomes of the names.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import pandas as pd

from sieve_assets.method.checked_inputs import refusal
from sieve_assets.method.concept_sets import LONGEST_CONCEPT, oddity
from sieve_assets.stores.concept_lists import spoken_label
from sieve_assets.stores.csv_tables import CsvTable, Row, read_csv_table
from sieve_assets.study import Study
from sieve_assets.study_compare import Imported
from sieve_assets.study_targets import Target

# Columns by their names in lower case; the first of each is ours, the others are of published
# results: CLIP-Dissect and MILAN (unit, description, similarity), MILANNOTATIONS (summary),
# Network Dissection (label), Describe-and-Dissect (Neuron ID, then Label 1, Label 2, …).
_NEURON = ("neuron", "unit", "neuron id")
_NAME = ("description", "summary", "label")
_SCORE = ("score", "similarity")
_MODEL, _LAYER = ("model",), ("layer",)
_NUMBERED_NAME = re.compile(r"label (\d+)")
_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")


class Names(NamedTuple):
    """What a file calls the neurons of a target."""

    rows: pd.DataFrame
    """Columns neuron, concept, score (nan in a file without) and place."""
    n_repeated: int
    """Names that a neuron has more than once: each counts once, where it stands first."""


def is_about(how: Imported, model: str) -> bool:
    """Whether a file may name neurons of a target, as far as the study file says."""
    return not how.targets or model in how.targets


def read_names(study: Study, name: str, model: str) -> Names:
    """What an imported file calls the neurons of a target, the best name first.

    By its scores if it has some, else as they stand in the file. Blanks around a name and within
    it count as one. A file of several layers is read where its layer is the target's.

    Args:
        study: With the file among those it compares with.
        name: Of the file's settings.
        model: The target.

    Returns:
        Rows by neuron and place; none if the file is about other targets.

    Raises:
        ValueError: The file is not UTF-8 or no table, or lacks a column; a row that counts has no
            whole number of a neuron in the layer, no name, no finite score, or a name that has
            another score elsewhere; no row counts. File and line are named.
        LookupError: The study has no such file.
    """
    how = _settings(study, name)
    if not is_about(how, model):
        return Names(_frame([]), 0)
    table = read_csv_table(how.file, f"compare.imported.{name}: {how.file}")
    target = study.targets[model]
    rows = _of_model(table, how, model, [*study.targets])
    rows = _of_layer(table, rows, how.layer or target.layer)
    return _names(table, rows, how, target)


def _settings(study: Study, name: str) -> Imported:
    known = study.compare.imported if study.compare else {}
    if name not in known:
        raise LookupError(
            f"compare.imported: expected a file called {name!r} in the study, got "
            f"{', '.join(known) or 'none'}. Add it there."
        )
    return known[name]


def _of_model(table: CsvTable, how: Imported, model: str, known: Sequence[str]) -> list[Row]:
    """The rows about a target: all, if no column says which they are about."""
    column = table.column_if_any(_MODEL) if how.targets else table.column(_MODEL)
    if column is None:
        return table.rows
    said = {row.cells[column].strip() for row in table.rows}
    wanted = {model} if how.targets else {*known}
    if not said & wanted:
        expected = f"a row about {' or '.join(sorted(wanted))} in its column model"
        raise ValueError(refusal(table.where, expected, _listed(said), "Write the target's name."))
    return [row for row in table.rows if row.cells[column].strip() == model]


def _of_layer(table: CsvTable, rows: list[Row], layer: str) -> list[Row]:
    column = table.column_if_any(_LAYER)
    if column is None or not rows:
        return rows
    chosen = [row for row in rows if row.cells[column].strip() == layer]
    if not chosen:
        said = _listed(row.cells[column].strip() for row in rows)
        remedy = "Say the layer as the file calls it in `layer`."
        expected = f"a row of layer {layer} in its column layer"
        raise ValueError(refusal(table.where, expected, said, remedy))
    return chosen


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted({*names})) or "no rows"


class _Name(NamedTuple):
    line: int
    neuron: int
    concept: str
    score: float | None


def _names(table: CsvTable, rows: Sequence[Row], how: Imported, target: Target) -> Names:
    neuron, columns = table.column(_NEURON), _name_columns(table)
    score = table.column_if_any(_SCORE)
    first: dict[tuple[int, str], _Name] = {}
    n_all = 0
    for row in rows:
        number = _neuron(table, row, row.cells[neuron], how, target)
        points = None if score is None else _score(table, row, row.cells[score])
        for concept in _concepts(table, row, columns):
            one = _Name(row.line, number, concept, points)
            _refuse_other_score(table, first.setdefault((number, concept), one), one)
            n_all += 1
    return Names(_frame([*first.values()]), n_all - len(first))


def _name_columns(table: CsvTable) -> list[int]:
    """Positions of the columns with names, the best first."""
    numbered = {
        int(found[1]): position
        for position, name in enumerate(table.header)
        if (found := _NUMBERED_NAME.fullmatch(name))
    }
    if numbered and table.column_if_any(_NAME) is None:
        return [numbered[number] for number in sorted(numbered)]
    return [table.column(_NAME)]


def _neuron(table: CsvTable, row: Row, cell: str, how: Imported, target: Target) -> int:
    first, last = how.first_neuron, how.first_neuron + target.width - 1
    number = int(cell) if _WHOLE_NUMBER.fullmatch(cell.strip()) else -1
    if not first <= number <= last:
        expected = f"a neuron of {target.layer}, a whole number from {first} to {last}"
        counted = f"If the file counts from {1 - first}, say first_neuron = {1 - first}."
        raise table.refusal(row.line, expected, repr(cell), f"Correct it. {counted}")
    return number - first


def _score(table: CsvTable, row: Row, cell: str) -> float:
    try:
        score = float(cell)
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        remedy = "Give every row a score, or leave the column away."
        raise table.refusal(row.line, "a finite score", repr(cell), remedy)
    return score


def _concepts(table: CsvTable, row: Row, columns: Sequence[int]) -> Iterator[str]:
    """The names in a row; only its first has to be there. Network Dissection's are Broden's."""
    is_broden = {"category", "label"} <= {*table.header}
    for column in columns:
        concept = " ".join(row.cells[column].split())
        concept = spoken_label(concept) if is_broden else concept
        odd = oddity(concept) if concept else "nothing" * (column == columns[0])
        if odd:
            expected = f"a name of at most {LONGEST_CONCEPT} characters"
            raise table.refusal(row.line, expected, odd, "Correct the row, or take it out.")
        if concept:
            yield concept


def _refuse_other_score(table: CsvTable, first: _Name, one: _Name) -> None:
    if first.score != one.score:
        got = f"{one.score:g} after {first.score:g} in line {first.line}"
        raise table.refusal(
            one.line,
            f"one score for {one.concept!r} as a name of neuron {one.neuron}",
            got,
            "Take one of the two rows out.",
        )


def _frame(names: Sequence[_Name]) -> pd.DataFrame:
    """Rows by neuron and place; names of equal score, or of none, stay in their order."""
    found = pd.DataFrame(names, columns=list(_Name._fields)).astype({"score": float})
    order = found.assign(score=-found["score"]).sort_values(["neuron", "score"], kind="stable")
    rows = found.loc[order.index, ["neuron", "concept", "score"]].reset_index(drop=True)
    return rows.assign(place=rows.groupby("neuron").cumcount())
