"""Which of a method's judged names count, by loops over stored rows; the bootstrap over neurons.

Nothing of `sieve_assets.method` is used. A name is a row of `compared_evidence` with `place` and
`is_true`; the text behind it is docs/method.md, section 3, "how do methods compare?".
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy import stats

from sieve_assets_tests.studies import StudyRun

Name = dict[str, Any]
CONFIDENCE, N_RESAMPLES, SEED = 0.95, 1000, 0
"""The settings' defaults."""


def judged_names(study: StudyRun, model: str) -> dict[str, list[Name]]:
    """The names of each method that are judged: its first one for a neuron, of SIEVE's all."""
    evidence = {
        (row["neuron"], row["concept"]): row
        for row in study.table("compared_evidence", model=model).to_dict("records")
    }
    truth = {
        (row["neuron"], row["concept"]): row["oracle_true"]
        for row in study.table("compared_truth", model=model).to_dict("records")
    }
    found: dict[str, list[Name]] = {}
    for row in study.table("explanations", model=model).to_dict("records"):
        if row["place"] == 0 or row["explainer"].startswith("sieve"):
            pair = (row["neuron"], row["concept"])
            one = evidence[pair] | {"place": row["place"], "is_true": truth.get(pair, math.nan)}
            found.setdefault(row["explainer"], []).append(one)
    return found


def first_names(names: Sequence[Name]) -> list[Name]:
    """Each neuron's first one, in the order of the neurons."""
    return sorted((one for one in names if one["place"] == 0), key=lambda one: one["neuron"])


def kept_names(names: Sequence[Name]) -> list[Name]:
    """Those of the first whose AR is not below their mean: the paper's filter."""
    first = first_names(names)
    mean = mean_of([one["activation_rate"] for one in first])
    return [one for one in first if one["activation_rate"] >= mean - 1e-12]


def chosen_names(names: Sequence[Name]) -> list[Name]:
    """Each neuron's best by the pictures that decide, of equal ones the method's first."""
    best: dict[int, Name] = {}
    for one in sorted(names, key=lambda one: (one["neuron"], one["place"])):
        rival = best.get(one["neuron"])
        if rival is None or one["ar_to_decide"] > rival["ar_to_decide"]:
            best[one["neuron"]] = one
    return list(best.values())


def verified_names(names: Sequence[Name]) -> list[Name]:
    """Each neuron's chosen one among those that are verified."""
    return chosen_names([one for one in names if one["verdict"] == "verified"])


def curve_of(chosen: Sequence[Name]) -> list[float]:
    """Mean AR on the reporting pictures as neurons come in, the best by the others first.

    Those that are equally good come in with their mean.
    """
    gains = [
        mean_of([like["ar_to_report"] for like in chosen if like["ar_to_decide"] == decided])
        for decided in sorted((one["ar_to_decide"] for one in chosen), reverse=True)
    ]
    return [mean_of(gains[: count + 1]) for count in range(len(gains))]


def mean_of(values: Sequence[float]) -> float:
    """Their mean; nan without any."""
    return math.fsum(values) / len(values) if len(values) else math.nan


def draws() -> np.random.Generator:
    """The randomness of a row's intervals, one after the other."""
    return np.random.default_rng(SEED)


def intervals_of(
    *several: Sequence[float], generator: np.random.Generator
) -> Iterator[list[float]]:
    """SciPy's percentile interval of the mean of each."""
    for values in several:
        if len(values) < 2:
            yield [mean_of(values)] * 2
            continue
        found = stats.bootstrap(
            (np.array(values),),
            np.mean,
            confidence_level=CONFIDENCE,
            n_resamples=N_RESAMPLES,
            method="percentile",
            rng=generator,
        )
        yield list(found.confidence_interval)


def percentiles_of(draws: Sequence[float]) -> list[float]:
    """The ends of the interval that as much lies below as above; nan ones do not count."""
    known = [draw for draw in draws if not math.isnan(draw)]
    tail = (1 - CONFIDENCE) / 2
    return list(np.quantile(known, [tail, 1 - tail])) if known else [math.nan] * 2
