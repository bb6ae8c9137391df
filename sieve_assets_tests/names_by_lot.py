"""The tiny study with names, evidence and verdicts drawn by lot, so that there is every case.

What tiny networks do is nearly the same for all names. Rows of one neuron each are left out, as in
a study that is still running.
"""

import numpy as np
import pandas as pd

from sieve_assets.stores.warehouse import Replacement
from sieve_assets_tests.studies import StudyRun

VERDICTS = ("verified", "refuted", "ambiguous", "untestable")
ODD = ['=SUM(1,2) "x"', "NA", "ein Vogel – 鳥", "+1 | a, b"]
"""Concepts that formats of tables may take for something else."""
KEY = ["model", "neuron", "concept"]
UNJUDGED, UNREVISED = ("cnn", 3), ("vit", 4)
"""The neuron without evidence, and the one without a revised name."""


def name_by_lot(study: StudyRun, seed: int = 8) -> StudyRun:
    """Draw lots for what is stored of both targets' names; nothing that is stored then says so."""
    generator = np.random.default_rng(seed)
    own = study.table("evidence")[KEY]
    evidence = with_lots(study.table("evidence"), generator)
    verdicts = with_verdicts(study.table("verdicts"), generator)
    revised = with_verdicts(with_lots(study.table("revised_names"), generator), generator)
    revised["concept"] = [
        drawn(own, row, generator) for row in revised[["model", "neuron"]].itertuples()
    ]
    for neuron, word in enumerate(ODD[:3], start=1):  # neurons without hypotheses
        is_it = (revised["model"] == "vit") & (revised["neuron"] == neuron)
        revised.loc[is_it, ["concept", "verdict"]] = [word, "verified"]
    revised["oracle_true"] = generator.choice(np.array([True, False, None]), len(revised))
    kept = study.table("verified_concepts")
    kept["paper_kept"] = generator.random(len(kept)) < 0.5
    for table, rows, missing in (
        ("oracle_rates", with_truth(study.table("concept_hypotheses", model="cnn"), generator), ()),
        ("evidence", evidence, UNJUDGED),
        ("verdicts", verdicts, UNJUDGED),
        ("revised_names", revised, UNREVISED),
        ("verified_concepts", kept, UNJUDGED),
    ):
        keys = zip(rows["model"], rows["neuron"], strict=True)
        left = rows[[key != missing for key in keys]]
        scope = rows[["model"]].drop_duplicates()
        study.bench().warehouse.replace(Replacement(table, left, scope))
    study.delete("revised_names", pd.DataFrame([dict(zip(KEY, UNJUDGED, strict=False))]))
    return study


def with_lots(rows: pd.DataFrame, generator: np.random.Generator) -> pd.DataFrame:
    """Rates of few values, so that some are equal."""
    rates = ("activation_rate", "ar_to_report", "matched_ar", "score")
    lots = {name: generator.integers(0, 4, len(rows)) / 3 for name in rates}
    if "ar_to_decide" in rows:
        lots["ar_to_decide"] = generator.integers(0, 4, len(rows)) / 3
    lots["ci_low"] = lots["activation_rate"] / 2
    lots["ci_high"] = (1 + lots["activation_rate"]) / 2
    if "null_ar" in rows:
        lots["null_ar"] = np.where(generator.random(len(rows)) < 0.2, np.nan, lots["score"] / 7)
        lots["lift"] = lots["activation_rate"] - lots["null_ar"]
    return rows.assign(**lots)


def with_truth(hypotheses: pd.DataFrame, generator: np.random.Generator) -> pd.DataFrame:
    """Rows of oracle_rates: as if the truth of the CNN's images were known."""
    unknown = ("oracle_ar", "oracle_f1", "shuffled_f1", "best_f1", "best_concept")
    is_true = generator.random(len(hypotheses)) < 0.5
    return hypotheses[["model", "neuron", "cluster", "concept"]].assign(
        threshold=0.0, is_of_world=True, n_scenes=0, **dict.fromkeys(unknown), oracle_true=is_true
    )


def with_verdicts(rows: pd.DataFrame, generator: np.random.Generator) -> pd.DataFrame:
    verdicts = generator.choice(VERDICTS, len(rows), p=[0.4, 0.2, 0.2, 0.2])
    reasons = [f"by lot {number}" for number in range(len(rows))]
    return rows.assign(
        verdict=verdicts, reason=reasons, q_value=generator.random(len(rows)).round(3)
    )


def drawn(own: pd.DataFrame, row: tuple, generator: np.random.Generator) -> str:
    """One of the neuron's hypotheses, or an odd word that is none."""
    mine = own[(own["model"] == row[1]) & (own["neuron"] == row[2])]["concept"]
    if len(mine) and generator.random() < 0.6:
        return generator.choice(mine)
    return generator.choice(ODD)
