"""Controls that must fail: permuted activations, shuffled names, words that nothing draws."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from sieve_assets.assets.control_kinds import (
    MEANINGLESS,
    PERMUTED,
    SHUFFLED,
    Kind,
    Subject,
)
from sieve_assets.assets.evaluate import with_scores
from sieve_assets.assets.hypothesize import concept_names, embed_concepts
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.seen_activations import HeldActivations
from sieve_assets.assets.witnesses import Witnesses

LEAST_ROWS = 200
"""Controls of a kind that costs nothing: with none verified, the interval ends at 1.9 %."""
MOST_DRAWS = 10
"""Draws of such a kind, however few hypotheses there are."""
N_WORDS = 4
"""Words that mean nothing, which neurons take by turns."""


def words_of(bench: Workbench) -> list[str]:
    """Words that nothing draws: the same for all targets, so that they are drawn once."""
    from sieve_assets.method.verdict_controls import meaningless_words  # noqa: PLC0415 (scipy)

    return meaningless_words(
        min(N_WORDS, bench.study.verify.n_controls),
        known=concept_names(bench.study),
        generator=np.random.default_rng([bench.study.seed, N_WORDS]),
    )


def chance_controls(subject: Subject) -> Iterator[Kind]:
    """The kinds that must fail; none for a target without hypotheses."""
    if subject.tested.empty:
        return
    order = subject.generator(0).permutation(_neurons(subject.tested))
    hypotheses = _enough(subject.tested, order)
    witnesses = subject.witnesses(hypotheses)
    draws = range(min(-(-LEAST_ROWS // len(hypotheses)), MOST_DRAWS))
    for draw in draws:
        yield _permuted(subject, witnesses, hypotheses, draw)
    given = pd.concat([_shuffled(subject, hypotheses, draw) for draw in draws])
    is_new = ~given.duplicated(subset=["neuron", "concept"]).to_numpy()
    for _, pairs in _false_ones(subject, given.loc[is_new]).groupby("draw"):
        yield Kind(SHUFFLED, pairs, subject.stored, witnesses)
    yield _meaningless(subject, order)


def _neurons(pairs: pd.DataFrame) -> np.ndarray:
    """The neurons of some pairs, each once."""
    return np.unique(pairs["neuron"].to_numpy(np.int64))


def _enough(tested: pd.DataFrame, order: np.ndarray) -> pd.DataFrame:
    """All hypotheses of so many neurons, in this order, as give enough rows."""
    by_neuron = dict(tuple(tested.groupby("neuron")))
    parts: list[pd.DataFrame] = []
    for neuron in order:
        if sum(len(part) for part in parts) < LEAST_ROWS:
            parts.append(by_neuron[neuron])
    return pd.concat(parts).sort_values(["neuron", "concept"])


def _permuted(subject: Subject, witnesses: Witnesses, hypotheses: pd.DataFrame, draw: int) -> Kind:
    """The same names, and the neurons' activations given to other images and pictures."""
    from sieve_assets.method.verdict_controls import permuted  # noqa: PLC0415 (scipy is slow)

    neurons, ids = _neurons(hypotheses), list(dict.fromkeys(witnesses.picture_ids))
    found = permuted(
        subject.stored.on_images(neurons),
        subject.stored.on_pictures(ids)[:, neurons],
        generator=subject.generator(1 + 2 * draw),
    )
    activations = HeldActivations(
        picture_ids=pd.Index(ids),
        pictures=found.pictures,
        probe=found.probe,
        images=slice(None),
        thresholds=subject.stored.thresholds[neurons],
    )
    told = hypotheses["neuron"].to_numpy(np.int64)
    concepts = hypotheses["concept"].tolist()
    place = np.searchsorted(neurons, told)
    pairs = subject.pairs(
        place, concepts, told=told, draw=draw, n_pictures=hypotheses["n_pictures"].to_numpy()
    )
    return Kind(PERMUTED, pairs, activations, witnesses)


def _shuffled(subject: Subject, hypotheses: pd.DataFrame, draw: int) -> pd.DataFrame:
    """Every name with a neuron that has no name near it, as far as there is one."""
    from sieve_assets.method.null_rates import is_near  # noqa: PLC0415 (as above)
    from sieve_assets.method.verdict_controls import exchanged_names  # noqa: PLC0415 (as above)

    concept, names = pd.factorize(hypotheses["concept"])
    texts = embed_concepts(subject.bench)
    vectors = np.stack([texts[name] for name in names])
    given = exchanged_names(
        hypotheses["neuron"].to_numpy(np.int64),
        concept.astype(np.int64),
        is_near(vectors, vectors, most=subject.bench.study.verify.near_cosine),
        generator=subject.generator(2 + 2 * draw),
    )
    concepts, numbers = hypotheses["concept"].tolist(), hypotheses["n_pictures"].to_numpy()
    pairs = subject.pairs(given, concepts, draw=draw, n_pictures=numbers)
    return pairs.loc[given >= 0]


def _false_ones(subject: Subject, pairs: pd.DataFrame) -> pd.DataFrame:
    """Those of shuffled names that are false; all where truth is not known: a few may be true."""
    if pairs.empty or not subject.has_known_truth:
        return pairs
    bench, log = subject.bench, subject.errand.log
    target, names = bench.target(subject.model), concept_names(bench.study)
    found = with_scores(bench, target, pairs, names, log=log)
    return found.loc[~found["oracle_true"], pairs.columns].assign(oracle_true=False)


def _meaningless(subject: Subject, order: np.ndarray) -> Kind:
    """Words that mean nothing, with some neurons."""
    neurons, words = np.sort(order[: subject.count]), words_of(subject.bench)
    concepts = [words[place % len(words)] for place in range(len(neurons))]
    subject.have(words, is_observed=True)
    pairs = subject.pairs(neurons, concepts)
    return Kind(MEANINGLESS, pairs, subject.stored, subject.witnesses(pairs))
