"""Controls of known neurons: logits of named classes, planted directions, a random copy."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sieve_assets.assets.control_kinds import COPY, LOGITS, PLANTED, Kind, Subject
from sieve_assets.assets.control_networks import Looks, held
from sieve_assets.assets.evaluate import answers_to, scored
from sieve_assets.assets.hypothesize import concept_names, embed_concepts
from sieve_assets.assets.probe_embeddings import read_embeddings
from sieve_assets.assets.resources import Workbench
from sieve_assets.study_compare import ClipDissect
from sieve_assets.study_probes import TerrariumProbe

if TYPE_CHECKING:
    from sieve_assets.method.verdict_controls import Planted
    from sieve_assets.terrarium.oracle_scenes import SceneSet

LEAST_SHARE, MOST_SHARE, LEAST_IMAGES = 0.002, 0.2, 20
"""Probe images that show a planted concept: rare enough to name a neuron, and often enough seen."""
LEAST_AP = 0.8
"""A direction knows its concept from here on: average precision on images not fitted on."""
COPY_SCENES = 2000
"""Scenes without bias that say what is true of a random copy's neurons."""
_FLOOR = 1e-7
"""Of CLIP-Dissect's logarithm, as its authors have it."""


def class_names_of(bench: Workbench, model: str) -> list[str]:
    """What a target's classes are called; nothing if that is not known."""
    from sieve_assets.models.class_names import class_names  # noqa: PLC0415 (it may load torch)

    try:
        return class_names(bench.study.targets[model])
    except LookupError:
        return []


def classes_of(bench: Workbench, drawn: Sequence[str], names: Sequence[str]) -> pd.DataFrame:
    """Classes to try: `neuron`, the class's number, and `concept`, its name.

    Of names with pictures that are there anyway first, then of the concept set, then of others; a
    name that two classes have is none's.

    Args:
        bench: The study.
        drawn: Concepts with pictures that are there anyway.
        names: Of all classes.
    """
    is_free = ~pd.Series(names, dtype=object).duplicated(keep=False).to_numpy()
    found: list[int] = []
    for preferred in (drawn, concept_names(bench.study), names):
        is_asked = is_free & np.isin(np.array(names, dtype=str), list(preferred))
        count = bench.study.verify.n_controls - len(found)
        found += _some(bench, np.flatnonzero(is_asked), names, count)
        is_free &= ~is_asked
    numbers = np.array(sorted(found), np.int64)
    return pd.DataFrame({"neuron": numbers, "concept": [names[one] for one in numbers]})


def _some(bench: Workbench, places: np.ndarray, names: Sequence[str], count: int) -> list[int]:
    """So many of the places, drawn by the hash of their names."""
    from sieve_assets.method.verdict_controls import hashed_sample  # noqa: PLC0415 (scipy is slow)

    asked = [str(names[place]) for place in places.tolist()]
    chosen = hashed_sample(asked, count=max(count, 0), seed=bench.study.seed)
    return [int(places[one]) for one in chosen]


def known_controls(subject: Subject, classes: pd.DataFrame, n_classes: int) -> Iterator[Kind]:
    """The kinds that must pass, and the random copy beside them.

    Args:
        subject: The target.
        classes: Of `classes_of`; none if the classes' names are not known.
        n_classes: How many names there are.
    """
    if len(classes):
        yield _logits(subject, classes, n_classes)
    if subject.has_known_truth:
        yield from _planted(subject)
    yield from _copied(subject)


def _logits(subject: Subject, classes: pd.DataFrame, n_classes: int) -> Kind:
    from sieve_assets.models.control_networks import load_logits  # noqa: PLC0415 (torch is slow)

    network = subject.bench.beside(subject.model, load_logits)
    if network.width != n_classes:
        raise ValueError(
            f"verdict_controls: expected a name for each of the {network.width} outputs of "
            f"{subject.model}, got {n_classes}. Correct class_names of the target."
        )
    pairs = subject.pairs(classes["neuron"].to_numpy(), classes["concept"].tolist())
    subject.have(classes["concept"].tolist(), is_observed=False)
    witnesses = subject.witnesses(pairs)
    looks = Looks(subject, network, f"logits of {subject.model}")
    return Kind(LOGITS, pairs, looks.activations(witnesses), witnesses)


def _planted(subject: Subject) -> Iterator[Kind]:
    """Directions that know their concept, on probe images that they were not fitted on and truly.

    The probe set is biased: a direction fitted for "octopus in water" there may be one for octopus.
    Scenes without bias tell them apart.
    """
    from sieve_assets.method.verdict_controls import along, planted_directions  # noqa: PLC0415

    names, is_shown = _shown(subject)
    if not names:
        return
    neurons = np.arange(subject.bench.study.targets[subject.model].width)
    probe = subject.stored.on_images(neurons).T
    found = planted_directions(probe, is_shown, generator=subject.generator(-1))
    known = _knowing(subject, names, found)
    if not len(known):
        return
    turned = partial(along, weight=found.weight[known])
    planted, quality = [names[one] for one in known], found.held_out_ap[known]
    pairs = subject.pairs(np.arange(len(known)), planted, quality=quality, oracle_true=True)
    subject.have(planted, is_observed=True)
    witnesses = subject.witnesses(pairs)
    ids = list(dict.fromkeys(witnesses.picture_ids))
    pictures = turned(subject.stored.on_pictures(ids))
    activations = held(subject, ids, turned(probe), pictures, np.arange(len(probe)))
    yield Kind(PLANTED, pairs, activations, witnesses)


def _knowing(subject: Subject, names: list[str], found: "Planted") -> np.ndarray:
    """The first directions, as many as are asked for, that know their concept."""
    from sieve_assets.method.verdict_controls import along  # noqa: PLC0415 (as above)
    from sieve_assets.terrarium.oracle_scenes import unbiased_set  # noqa: PLC0415 (this world's)

    target, log = subject.bench.target(subject.model), subject.errand.log
    answers = along(answers_to(subject.bench, target, unbiased_set(), log=log), found.weight)
    pairs = subject.pairs(np.arange(len(names)), names)
    is_true = _told_truth(subject, pairs, answers, unbiased_set())["oracle_true"].to_numpy(bool)
    return np.flatnonzero(is_true & (found.held_out_ap >= LEAST_AP))[: subject.count]


def _shown(subject: Subject) -> tuple[list[str], np.ndarray]:
    """Concepts to plant, twice as many as are asked for, and which probe images show them."""
    from sieve_assets.terrarium.captions import (  # noqa: PLC0415 (only this world)
        concept_named,
        truth_table,
    )
    from sieve_assets.terrarium.probe import scenes_of  # noqa: PLC0415 (only this world)

    probe = subject.bench.study.probes[subject.bench.study.targets[subject.model].probe]
    if not isinstance(probe, TerrariumProbe):
        return [], np.empty((0, 0), bool)
    ids = subject.images["image_id"].tolist()
    scenes = scenes_of(ids, n_images=probe.n_images, seed=probe.seed)
    table = truth_table(scenes, tuple(concept_named(name) for name in subject.drawn))
    share = table.mean(axis=0)
    is_fair = (share >= LEAST_SHARE) & (share <= MOST_SHARE) & (table.sum(0) >= LEAST_IMAGES)
    chosen = _some(subject.bench, np.flatnonzero(is_fair), subject.drawn, 2 * subject.count)
    return [subject.drawn[one] for one in chosen], table[:, chosen]


def _told_truth(
    subject: Subject, pairs: pd.DataFrame, answers: np.ndarray, scenes: "SceneSet"
) -> pd.DataFrame:
    """The pairs with their truth, by what the neurons do on scenes without bias."""
    if pairs.empty:
        return pairs
    names = concept_names(subject.bench.study)
    found = scored(pairs.drop(columns="oracle_true"), answers, scenes, names)
    return found.filter(list(pairs.columns))


def _copied(subject: Subject) -> Iterator[Kind]:
    """Neurons of random weights, each named by CLIP-Dissect's soft-WPMI from what is drawn."""
    from sieve_assets.models.control_networks import load_random_copy  # noqa: PLC0415 (as above)

    if not subject.drawn:
        return
    bench = subject.bench
    copy = bench.beside(subject.model, load_random_copy, seed=bench.study.seed)
    looks = Looks(subject, copy, f"random copy of {subject.model}")
    is_alive = np.ptp(looks.probe, axis=0) > 0
    neurons = subject.generator(-2).permutation(np.flatnonzero(is_alive))[: subject.count]
    if not len(neurons):
        return
    pairs = _named(subject, looks, np.sort(neurons))
    subject.have(list(dict.fromkeys(pairs["concept"])), is_observed=False)
    witnesses = subject.witnesses(pairs)
    if subject.has_known_truth:
        from sieve_assets.terrarium.oracle_scenes import SceneSet  # noqa: PLC0415 (as above)

        scenes = SceneSet(None, COPY_SCENES)
        answers = answers_to(bench, copy, scenes, log=subject.errand.log)
        pairs = _told_truth(subject, pairs, answers, scenes)
    yield Kind(COPY, pairs, looks.activations(witnesses), witnesses)


def _named(subject: Subject, looks: Looks, neurons: np.ndarray) -> pd.DataFrame:
    """The best concept of each neuron among those that are drawn anyway."""
    from sieve_assets.method.explainers.clip_dissect import soft_wpmi  # noqa: PLC0415 (scipy)

    how, texts = ClipDissect(), embed_concepts(subject.bench)
    scores = soft_wpmi(
        looks.probe,
        read_embeddings(subject.bench, subject.model)[looks.images],
        np.stack([texts[name] for name in subject.drawn]),
        n_images=min(how.n_images, len(looks.images)),
        sharpness=how.sharpness,
        p_start=how.p_start,
        p_end=how.p_end,
        floor=_FLOOR,
        evidence_weight=how.evidence_weight,
    )
    return subject.pairs(neurons, [subject.drawn[one] for one in scores[neurons].argmax(axis=1)])
