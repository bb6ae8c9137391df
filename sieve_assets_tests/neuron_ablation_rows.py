"""Made-up rows of `neuron_ablation` for reports."""

import numpy as np
import pandas as pd

from sieve_assets.stores.warehouse import Replacement


def neuron_ablation_of(model, n_neurons=3, *, is_known=True):
    """Rows by both measures; neuron n costs its first class .1 n, and neuron 0 none anything."""
    return pd.DataFrame(
        _row(model, neuron, measure, place, is_known)
        for neuron in range(n_neurons)
        for measure in ("accuracy", "logit")
        for place in range(3 if neuron else 1)
    )


def _row(model, neuron, measure, place, is_known):
    is_judged = is_known and neuron > 0 and place == 0
    return {
        "model": model,
        "neuron": neuron,
        "measure": measure,
        "place": place,
        "class_position": place,
        "label": f"class {place}",
        "n_images": 50,
        "accuracy": 0.9,
        "n_lost": 5 * neuron,
        "n_won": 0,
        "accuracy_drop": neuron / 10 / (1 + place),
        "logit_drop": 1.0,
        "held_at": 0.0,
        "made_by": "linear head",
        "n_labelled": 150,
        "accuracy_of_all": 0.8,
        "drop_of_all": 0.01,
        "concept": f"name {neuron}",
        "concept_share": (0.75 if place == 0 else 0.25) if is_known else np.nan,
        "others_share": 0.125 if is_judged else np.nan,
    }


def store_neuron_ablation(warehouse, rows):
    warehouse.replace(Replacement("neuron_ablation", rows, rows[["model"]].drop_duplicates()))
