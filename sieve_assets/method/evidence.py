"""All that is known of each hypothesis, from what a target and a vision-language model saw.

Not in the SIEVE paper: docs/method.md, section 3.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int

from sieve_assets.method.activation_rates import Interval, activation_rates
from sieve_assets.method.checked_inputs import require_same_length, require_some
from sieve_assets.method.expected_rates import expected_rates, matched_thresholds
from sieve_assets.method.natural_scores import natural_scores
from sieve_assets.method.null_rates import is_near, neuron_ranks, null_tests
from sieve_assets.method.seen import Seen, Settings, Shown, numbers_of, scores_of, shown_in
from sieve_assets.method.separation import separation
from sieve_assets.method.verdicts import is_reporting


class Hypotheses(NamedTuple):
    """What is to be judged."""

    studied: Int[np.ndarray, " hypothesis"]
    """Position among the studied neurons."""
    concept: Int[np.ndarray, " hypothesis"]
    """Position among the concepts."""


def evidence(hypotheses: Hypotheses, seen: Seen, settings: Settings) -> dict[str, np.ndarray]:
    """Each hypothesis's evidence.

    A neuron's evidence rests on the reference concepts and on its own hypotheses, whatever other
    neurons are studied in the same call. Memory grows with hypotheses times images: study some
    neurons at a time.

    Args:
        hypotheses: Pairs of neuron and concept, each once.
        seen: Activations and cosines.
        settings: Confidence, percentiles and lines.

    Returns:
        Columns by name, an entry a hypothesis; concepts as positions, -1 for none.

    Raises:
        ValueError: No hypothesis, sizes that differ, or what the parts refuse.

    Source: docs/method.md, section 3.
    """
    require_some("evidence", "hypotheses", hypotheses.concept, axis=0)
    require_same_length("evidence", pictures=len(seen.pictures), drawn_for=len(seen.drawn_for))
    shown = shown_in(seen, settings)
    found = _on_own_pictures(hypotheses, seen, shown, settings)
    return {
        **found,
        **_against_others(hypotheses, seen, settings, found["activation_rate"]),
        "word_rank": shown.ranks[hypotheses.concept],
        **_scores(hypotheses, seen, shown),
    }


def matched_intervals(hypotheses: Hypotheses, seen: Seen, settings: Settings) -> Interval:
    """The intervals of `evidence` around the rates at the matched thresholds, and nothing else.

    Args:
        hypotheses: As in `evidence`.
        seen: As there; references make no difference.
        settings: As there.

    Raises:
        ValueError: What the parts refuse.
    """
    found = _on_own_pictures(hypotheses, seen, shown_in(seen, settings), settings)
    return Interval(found["matched_low"], found["matched_high"])


def _on_own_pictures(
    hypotheses: Hypotheses, seen: Seen, shown: Shown, settings: Settings
) -> dict[str, np.ndarray]:
    """What follows from each hypothesis's own pictures, by how many there are."""
    numbers = numbers_of(seen)[hypotheses.concept]
    found: dict[str, np.ndarray] = {}
    for number in np.unique(numbers):
        rows = np.flatnonzero(numbers == number)
        some = Hypotheses(hypotheses.studied[rows], hypotheses.concept[rows])
        for name, values in _on_as_many(some, seen, shown, settings).items():
            found.setdefault(name, np.empty(len(numbers), values.dtype))[rows] = values
    return found


def _on_as_many(
    hypotheses: Hypotheses, seen: Seen, shown: Shown, settings: Settings
) -> dict[str, np.ndarray]:
    """The same for hypotheses with as many pictures each."""
    own = _own_activations(hypotheses, seen)
    thresholds = seen.thresholds[seen.studied[hypotheses.studied]]
    found = activation_rates(own, thresholds, confidence=settings.confidence)
    return {
        "n_pictures": np.full(len(own), found.n_images),
        "activation_rate": found.activation_rate,
        "ci_low": found.ci_low,
        "ci_high": found.ci_high,
        **_by_halves(own, thresholds),
        **separation(own, seen.probe[hypotheses.studied])._asdict(),
        **_on_natural_images(hypotheses, seen, shown, settings, own),
    }


def _own_activations(
    hypotheses: Hypotheses, seen: Seen
) -> Float32[np.ndarray, "hypothesis picture"]:
    """Each hypothesis's neuron on its concept's pictures, by seed."""
    neurons = seen.studied[hypotheses.studied]
    pairs = zip(neurons, hypotheses.concept, strict=True)
    return np.stack([seen.pictures[seen.drawn_for == one, neuron] for neuron, one in pairs])


def _by_halves(
    own: Float32[np.ndarray, "hypothesis picture"], thresholds: Float32[np.ndarray, " hypothesis"]
) -> dict[str, np.ndarray]:
    """AR over the pictures that decide and over those that report."""
    fires, reports = own > thresholds[:, None], is_reporting(own.shape[1])
    return {
        "ar_to_decide": fires[:, ~reports].mean(axis=1),
        "ar_to_report": fires[:, reports].mean(axis=1),
    }


def _rates(seen: Seen, concepts: Int[np.ndarray, " some"]) -> Float64[np.ndarray, "some neuron"]:
    """AR of all neurons on the pictures of some concepts."""
    fires = [seen.pictures[seen.drawn_for == one] > seen.thresholds for one in concepts]
    means = [one.mean(axis=0) for one in fires]
    return np.array(means, np.float64).reshape(len(concepts), len(seen.thresholds))


def _against_others(
    hypotheses: Hypotheses,
    seen: Seen,
    settings: Settings,
    rates: Float64[np.ndarray, " hypothesis"],
) -> dict[str, np.ndarray]:
    """The same neuron on other concepts' pictures, and other neurons on the same pictures."""
    references = np.flatnonzero(seen.is_reference)
    neurons = seen.studied[hypotheses.studied]
    near = is_near(
        seen.texts[hypotheses.concept], seen.texts[references], most=settings.near_cosine
    )
    found = null_tests(rates, _rates(seen, references)[:, neurons].T, near)._asdict()
    named = np.append(references, -1)  # the last for those without any
    concepts, row = np.unique(hypotheses.concept, return_inverse=True)
    ranks = neuron_ranks(rates, _rates(seen, concepts)[row])
    return found | {"best_reference": named[found["best_reference"]], "neuron_rank": ranks}


def _on_natural_images(
    hypotheses: Hypotheses,
    seen: Seen,
    shown: Shown,
    settings: Settings,
    own: Float32[np.ndarray, "hypothesis picture"],
) -> dict[str, np.ndarray]:
    """How common the concept is, the threshold that matches it, and what is above that."""
    probe, in_images = seen.probe[hypotheses.studied], shown.in_images.T[hypotheses.concept]
    share = in_images.mean(axis=1)
    matched = matched_thresholds(probe, share, percentile=settings.percentile).astype(np.float32)
    found = activation_rates(own, matched, confidence=settings.confidence)
    reporting = own[:, is_reporting(own.shape[1])] > matched[:, None]
    cosines = seen.image_cosines.T[hypotheses.concept]
    natural = natural_scores(probe, matched, in_images, cosines)
    return {
        "probe_share": share,
        "expected_ar": expected_rates(share, percentile=settings.percentile),
        "matched_threshold": matched,
        "matched_ar": found.activation_rate,
        "matched_low": found.ci_low,
        "matched_high": found.ci_high,
        "reported_ar": reporting.mean(axis=1),
        "n_shown": natural.n_shown,
        "natural_recall": natural.recall,
        "natural_precision": natural.precision,
        "natural_f1": natural.f1,
        "natural_correlation": natural.correlation,
    }


def _scores(hypotheses: Hypotheses, seen: Seen, shown: Shown) -> dict[str, np.ndarray]:
    """How well names say when the neuron fires, on natural images and in pictures."""
    studied, row = np.unique(hypotheses.studied, return_inverse=True)
    is_own = np.tile(seen.is_reference, (len(studied), 1))
    is_own[row, hypotheses.concept] = True
    found = scores_of(studied, is_own, seen, shown)
    of_rivals = np.where(seen.is_rival, found.score, 0.0)
    best = np.where(of_rivals.max(axis=1) > 0, of_rivals.argmax(axis=1), -1)
    at = (row, hypotheses.concept)
    return {**{name: one[at] for name, one in found._asdict().items()}, "best_name": best[row]}
