"""Made-up rows of `ablation` and `beta_sweep` for reports to be drawn of."""

import numpy as np
import pandas as pd

from sieve_assets.assets.ablation import STEPS, VARIANTS
from sieve_assets.stores.warehouse import Replacement, Warehouse

BETAS = [4.0, 6.0, 8.0, 10.0, 12.0]
OWN = 10.0
N_NEURONS = 40


def ablation_of(model, *, is_known=True):
    """Rows whose figures all differ."""
    return pd.DataFrame(
        {
            "model": model,
            "place": place,
            "variant": one.variant,
            "explainer": one.explainer,
            **{f"has_{step}": step in one.steps for step in STEPS},
            "coverage": 0.9 - place / 10,
            **_rates("mean_ar", 0.8 - place / 8),
            "verified_coverage": 0.5 - place / 20,
            **_rates("verified_ar", 0.9 - place / 50),
            "true_share": 0.7 - place / 10 if is_known else np.nan,
            "true_verified": 0.75 - place / 10 if is_known else np.nan,
        }
        for place, one in enumerate(VARIANTS)
    )


def sweep_of(model, betas=None, *, is_known=True):
    """Rows of thresholds of which each selects fewer neurons; above 1e6 none."""
    rows = []
    for place, beta in enumerate(betas or BETAS):
        n_selected = max(N_NEURONS - 6 * (place + 1), 0) if beta < 1e6 else 0
        none = np.nan if n_selected == 0 else 0.0
        known = none if is_known else np.nan
        rows.append(
            {
                "model": model,
                "beta": beta,
                "rule": "ratio",
                "is_own": beta == OWN,
                "n_neurons": N_NEURONS,
                "n_selected": n_selected,
                "coverage": n_selected / N_NEURONS,
                "n_names": 2 * n_selected,
                **_rates("names_ar", 0.3 + place / 50 + none),
                "n_kept_names": n_selected // 2,
                **_rates("kept_names_ar", 0.8 + place / 40 + none),
                **_rates("mean_ar", 0.4 + none),
                "kept_coverage": n_selected / N_NEURONS / 2,
                **_rates("kept_ar", 0.85 + none),
                "verified_coverage": n_selected / N_NEURONS / 4,
                **_rates("verified_ar", 0.95 + none),
                "true_names": 0.2 + place / 100 + known,
                "true_kept_names": 0.5 + place / 100 + known,
                "true_verified": 0.7 + place / 100 + known,
            }
        )
    return pd.DataFrame(rows)


def store_steps(warehouse: Warehouse, ablation: pd.DataFrame, sweep: pd.DataFrame) -> None:
    """Put a target's rows where reports read them."""
    [model] = sweep["model"].unique()
    scope = pd.DataFrame({"model": [model]})
    warehouse.replace(
        Replacement("ablation", ablation, scope), Replacement("beta_sweep", sweep, scope)
    )


def _rates(name, mean):
    return {name: mean, f"{name}_low": mean - 0.02, f"{name}_high": mean + 0.03}
