"""Plans and what came of them as tables for people: for the terminal, and as Markdown.

Not here: what is planned.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

DAGSTER_S = 0.0185
"""What Dagster itself takes for a partition with SQLite (s): docs/operating.md."""
_OF_THEIR_OWN = ("partitions", "bytes", "seconds")
_SUMMED = ("expected", "most")
_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB")


def plan_table(planned: pd.DataFrame) -> pd.DataFrame:
    """A target's plan by stage: partitions, work, bytes and time in words, and their totals.

    Args:
        planned: stage, quantity, expected, most, basis.
    """
    rows = []
    for stage, some in planned.groupby("stage", sort=False):
        amounts = {
            str(one["quantity"]): _amount(one, with_bound=one["quantity"] not in _OF_THEIR_OWN)
            for one in some.to_dict("records")
        }
        work = [f"{text} {name}" for name, text in amounts.items() if name not in _OF_THEIR_OWN]
        rows.append(
            {
                "stage": stage,
                "partitions": amounts["partitions"],
                "work": "; ".join(work),
                "bytes": amounts.get("bytes", ""),
                "time": amounts.get("seconds", "not measured"),
            }
        )
    totals = [_amount(_total(planned, name)) for name in _OF_THEIR_OWN]
    last = dict(zip(rows[0], ["together", totals[0], "", *totals[1:]], strict=True))
    return pd.DataFrame([*rows, last])


def outcome_table(outcome: pd.DataFrame) -> pd.DataFrame:
    """What was planned for a target and what has happened, in words.

    Partitions are told where they are others than were planned.

    Args:
        outcome: stage, quantity, expected, most, basis, happened.
    """
    totals = [_total(outcome, name) for name in ("bytes", "seconds")]
    rows = [
        {
            "stage": one["stage"],
            "quantity": one["quantity"],
            "planned": _amount(one),
            "happened": quantity_text(one["happened"], one["quantity"]),
        }
        for one in [*outcome.to_dict("records"), *totals]
        if one["quantity"] != "partitions" or one["happened"] != one["expected"]
    ]
    return pd.DataFrame(rows, columns=["stage", "quantity", "planned", "happened"])


def dagster_note(planned: pd.DataFrame) -> str:
    """What Dagster's own work adds to a plan."""
    n_partitions = planned.loc[planned["quantity"] == "partitions", "expected"].sum()
    seconds = quantity_text(n_partitions * DAGSTER_S, "seconds")
    return f"Dagster's own events of {n_partitions:,.0f} partitions come on top: about {seconds}"


def print_plan(
    console: Console, model: str, planned: pd.DataFrame, notes: Sequence[str], problem: str
) -> None:
    """Print a target's plan; what it rests on; or that there is nothing to do, or no plan."""
    if problem:
        console.print(f"{model} cannot be planned: {problem}", style="red", markup=False)
    elif planned.empty:
        console.print(f"{model}: nothing to do", markup=False)
    else:
        console.print(terminal_table(model, plan_table(planned)))
        for note in [*notes, dagster_note(planned)]:
            console.print(f"- {note}", markup=False)


def print_outcome(console: Console, model: str, outcome: pd.DataFrame) -> None:
    """Print what was planned for a target and what has happened since."""
    console.print(terminal_table(f"{model}: planned, and happened", outcome_table(outcome)))


def is_open(outcome: pd.DataFrame) -> bool:
    """Whether something that a plan counts on has not happened yet, or nothing at all has.

    Args:
        outcome: As in `outcome_table`.
    """
    parts = [one for one in outcome.to_dict("records") if one["quantity"] == "partitions"]
    is_due = any(one["happened"] < one["expected"] and one["basis"] != "at most" for one in parts)
    return is_due or not any(one["happened"] for one in parts)


def terminal_table(title: str, rows: pd.DataFrame) -> Table:
    """A table for the terminal."""
    table = Table(title=title, title_justify="left")
    for name in rows.columns:
        is_figure = name in {"partitions", "bytes", "time", "planned", "happened"}
        is_first = name == rows.columns[0]  # what a row is of; it is never cut
        table.add_column(str(name), justify="right" if is_figure else "left", no_wrap=is_first)
    for row in rows.astype(str).itertuples(index=False):
        table.add_row(*(escape(value) for value in row))
    return table


def markdown_table(rows: pd.DataFrame) -> str:
    """A table as Markdown."""
    lines = [list(rows.columns), ["---"] * len(rows.columns)]
    lines += rows.astype(str).to_numpy().tolist()
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def quantity_text(value: float, quantity: str) -> str:
    """A quantity with its unit, as people say it."""
    if quantity == "seconds":
        return _duration(value)
    if quantity == "bytes":
        return _size(value)
    return f"{value:,.0f}"


def _amount(one: Mapping[str, Any], *, with_bound: bool = True) -> str:
    expected, most = (quantity_text(one[name], one["quantity"]) for name in ("expected", "most"))
    is_bound = one["basis"] == "at most"
    if one["basis"] != "estimated":
        return f"at most {expected}" if is_bound else expected
    is_told = with_bound and most != expected
    return f"about {expected}" + f" (at most {most})" * is_told


def _total(planned: pd.DataFrame, quantity: str) -> dict[str, Any]:
    """An amount of all stages together; as uncertain as the least certain of them."""
    some = [one for one in planned.to_dict("records") if one["quantity"] == quantity]
    bases = {one["basis"] for one in some if one["most"]}
    sums = {name: sum(one.get(name, 0) for one in some) for name in (*_SUMMED, "happened")}
    basis = "counted" if bases <= {"counted"} else "estimated"
    return {"stage": "together", "quantity": quantity, "basis": basis, **sums}


def _duration(seconds: float) -> str:
    if seconds < 10:  # noqa: PLR2004 (below, tenths tell something)
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _size(n_bytes: float) -> str:
    power = 0
    while n_bytes >= 999.5 and power < len(_BYTE_UNITS) - 1:  # noqa: PLR2004 (so that no 1000 is shown)
        n_bytes, power = n_bytes / 1000, power + 1
    return f"{n_bytes:.3g} {_BYTE_UNITS[power]}"
