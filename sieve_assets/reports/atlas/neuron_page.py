"""What goes into a neuron's page, from its facts.

Not here: what is known of the target as a whole. The page loads that when it is opened, so that it
changes only with the neuron.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from sieve_assets.method.activation_bins import activation_bins
from sieve_assets.method.patch_embeddings import Box, box_in_original
from sieve_assets.reports.atlas.neuron_facts import NeuronFacts, Row
from sieve_assets.reports.atlas.questions import ASKED, as_asked
from sieve_assets.reports.atlas.sheets import Layout, Place, layout, place_in_square
from sieve_assets.reports.atlas.site import neuron_file, slug
from sieve_assets.study_targets import Transform

N_BINS = 60
"""Of the distribution of activations."""
MOST_CELLS = 16
"""Of an activation map along a side: finer ones are averaged, for an overlay shows no more."""
MADE_WITH = (
    *("stage", "run_id", "recorded_at", "n_rows", "settings_hash", "weights_hash"),
    *("input_hash", "output_hash"),
)


@dataclass(frozen=True)
class Drawn:
    """A concept's pictures, as every page that shows them has them.

    Attributes:
        concept: What they were drawn for.
        seeds: Of the pictures, in the order of their sheet.
        how: How the sheet is divided.
    """

    concept: str
    seeds: Sequence[int]
    how: Layout

    @property
    def slug(self) -> str:
        """What the concept's files are called."""
        return slug(self.concept)


@dataclass(frozen=True)
class Shown:
    """What a neuron's page needs beside the facts.

    Attributes:
        model: Target.
        width: Neurons of the target.
        transform: The target's: says which part of an image it sees.
        maps: Of the neuron's strongest images, `[rank row column]`.
        drawn: The concepts' pictures, by concept.
        answers: The neuron's activation on them, by concept, in the order of their seeds; nan on
            one that it has not seen.
        name: Which of its names is shown as its name; None if it has none.
    """

    model: str
    width: int
    transform: Transform
    maps: np.ndarray
    drawn: Mapping[str, Drawn]
    answers: Mapping[str, np.ndarray]
    name: str | None


def page_context(facts: NeuronFacts, shown: Shown) -> dict[str, Any]:
    """What the template `neuron.html.j2` shows, as JSON can say it."""
    bins = activation_bins(facts.activation, count=N_BINS)
    n_samples = len(facts.samples)
    return {
        "root": "../..",
        "page": "neuron",
        "target": shown.model,
        "neuron": facts.neuron,
        "file": neuron_file(facts.neuron, shown.width),
        "before": _neighbour(facts.neuron - 1, shown.width),
        "after": _neighbour(facts.neuron + 1, shown.width),
        "failure": facts.failure,
        "ratio": facts.ratio,
        "bins": {"edges": _rounded(bins.edges), "counts": bins.counts.tolist()},
        "n_images": len(facts.activation),
        "samples": [_sample(row, at, shown) for at, row in enumerate(facts.samples)],
        "samples_sheet": layout(n_samples)._asdict() if n_samples else None,
        "clusters": _clusters(facts),
        "crops_sheet": layout(n_samples)._asdict() if _has_crops(facts) else None,
        "names": [_name(concept, facts, shown) for concept in _shown_first(facts, shown.name)],
        "truth": next(iter(facts.oracle.values()), None),
        "provenance": [{name: _told(row[name]) for name in MADE_WITH} for row in facts.provenance],
        "questions": {
            what: as_asked(sql, {"model": shown.model, "neurons": [facts.neuron]})
            for what, sql in ASKED.items()
        },
    }


def _shown_first(facts: NeuronFacts, name: str | None) -> list[str]:
    return sorted(facts.concepts, key=lambda concept: concept != name)


def _neighbour(neuron: int, width: int) -> str | None:
    return neuron_file(neuron, width) if 0 <= neuron < width else None


def _has_crops(facts: NeuronFacts) -> bool:
    return any(row["crop_uri"] for row in facts.samples)


def _sample(row: Row, at: int, shown: Shown) -> dict[str, Any]:
    """A strongest image: where it is in the sheet, what of it the network saw, what was cut."""
    width_px, height_px = int(row["width_px"]), int(row["height_px"])
    inside = place_in_square(width_px, height_px)
    how = shown.transform
    frame = box_in_original(
        Box(0, 0, how.crop_px, how.crop_px),
        width_px=width_px,
        height_px=height_px,
        resize_px=how.resize_px,
        crop_px=how.crop_px,
    )
    crop = None
    if row["x0"] is not None:
        edges = (int(row["x0"]), int(row["y0"]), int(row["x1"]), int(row["y1"]))
        crop = _share(edges, (width_px, height_px), inside)
    return {
        "at": at,
        "image_id": row["image_id"],
        "label": row["label"],
        "activation": row["activation"],
        "crop": crop,
        "frame": _share(tuple(frame), (width_px, height_px), inside),
        "map": map_text(shown.maps[int(row["rank"])]),
        "is_whole": row["is_whole_image"],
        "cluster": row["cluster"],
    }


def _share(edges: tuple[int, ...], size_px: tuple[int, int], inside: Place) -> dict[str, float]:
    """A box of an image as percentages of the square that the image is in."""
    (x0, y0, x1, y1), (width, height) = edges, size_px
    found = {
        "left": inside.left + x0 / width * inside.width,
        "top": inside.top + y0 / height * inside.height,
        "width": (x1 - x0) / width * inside.width,
        "height": (y1 - y0) / height * inside.height,
    }
    return {name: round(100 * value, 2) for name, value in found.items()}


def map_text(activation_map: np.ndarray) -> dict[str, Any]:
    """An activation map as a page draws it: a hexadecimal digit a cell, from its least to its most.

    Args:
        activation_map: `[row column]`; a finer one than the overlay shows is averaged.
    """
    values = np.asarray(activation_map, dtype=np.float32)
    if max(values.shape) > MOST_CELLS:
        rows, columns = (min(side, MOST_CELLS) for side in values.shape)
        values = np.asarray(Image.fromarray(values).resize((columns, rows), Image.Resampling.BOX))
    low, high = float(values.min()), float(values.max())
    levels = np.round(15 * (values - low) / (high - low)) if high > low else np.zeros(values.shape)
    digits = levels.astype(np.uint8).tobytes().hex()[1::2]
    return {"rows": values.shape[0], "columns": values.shape[1], "levels": digits}


def _clusters(facts: NeuronFacts) -> list[dict[str, Any]]:
    """The clusters in their order, each with its crops and hypotheses."""
    numbers = sorted({row["cluster"] for row in facts.samples if row["cluster"] is not None})
    return [
        {
            "cluster": number,
            "crops": [at for at, row in enumerate(facts.samples) if row["cluster"] == number],
            "hypotheses": [
                {"concept": row["concept"], "slug": slug(row["concept"]), "score": row["score"]}
                for row in facts.hypotheses
                if row["cluster"] == number
            ],
        }
        for number in numbers
    ]


def _name(concept: str, facts: NeuronFacts, shown: Shown) -> dict[str, Any]:
    """All that is known of one of the neuron's names."""
    proposed = [row for row in facts.hypotheses if row["concept"] == concept]
    tested = next((row for row in facts.evidence if row["concept"] == concept), None)
    is_revised = facts.revised is not None and facts.revised["concept"] == concept
    revised = facts.revised if is_revised else None
    best = {**(tested or {}), **(revised or {})}
    return {
        "concept": concept,
        "slug": slug(concept),
        "clusters": [row["cluster"] for row in proposed],
        "is_hypothesis": bool(proposed),
        "is_revised": is_revised,
        "evidence": tested,
        "revised": revised,
        "best": best or None,
        "verdict": best.get("verdict"),
        "reason": best.get("reason"),
        "paper_kept": next((row["paper_kept"] for row in proposed), None),
        "truth": facts.oracle.get(concept),
        "is_true": _truth(concept, facts, revised),
        "pictures": _pictures(concept, best, facts, shown),
    }


def _truth(concept: str, facts: NeuronFacts, revised: Row | None) -> bool | None:
    if concept in facts.oracle:
        return bool(facts.oracle[concept]["oracle_true"])
    return None if revised is None else revised["oracle_true"]


def _pictures(concept: str, best: Row, facts: NeuronFacts, shown: Shown) -> dict[str, Any] | None:
    """The pictures that the name is judged by, those first that the neuron answers to most."""
    drawn, answers = shown.drawn.get(concept), shown.answers.get(concept)
    if drawn is None or answers is None:
        return None
    judged = [
        at
        for at, seed in enumerate(drawn.seeds)
        if seed < best.get("n_pictures", math.inf) and not math.isnan(answers[at])
    ]
    order = sorted(judged, key=lambda at: (-answers[at], drawn.seeds[at]))
    threshold = facts.ratio["p99"]
    return {
        "sheet": drawn.how._asdict(),
        "tiles": [
            {
                "at": at,
                "seed": int(drawn.seeds[at]),
                "activation": float(answers[at]),
                "fires": bool(answers[at] > threshold),
            }
            for at in order
        ],
    }


def _rounded(values: np.ndarray) -> list[float]:
    return [float(f"{value:.6g}") for value in values]


def _told(value: object) -> object:
    """Times and hashes as text."""
    return value if value is None or isinstance(value, int | float) else str(value)
