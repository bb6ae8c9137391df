"""Made-up rows of `domain_shift` for reports."""

import numpy as np
import pandas as pd

from sieve_assets.stores.warehouse import Replacement


def shift_of(model, n_neurons=4, *, uri="own.png", other_uri="other.png"):
    """A verified and another name a neuron; neuron n keeps n / 10 of the recall of 1."""
    rows = [
        {
            "model": model,
            "neuron": neuron,
            "concept": f"{verdict} {neuron}",
            "probe": "scenes",
            "shifted_probe": "brown",
            "verdict": verdict,
            "activation_rate": 0.9 if verdict == "verified" else 0.1,
            "threshold": 1.0,
            "shown_by": "known truth",
            "n_shown": 10,
            "recall": 1.0,
            "average_precision": 0.8,
            "top_share": 0.75,
            "firing_share": 0.01,
            "strongest_uris": [uri] * 5,
            "shifted_n_shown": 5,
            "shifted_recall": neuron / 10,
            "shifted_average_precision": 0.4,
            "shifted_top_share": 0.25,
            "shifted_firing_share": 0.001,
            "shifted_strongest_uris": [other_uri] * 5,
        }
        for neuron in range(n_neurons)
        for verdict in ("verified", "refuted")
    ]
    return pd.DataFrame(rows)


def nowhere_shown(rows):
    """The same where no image of the other kind shows a name."""
    return rows.assign(shifted_n_shown=0, shifted_recall=np.nan, shifted_average_precision=np.nan)


def store_shift(warehouse, rows):
    warehouse.replace(Replacement("domain_shift", rows, rows[["model"]].drop_duplicates()))
