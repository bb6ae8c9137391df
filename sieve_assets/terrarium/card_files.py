"""Writes models' cards: what a model is, and between two markers what was measured.

What stands outside the markers is written once and then belongs to people.
"""

from collections.abc import Sequence
from math import prod
from pathlib import Path
from textwrap import fill

from safetensors import safe_open

from sieve_assets.terrarium.cards import Card
from sieve_assets.terrarium.measures import Figure
from sieve_assets.terrarium.train import SEED

BEGIN = "<!-- begin: written by sieve_assets.terrarium.evaluate -->"
END = "<!-- end -->"

_LICENCE = (
    "Apache-2.0, as the project. The pictures it was trained on show emoji of Noto Color Emoji; "
    "see the [notice](../README.md#notice)."
)
_LINE_LENGTH = 100


def write_card(folder: Path, card: Card, figures: Sequence[Figure], *, measured_on: str) -> Path:
    """Write or update README.md in a model's folder and return its path.

    Raises:
        ValueError: There is a card without the markers.
    """
    path = folder / "README.md"
    measured = "\n".join([BEGIN, *_facts(folder, card), *_table(figures, measured_on), END])
    if path.exists():
        text = path.read_text(encoding="utf-8")
        if text.count(BEGIN) != 1 or text.count(END) != 1:
            raise ValueError(
                f"write_card: expected {BEGIN!r} and {END!r} once each in {path}, got another "
                "number. Put them back around the figures, or delete the file."
            )
        before, rest = text.split(BEGIN)
        text = before + measured + rest.split(END)[1]
    else:
        text = _new_card(card, measured)
    path.write_text(text, encoding="utf-8")
    return path


def _new_card(card: Card, measured: str) -> str:
    paragraphs = [
        f"# {card.title}",
        _filled(card.purpose),
        _filled(f"**Architecture.** {card.architecture}"),
        _filled(f"**Training data.** {card.data}"),
        measured,
        _filled(f"**Limits.** {card.limits}"),
        _filled(f"**Licence.** {_LICENCE}"),
    ]
    return "\n\n".join(paragraphs) + "\n"


def _filled(text: str) -> str:
    return fill(text, _LINE_LENGTH, break_long_words=False, break_on_hyphens=False)


def figure_text(figure: Figure) -> str:
    """Return a figure's value with its unit."""
    return f"{figure.value:.3f} s" if "seconds" in figure.name else f"{figure.value:.1%}"


def n_parameters(folder: Path) -> int:
    """Return the numbers stored in all weights below a folder."""
    count = 0
    for file in sorted(folder.rglob("*.safetensors")):
        with safe_open(file, "np") as weights:
            names = list(weights.keys())
            count += sum(prod(weights.get_slice(name).get_shape()) for name in names)
    return count


def _facts(folder: Path, card: Card) -> list[str]:
    size = sum(file.stat().st_size for file in folder.rglob("*.safetensors"))
    lines = [
        f"**Training.** {n_parameters(folder):,} parameters, {size / 1e6:.1f} MB in half",
        f"precision. Seed {SEED}; AdamW; weights averaged over the last steps. Trainings:",
        "",
    ]
    for name, schedule in card.schedules.items():
        lines.append(
            f"- `{name}`: {schedule.n_steps:,} steps of {schedule.batch} pictures, "
            f"learning rate {schedule.peak_rate:g}, weight decay {schedule.weight_decay:g}"
        )
    return [*lines, "", _filled(card.note)] if card.note else lines


def _table(figures: Sequence[Figure], measured_on: str) -> list[str]:
    has_reference = any(figure.reference is not None for figure in figures)
    columns = ["Figure", "Value", *(["Rendered scenes"] if has_reference else []), "Pictures"]
    lines = ["", f"**Figures.** Measured on {measured_on}:", ""]
    lines += ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for figure in figures:
        cells = [figure.name, figure_text(figure)]
        if has_reference:
            cells.append("" if figure.reference is None else f"{figure.reference:.1%}")
        lines.append("| " + " | ".join([*cells, f"{figure.count:,}"]) + " |")
    return lines
