"""What a finished study should have stored, by loops over the paper's equations.

Nothing of `sieve_assets.method` is used: only NumPy and the text of docs/method.md, sections 1 and
3. Each function reads the stored inputs of a step and says what should have come out of it.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sieve_assets.assets.resources import Workbench


def activations_of(bench: Workbench, model: str) -> Iterator[tuple[int, dict[str, np.float32]]]:
    """{a_i(x)} of each neuron on the images that are not held out: Def. 1 and 2; decision 21."""
    images = bench.warehouse.read(
        "SELECT image_id FROM probe_images WHERE probe = $1 AND NOT is_held_out",
        [bench.study.targets[model].probe],
    )
    for neuron in range(bench.study.targets[model].width):
        rows = bench.warehouse.read(
            "SELECT image_id, activation FROM probe_activations WHERE model = $1 AND neuron = $2",
            [model, neuron],
        )
        seen = dict(zip(rows["image_id"], rows["activation"].to_numpy(np.float32), strict=True))
        yield neuron, {image_id: seen[image_id] for image_id in images["image_id"]}


def percentile_of(values: Sequence[np.float32], percent: float) -> np.float32:
    """The value below which `percent` of the values lie, linear between the two nearest."""
    ordered = sorted(float(value) for value in values)
    place = percent / 100 * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    share = place - below
    return np.float32(ordered[below] * (1 - share) + ordered[above] * share)


def selection_of(bench: Workbench, model: str, values: Sequence[np.float32]) -> dict[str, Any]:
    """Median, p99, ratio and status of a neuron: Sec. 3.2; decisions 3 and 4."""
    select = bench.study.select
    rule = bench.study.targets[model].rule
    median, p99 = percentile_of(values, 50), percentile_of(values, select.percentile)
    found: dict[str, Any] = {"median": median, "p99": p99}
    if max(values) == min(values):
        return found | {"ratio": math.nan, "status": "dead"}
    if rule == "ratio":
        ratio = float(p99) / float(median) if median > 0 else math.inf
        beta = select.beta
    else:
        deviations = sorted(abs(float(value) - float(median)) for value in values)
        middle = len(deviations) // 2
        mad = (deviations[middle] + deviations[-middle - 1]) / 2
        above = float(p99) - float(median)
        ratio = above / (1.4826 * mad) if mad > 0 else (math.inf if above > 0 else 0.0)
        beta = select.beta_signed
    return found | {"ratio": ratio, "status": "selected" if ratio > beta else "low_contrast"}


def strongest_of(activations: dict[str, np.float32], count: int) -> list[str]:
    """Image ids of the largest activations, strongest first, ties by image_id: decision 5."""
    return sorted(activations, key=lambda image_id: (-activations[image_id], image_id))[:count]


def concepts_of(bench: Workbench) -> list[str]:
    """The concept set: no blanks, no blank lines, no duplicates (decision 23)."""
    text = bench.study.concepts.file.read_bytes().decode("utf-8-sig")
    concepts: list[str] = []
    for line in text.splitlines():
        if line.strip() and line.strip() not in concepts:
            concepts.append(line.strip())
    return concepts


def scores_of(patches: Sequence[np.ndarray], texts: Sequence[np.ndarray]) -> list[float]:
    """g(t, C) of every concept: the mean of cos(E_I(p), E_T(t)) over a cluster's patches, Eq. 2."""
    scores = []
    for text in texts:
        cosines = [
            float(patch @ text) / math.sqrt(float(patch @ patch) * float(text @ text))
            for patch in patches
        ]
        scores.append(sum(cosines) / len(cosines))
    return scores


def clusters_of(bench: Workbench, model: str) -> dict[tuple[int, int], list[np.ndarray]]:
    """The stored embeddings of the patches of each (neuron, cluster), in double precision."""
    rows = bench.warehouse.read(
        "SELECT c.neuron, c.cluster, p.embedding FROM clusters c"
        " JOIN patch_embeddings p USING (model, neuron, rank) WHERE model = $1",
        [model],
    )
    found: dict[tuple[int, int], list[np.ndarray]] = {}
    for neuron, cluster, embedding in rows.itertuples(index=False):
        found.setdefault((neuron, cluster), []).append(embedding.astype(np.float64))
    return found


def picture_answers(bench: Workbench, model: str) -> dict[str, np.ndarray]:
    """What the target, with today's weights, makes of each picture of the bank."""
    rows = bench.warehouse.read(
        "SELECT picture_id, activation FROM picture_activations WHERE model = $1"
        " AND weights_hash = $2",
        [model, bench.target(model).weights_hash],
    )
    return dict(zip(rows["picture_id"], rows["activation"], strict=True))


def rate_of(
    answers: dict[str, np.ndarray], pictures: Sequence[str], neuron: int, threshold: np.float32
) -> float:
    """AR: the share of a concept's pictures x with a_i(x) > T_i, Eq. 4."""
    n_active = 0
    for picture in pictures:
        if np.float32(answers[picture][neuron]) > threshold:
            n_active += 1
    return n_active / len(pictures)


def pictures_of(bench: Workbench, model: str) -> dict[tuple[int, int, str], list[str]]:
    """The pictures of each hypothesis (neuron, cluster, concept) of a target."""
    rows = bench.warehouse.read(
        "SELECT neuron, cluster, concept, picture_id FROM generated_image_sets WHERE model = $1",
        [model],
    )
    found: dict[tuple[int, int, str], list[str]] = {}
    for neuron, cluster, concept, picture in rows.itertuples(index=False):
        found.setdefault((neuron, cluster, concept), []).append(picture)
    return found


def filtered(rates: Sequence[float]) -> tuple[float, list[bool], float]:
    """Mean AR, which hypotheses are not below it, and the mean over those: Sec. 3.4."""
    initial = sum(rates) / len(rates)
    kept = [rate > initial or math.isclose(rate, initial, abs_tol=1e-9) for rate in rates]
    survivors = [rate for rate, is_kept in zip(rates, kept, strict=True) if is_kept]
    return initial, kept, sum(survivors) / len(survivors)


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's q of each p: the least m p / rank among those not smaller."""
    ordered = sorted(p_values)
    by_rank = [p * len(ordered) / rank for rank, p in enumerate(ordered, start=1)]
    return [
        min(1.0, *(q for q, p in zip(by_rank, ordered, strict=True) if p >= one))
        for one in p_values
    ]


def verdict_of(
    row: Mapping[str, Any],
    *,
    min_rate: float = 0.5,
    n_best_words: int = 5,
    min_score: float = 0.5,
    max_q: float = 1.0,
) -> str:
    """The verdict on a row of evidence with its q: Sec. "The verdict"."""
    if not 0 <= row["word_rank"] < n_best_words:
        return "untestable"
    if row["matched_low"] < min_rate <= row["matched_high"]:
        return "ambiguous"
    if row["matched_low"] < min_rate or row["reported_ar"] < min_rate:
        return "refuted"
    if row["score"] < min_score or row["q_value"] > max_q:
        return "refuted"
    return "verified"


def verdicts_of(rows: pd.DataFrame, **lines: float) -> list[str]:
    """The verdicts on all rows of evidence of a target, whose p-values are adjusted together."""
    found = rows.assign(q_value=adjusted(rows["p_value"].tolist())).to_dict("records")
    return [verdict_of(row, **lines) for row in found]
