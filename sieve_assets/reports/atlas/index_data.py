"""What pages load of a target as a whole: its neurons, words, rates and earlier runs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sieve_assets.method.name_positions import neuron_positions
from sieve_assets.reports.atlas.material import Material
from sieve_assets.reports.atlas.neuron_facts import Row, rows_of, share
from sieve_assets.reports.atlas.site import LEAST_DIGITS, slug

STATUSES = ("dead", "low_contrast", "selected")
VERDICTS = ("verified", "refuted", "ambiguous", "untestable")
SOURCES = ("hypothesis", "revised", "both")
SPACING = 0.012
"""Between two neurons of one name on the map, as a share of its side."""
LEAST_COSINE = 0.3
"""A name that is less near to a word is not worth finding by it."""
_TARGET = """
SELECT
    (SELECT count(*) FROM probe_images i JOIN probe_passes p USING (probe) WHERE p.model = $model)
        AS n_probe_images,
    (SELECT mode(rule) FROM neuron_ratios WHERE model = $model) AS rule,
    (SELECT mode(beta) FROM neuron_ratios WHERE model = $model) AS beta,
    (SELECT any_value(weights_hash) FROM probe_passes WHERE model = $model) AS weights_hash,
    (SELECT any_value(initial_mean_ar) FROM verified_concepts WHERE model = $model)
        AS initial_mean_ar,
    (SELECT any_value(final_mean_ar) FROM verified_concepts WHERE model = $model) AS final_mean_ar,
    (SELECT bool_and(is_complete) FROM verdicts WHERE model = $model) AS is_complete,
    (SELECT any_value(n_candidates) FROM revised_names WHERE model = $model) AS n_candidates
"""
_NEURONS = """
SELECT neuron, status, ratio, is_sparse FROM neuron_ratios WHERE model = $model ORDER BY neuron
"""
_RUN = """
SELECT run_id, recorded_at FROM provenance
WHERE model = $model AND stage IN ('verdicts', 'revised_names') ORDER BY recorded_at DESC LIMIT 1
"""
_MADE_WITH = """
SELECT p.stage, p.run_id, p.recorded_at, p.n_rows, p.settings_hash, p.weights_hash
FROM provenance p
WHERE p.model = $model AND p.neuron = -1 AND p.stage IN (SELECT unnest($stages))
ORDER BY p.recorded_at, p.stage
"""
_RECIPES = """
SELECT DISTINCT r.stage, r.said FROM recipes r JOIN provenance p
    ON p.stage = r.stage AND p.settings_hash = r.settings_hash
    AND coalesce(p.weights_hash, '') = r.weights_hash
WHERE p.model = $model AND p.stage IN (SELECT unnest($stages)) ORDER BY r.stage, r.said
"""
_HISTORY = "SELECT * FROM name_history WHERE model = $model ORDER BY recorded_at DESC"


def neurons_data(material: Material) -> dict[str, Any]:
    """The file `neurons.js`: every neuron with the name that is shown, its verdict and AR."""
    names = {name: at for at, name in enumerate(material.names)}
    by_neuron: dict[int, list[Row]] = {}
    for row in rows_of(material.tried):
        by_neuron.setdefault(int(row["neuron"]), []).append(row)
    width = material.width
    return {
        "target": target_facts(material),
        "statuses": STATUSES,
        "verdicts": VERDICTS,
        "sources": SOURCES,
        "names": [[name, slug(name)] for name in material.names],
        "neurons": {
            **_statuses(material, width),
            **_shown(by_neuron, names, width),
            **_places(material, names, by_neuron),
        },
        "tried": [
            [_tried(row, names) for row in by_neuron.get(neuron, [])] for neuron in range(width)
        ],
        "width_digits": max(LEAST_DIGITS, len(str(width - 1))),
    }


def target_facts(material: Material) -> dict[str, Any]:
    """What a target is, and how it fared as a whole."""
    target, study = material.study.targets[material.model], material.study
    asked = {"model": material.model}
    found = rows_of(material.warehouse.read(_TARGET, asked))[0]
    run = rows_of(material.warehouse.read(_RUN, asked))
    return {
        "name": material.model,
        "network": target.network,
        "layer": target.layer,
        "width": target.width,
        "probe": target.probe,
        "seed": study.seed,
        "n_images": study.generator.n_images,
        **found,
        "run_id": run[0]["run_id"] if run else None,
        "made_at": str(run[0]["recorded_at"]) if run else None,
    }


def words_data(material: Material) -> dict[str, Any]:
    """The file `words.js`: the names nearest to each word of the concept set."""
    near = material.near
    kept = near.cosines >= LEAST_COSINE
    pairs = [
        [
            value
            for name, cosine, keep in zip(*of_word, strict=True)
            if keep
            for value in (int(name), round(100 * float(cosine)))
        ]
        for of_word in zip(near.names, near.cosines, kept, strict=True)
    ]
    return {"words": list(material.words), "near": pairs}


def rates_data(material: Material) -> dict[str, Any]:
    """The file `rates.js`: the neurons that fire most on each concept's pictures."""
    firing = material.firing
    rates = {}
    for at, concept in enumerate(material.rated):
        columns = (
            firing.neurons[at],
            firing.activation_rate[at],
            firing.ci_low[at],
            firing.ci_high[at],
        )
        rates[slug(concept)] = [
            [
                int(neuron),
                share(ar),
                share(low),
                share(high),
                int(n_active),
                int(material.n_rated[at]),
            ]
            for neuron, ar, low, high, n_active in zip(*columns, firing.n_active[at], strict=True)
            if n_active
        ]
    return {
        "n_neurons": material.width,
        "rates": rates,
        "concepts": {slug(concept): concept for concept in material.rated},
    }


def history_data(material: Material) -> list[dict[str, Any]]:
    """The file `history.js`: the verified names of this run and of earlier ones, newest first."""
    found = rows_of(material.warehouse.read(_HISTORY, {"model": material.model}))
    return [
        {
            "run_id": row["run_id"],
            "recorded_at": str(row["recorded_at"]),
            "weights_hash": row["weights_hash"],
            "names": _by_neuron(row["neuron"], row["concept"], row["activation_rate"]),
        }
        for row in found
    ]


def made_with_data(material: Material) -> dict[str, Any]:
    """The file `made_with.js`: stages of the target as a whole, and the settings of every stage."""
    asked = {"model": material.model, "stages": list(material.stages)}
    stages = rows_of(material.warehouse.read(_MADE_WITH, asked))
    recipes = rows_of(material.warehouse.read(_RECIPES, asked))
    return {
        "stages": [{**row, "recorded_at": str(row["recorded_at"])} for row in stages],
        "recipes": [[row["stage"], row["said"]] for row in recipes],
    }


def verified_now(material: Material) -> pd.DataFrame:
    """The row of `name_history` that stands for the results as they are now."""
    asked = {"model": material.model}
    run = rows_of(material.warehouse.read(_RUN, asked))
    if not run:
        return pd.DataFrame()
    tried = material.tried[material.tried["verdict"] == "verified"]
    tried = tried.assign(is_other=~tried["is_shown"]).sort_values(["neuron", "is_other", "concept"])
    weights = rows_of(material.warehouse.read(_TARGET, asked))[0]["weights_hash"]
    row = {
        "model": material.model,
        "run_id": run[0]["run_id"],
        "recorded_at": run[0]["recorded_at"],
        "weights_hash": weights,
        "neuron": tried["neuron"].to_numpy(np.int32),
        "concept": tried["concept"].tolist(),
        "activation_rate": tried["activation_rate"].to_numpy(np.float64),
    }
    return pd.DataFrame([row])


def _statuses(material: Material, width: int) -> dict[str, list[Any]]:
    rows = {
        row["neuron"]: row
        for row in rows_of(material.warehouse.read(_NEURONS, {"model": material.model}))
    }
    found = [rows.get(neuron) for neuron in range(width)]
    return {
        "status": [None if row is None else STATUSES.index(row["status"]) for row in found],
        "ratio": [None if row is None else _ratio(row["ratio"]) for row in found],
        "is_sparse": [int(row is not None and bool(row["is_sparse"])) for row in found],
        "thumb": [int(row is not None and row["status"] != "dead") for row in found],
    }


def _ratio(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(f"{value:.4g}")


def _shown(
    by_neuron: Mapping[int, Sequence[Row]], names: Mapping[str, int], width: int
) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        name: [None] * width
        for name in ("name", "verdict", "source", "ar", "low", "high", "n", "matched")
    }
    for neuron, rows in by_neuron.items():
        row = next(row for row in rows if row["is_shown"])
        columns["name"][neuron] = names[row["concept"]]
        columns["verdict"][neuron] = _code(VERDICTS, row["verdict"])
        columns["source"][neuron] = SOURCES.index(row["source"])
        columns["ar"][neuron] = share(row["activation_rate"])
        columns["low"][neuron] = share(row["ci_low"])
        columns["high"][neuron] = share(row["ci_high"])
        columns["n"][neuron] = row["n_pictures"]
        columns["matched"][neuron] = share(row["matched_ar"])
    return columns


def _places(
    material: Material, names: Mapping[str, int], by_neuron: Mapping[int, Sequence[Row]]
) -> dict[str, list[Any]]:
    """Where the neurons with a verified name are on the map."""
    of_neuron = np.full(material.width, -1, np.int64)
    for neuron, rows in by_neuron.items():
        row = next(row for row in rows if row["is_shown"])
        if row["verdict"] == "verified":
            of_neuron[neuron] = names[row["concept"]]
    places = neuron_positions(material.positions, of_neuron, spacing=SPACING)
    return {axis: [share(value) for value in places[:, at]] for at, axis in enumerate("xy")}


def _tried(row: Row, names: Mapping[str, int]) -> list[Any]:
    rates = [share(row[name]) for name in ("activation_rate", "ci_low", "ci_high")]
    return [
        names[row["concept"]],
        _code(VERDICTS, row["verdict"]),
        *rates,
        SOURCES.index(row["source"]),
    ]


def _code(codes: Sequence[str], value: str | None) -> int | None:
    return None if value is None else codes.index(value)


def _by_neuron(
    neurons: Sequence[int], concepts: Sequence[str], rates: Sequence[float]
) -> dict[str, list[list[Any]]]:
    found: dict[str, list[list[Any]]] = {}
    for neuron, concept, rate in zip(neurons, concepts, rates, strict=True):
        found.setdefault(str(int(neuron)), []).append([concept, "verified", share(rate)])
    return found
