"""Evaluate: what the embedded world's known truth says of the hypotheses and of their verdicts.

Only for targets whose probe set the world renders: nothing is known of other images.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.hypothesize import clusters, concept_hypotheses, concept_names
from sieve_assets.assets.known_scenes import observe
from sieve_assets.assets.partitions import Share
from sieve_assets.assets.probe import target_as_made
from sieve_assets.assets.records import work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.select import neuron_ratios
from sieve_assets.assets.shown import truth_pictures
from sieve_assets.assets.stages import Recipe, stage
from sieve_assets.assets.verify import activation_rates, verified_concepts
from sieve_assets.study import Study
from sieve_assets.study_probes import TerrariumProbe

if TYPE_CHECKING:
    from sieve_assets.models.target import Target
    from sieve_assets.terrarium.oracle_scenes import SceneSet

N_SHUFFLES = 20
"""Permutations of the scenes whose largest F1 stands for chance."""
SHUFFLE_SEED = 0
NO_TRUTH = "no known truth"

_TESTED = """
SELECT o.neuron, o.cluster, h.place, s.size, a.activation_rate, o.oracle_ar, v.paper_kept,
    o.oracle_true
FROM oracle_rates o
JOIN activation_rates a
    ON a.model = o.model AND a.neuron = o.neuron AND a.cluster = o.cluster AND a.concept = o.concept
JOIN verified_concepts v
    ON v.model = o.model AND v.neuron = o.neuron AND v.cluster = o.cluster AND v.concept = o.concept
JOIN concept_hypotheses h
    ON h.model = o.model AND h.neuron = o.neuron AND h.cluster = o.cluster AND h.concept = o.concept
JOIN (
    SELECT neuron, cluster, count(*) AS size FROM clusters WHERE model = $model GROUP BY ALL
) s ON s.neuron = o.neuron AND s.cluster = o.cluster
WHERE o.model = $model ORDER BY o.neuron, o.cluster, h.place
"""
_JUDGED_NEURONS = """
SELECT count(*) AS n FROM (
    SELECT neuron FROM provenance
    WHERE model = $model AND stage IN ('oracle_rates', 'activation_rates')
    GROUP BY neuron HAVING count(*) = 2
)
"""


def has_known_truth(study: Study, model: str) -> bool:
    """Whether the target's probe images show the embedded world, as the known scenes are drawn."""
    probe = study.probes[study.targets[model].probe]
    return isinstance(probe, TerrariumProbe) and probe.style == "plain"


def unbiased_identity() -> Mapping[str, object]:
    """The scenes without bias on which names are true or not."""
    from sieve_assets.terrarium.oracle_scenes import unbiased_set  # noqa: PLC0415 (only this world)

    return unbiased_set().identity


def _oracle_recipe(bench: Workbench, model: str) -> Recipe:
    if not has_known_truth(bench.study, model):
        return Recipe({"truth": NO_TRUTH}, status=NO_TRUTH)
    from sieve_assets.terrarium.oracle_scenes import set_of  # noqa: PLC0415 (only for this world)

    sets = [unbiased_identity(), set_of("").identity]
    names = concept_names(bench.study)
    settings = {"concepts": names, "scenes": sets, "shuffles": N_SHUFFLES, "seed": SHUFFLE_SEED}
    return Recipe(settings, **target_as_made(bench, model))


@stage(
    group="evaluate",
    by="neuron",
    reads=[concept_hypotheses, neuron_ratios],
    recipe=_oracle_recipe,
    given=["target_weights", "concept_set"],
    runs_models=True,
    facts="""
    SELECT p.neuron, s.status, count(o.concept) AS hypotheses, max(o.oracle_ar) AS "best oracle AR",
        list(DISTINCT o.concept ORDER BY o.concept) FILTER (o.oracle_true) AS "true names",
        any_value(o.best_concept) AS "best name of all", any_value(o.best_f1) AS "its F1"
    FROM (SELECT unnest($neurons) AS neuron) p
    JOIN neuron_ratios s ON s.model = $model AND s.neuron = p.neuron
    LEFT JOIN oracle_rates o ON o.model = $model AND o.neuron = p.neuron GROUP BY ALL
    """,
)
def oracle_rates(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """Each hypothesis on rendered scenes whose truth is known: its AR, and whether it is true.

    The oracle's AR is the share of 500 scenes that do show the concept on which the neuron fires; a
    name is true if it says when the neuron fires (F1). Source: docs/method.md, section 5. Targets
    without a probe set of the embedded world get no rows.
    """
    for recorder in work(context, bench, oracle_rates):
        share = recorder.share
        if not has_known_truth(bench.study, share.model):
            recorder.write(pd.DataFrame())
            continue
        rows = read_hypotheses(bench, share)
        if len(rows):
            rows = _with_truth(bench, rows, share.model, context.log)
        recorder.write(rows if len(rows) else pd.DataFrame())


def _with_truth(
    bench: Workbench, rows: pd.DataFrame, model: str, log: logging.Logger
) -> pd.DataFrame:
    target, names = bench.target(model), concept_names(bench.study)
    return with_rates(bench, target, with_scores(bench, target, rows, names, log=log), log=log)


def read_hypotheses(bench: Workbench, share: Share) -> pd.DataFrame:
    """The share's hypotheses with their neurons' thresholds."""
    return bench.warehouse.read(
        "SELECT h.model, h.neuron, h.cluster, h.concept, r.p99 AS threshold"
        " FROM concept_hypotheses h"
        " JOIN neuron_ratios r ON r.model = h.model AND r.neuron = h.neuron"
        " WHERE h.model = $model AND h.neuron IN (SELECT unnest($neurons))"
        " ORDER BY h.neuron, h.cluster, h.concept",
        {"model": share.model, "neurons": share.neurons},
    )


def with_scores(
    bench: Workbench,
    target: "Target",
    rows: pd.DataFrame,
    names: Sequence[str],
    *,
    log: logging.Logger,
) -> pd.DataFrame:
    """The hypotheses with their F1 on unbiased scenes, and their truth.

    A name that is not of the concept set is held against the best one that is.
    """
    from sieve_assets.terrarium.oracle_scenes import unbiased_set  # noqa: PLC0415 (the world)

    return scored(rows, answers_to(bench, target, unbiased_set(), log=log), unbiased_set(), names)


def answers_to(
    bench: Workbench, target: "Target", scenes: "SceneSet", *, log: logging.Logger
) -> np.ndarray:
    """The target's activations on scenes, `[scene neuron]`; observed unless stored."""
    uri = observe(bench, target, [scenes], log=log)[scenes]
    return bench.arrays.open(uri, verify=True)["activations"]


def scored(
    rows: pd.DataFrame, answers: np.ndarray, scenes: "SceneSet", names: Sequence[str]
) -> pd.DataFrame:
    """Names of neurons with their F1 on scenes without bias, and their truth.

    Args:
        rows: `neuron` and `concept`.
        answers: Of all neurons, `[scene neuron]`.
        scenes: The scenes.
        names: The concept set.
    """
    from sieve_assets.method.oracle_rates import (  # noqa: PLC0415 (with the world)
        OracleScores,
        is_true,
        oracle_scores,
    )
    from sieve_assets.terrarium.captions import concept_named, truth_table  # noqa: PLC0415

    neuron, neurons = pd.factorize(rows["neuron"])
    activations = np.ascontiguousarray(answers.T[np.asarray(neurons)])

    def scores_of(words: Sequence[str]) -> OracleScores:
        return oracle_scores(
            activations,
            truth_table(scenes.scenes(), tuple(concept_named(word) for word in words)),
            n_shuffles=N_SHUFFLES,
            generator=np.random.default_rng(SHUFFLE_SEED),
        )

    scores, others = scores_of(names), sorted({*rows["concept"]} - {*names})
    f1, shuffled_f1 = scores.f1, scores.shuffled_f1
    if others:
        more = scores_of(others)
        f1 = np.hstack([f1, more.f1])
        shuffled_f1 = np.hstack([shuffled_f1, more.shuffled_f1])
    concept = pd.Index([*names, *others]).get_indexer(pd.Index(rows["concept"]))
    best = [names[one] if one >= 0 else None for one in scores.best_concept]
    return rows.assign(
        oracle_f1=f1[neuron, concept],
        shuffled_f1=shuffled_f1[neuron, concept],
        best_f1=scores.best_f1[neuron],
        best_concept=np.array(best, dtype=object)[neuron],
        oracle_true=is_true(f1, scores.best_f1, shuffled_f1)[neuron, concept],
    )


def with_rates(
    bench: Workbench, target: "Target", rows: pd.DataFrame, *, log: logging.Logger
) -> pd.DataFrame:
    """The hypotheses with their AR on scenes rendered for them, where they name something."""
    from sieve_assets.method.activation_rates import activation_rates  # noqa: PLC0415 (scipy)
    from sieve_assets.terrarium.captions import concept_named  # noqa: PLC0415 (only this world)
    from sieve_assets.terrarium.oracle_scenes import set_of  # noqa: PLC0415

    is_of_world = rows["concept"].map(lambda name: concept_named(name).is_of_the_world)
    rows = rows.assign(is_of_world=is_of_world.astype(bool), n_scenes=0, oracle_ar=np.nan)
    named = rows.loc[rows["is_of_world"]]
    if named.empty:
        return rows
    uris = observe(bench, target, [set_of(name) for name in named["concept"].unique()], log=log)
    answers = {
        scenes.concept: bench.arrays.open(uri, verify=True)["activations"]
        for scenes, uri in uris.items()
    }
    pairs = zip(named["concept"], named["neuron"], strict=True)
    found = activation_rates(
        np.stack([answers[concept][:, neuron] for concept, neuron in pairs]),
        named["threshold"].to_numpy(),
        confidence=bench.study.verify.confidence,
    )
    rows.loc[named.index, "n_scenes"] = found.n_images
    rows.loc[named.index, "oracle_ar"] = found.activation_rate
    return rows


def _agreement_recipe(bench: Workbench, model: str) -> Recipe:
    if not has_known_truth(bench.study, model):
        return Recipe({"truth": NO_TRUTH}, status=NO_TRUTH)
    return Recipe({})


@stage(
    group="evaluate",
    by="model",
    reads=[oracle_rates, activation_rates, verified_concepts, concept_hypotheses, clusters],
    recipe=_agreement_recipe,
    facts="SELECT -1 AS neuron, * EXCLUDE (model) FROM truth_agreement WHERE model = $model",
    pictures=truth_pictures,
)
def truth_agreement(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """How far a target's activation rates and verdicts agree with the known truth.

    Mean |AR - oracle AR|, precision and recall of the verdicts, true names with and without Verify.
    Source: docs/method.md, section 5.
    """
    for recorder in work(context, bench, truth_agreement):
        share = recorder.share
        if not has_known_truth(bench.study, share.model):
            recorder.write(pd.DataFrame())
            continue
        model = {"model": share.model}
        n_judged = bench.warehouse.read(_JUDGED_NEURONS, model)["n"].iloc[0]
        is_complete = bool(n_judged == bench.study.targets[share.model].width)
        found = agreement(bench.warehouse.read(_TESTED, model))
        row = {**model, **found, "is_complete": is_complete}
        recorder.write(pd.DataFrame([row]))


def agreement(tested: pd.DataFrame) -> dict[str, Any]:
    """The figures of `truth_agreement` from one row a hypothesis."""
    from sieve_assets.method import truth_agreement as method  # noqa: PLC0415 (as its neighbours)

    neurons = tested["neuron"].to_numpy(np.int64)
    is_first = method.is_first_name(
        neurons,
        tested["cluster"].to_numpy(np.int64),
        tested["size"].to_numpy(np.int64),
        tested["place"].to_numpy(np.int64),
    )
    found = method.truth_agreement(
        neurons,
        rates=tested["activation_rate"].to_numpy(np.float64),
        oracle_rates=tested["oracle_ar"].to_numpy(np.float64),
        paper_kept=tested["paper_kept"].to_numpy(bool),
        oracle_true=tested["oracle_true"].to_numpy(bool),
        is_first=is_first,
    )
    return found._asdict()
