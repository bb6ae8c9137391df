"""Figures with their goals: how they are told and kept, and how medians are taken."""

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

RESULTS = Path(__file__).with_name("results.json")
"""What the last runs measured; not in the repository."""
MIB = 2**20

_Measured = TypeVar("_Measured")


@dataclass(frozen=True)
class Figure:
    """One measured number.

    Attributes:
        name: What was measured.
        value: The number.
        unit: Its unit; empty for a ratio.
        goal: What it must not exceed; None where there is no goal.
    """

    name: str
    value: float
    unit: str = ""
    goal: float | None = None

    @property
    def verdict(self) -> str:
        """`ok` or `MISS`; empty without a goal. What is not a number misses."""
        if self.goal is None:
            return ""
        return "ok" if self.value <= self.goal else "MISS"

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Name, value, goal and verdict, as people read them."""
        goal = "" if self.goal is None else f"≤ {_number(self.goal)} {self.unit}".rstrip()
        return self.name, f"{_number(self.value)} {self.unit}".rstrip(), goal, self.verdict

    def __str__(self) -> str:
        name, value, goal, verdict = self.cells
        return f"{name:<74} {value:>12}  {goal:<12} {verdict}".rstrip()


def medians(ways: Mapping[str, Callable[[], _Measured]], n_runs: int) -> dict[str, list[_Measured]]:
    """Measure several ways side by side: each once, then each again.

    Returns:
        What each way gave, run by run.
    """
    found: dict[str, list[_Measured]] = {name: [] for name in ways}
    for _ in range(n_runs):
        for name, measure in ways.items():
            found[name].append(measure())
    return found


def ratio_of_medians(ours: Sequence[float], bare: Sequence[float]) -> float:
    """The median of one over that of the other."""
    return statistics.median(ours) / statistics.median(bare)


def keep(part: str, figures: Sequence[Figure], results: Path = RESULTS) -> None:
    """Write a part's figures beside those of the other parts."""
    kept = json.loads(results.read_text()) if results.exists() else {}
    kept[part] = [asdict(figure) for figure in figures]
    results.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def table(results: Path = RESULTS) -> str:
    """All figures kept, as a table of README.md."""
    kept = json.loads(results.read_text(encoding="utf-8"))
    lines = ["| Part | Figure | Measured | Goal | |", "|---|---|---|---|---|"]
    for part, figures in kept.items():
        lines += [f"| {part} | " + " | ".join(Figure(**one).cells) + " |" for one in figures]
    return "\n".join(lines)


def _number(value: float) -> str:
    """Three digits, without an exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
