"""Evaluate: what the embedded world's known truth says of the hypotheses and of their verdicts.

Only for targets whose probe set the world renders: nothing is known of other images.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.hypothesize import clusters, concept_hypotheses, concept_names
from sieve_assets.assets.known_scenes import observe
from sieve_assets.assets.records import Recorder, work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.select import neuron_ratios
from sieve_assets.assets.stages import Recipe, Share, stage
from sieve_assets.assets.verify import activation_rates, verified_concepts
from sieve_assets.study import Study, TerrariumProbe

if TYPE_CHECKING:
    from sieve_assets.models.target import Target

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
    """Whether the target's probe images show the embedded world."""
    return isinstance(study.probes[study.targets[model].probe], TerrariumProbe)


def _oracle_recipe(bench: Workbench, model: str) -> Recipe:
    if not has_known_truth(bench.study, model):
        return Recipe((NO_TRUTH,))
    from sieve_assets.terrarium.oracle_scenes import (  # noqa: PLC0415 (only for this world)
        set_of,
        unbiased_set,
    )

    sets = [unbiased_set().identity, set_of("").identity]
    names = concept_names(bench.study.concepts)
    return Recipe((names, sets, N_SHUFFLES, SHUFFLE_SEED), bench.target_hash(model))


@stage(
    group="evaluate",
    by="neuron",
    reads=[concept_hypotheses, neuron_ratios],
    recipe=_oracle_recipe,
)
def oracle_rates(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """Each hypothesis on rendered scenes whose truth is known: its AR, and whether it is true.

    Targets without a probe set of the embedded world get no rows.
    """
    for recorder in work(context, bench, oracle_rates):
        share = recorder.share
        if not has_known_truth(bench.study, share.model):
            _write_nothing(recorder)
            continue
        rows = read_hypotheses(bench, share)
        if len(rows):
            target, names = bench.target(share.model), concept_names(bench.study.concepts)
            rows = with_rates(bench, target, with_scores(bench, target, rows, names))
        recorder.write(rows if len(rows) else pd.DataFrame(), table="oracle_rates")


def _write_nothing(recorder: Recorder) -> None:
    """Leave no rows, and say why."""
    recorder.write(pd.DataFrame(), table=recorder.stage.name)
    for key in recorder.share.keys:
        recorder.context.add_asset_metadata({"status": NO_TRUTH}, partition_key=key)


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
    bench: Workbench, target: "Target", rows: pd.DataFrame, names: Sequence[str]
) -> pd.DataFrame:
    """The hypotheses, all of the concept set, with their F1 on unbiased scenes, and their truth."""
    from sieve_assets.method.oracle_rates import oracle_scores  # noqa: PLC0415 (with the world)
    from sieve_assets.terrarium.captions import concept_named, truth_table  # noqa: PLC0415
    from sieve_assets.terrarium.oracle_scenes import unbiased_set  # noqa: PLC0415

    neuron, neurons = pd.factorize(rows["neuron"])
    concept = pd.Index(names).get_indexer(pd.Index(rows["concept"]))
    scenes = unbiased_set()
    answers = bench.arrays.open(observe(bench, target, [scenes])[scenes], verify=True)[
        "activations"
    ]
    scores = oracle_scores(
        np.ascontiguousarray(answers.T[np.asarray(neurons)]),
        truth_table(scenes.scenes(), tuple(concept_named(name) for name in names)),
        n_shuffles=N_SHUFFLES,
        generator=np.random.default_rng(SHUFFLE_SEED),
    )
    best = [names[one] if one >= 0 else None for one in scores.best_concept]
    return rows.assign(
        oracle_f1=scores.f1[neuron, concept],
        shuffled_f1=scores.shuffled_f1[neuron, concept],
        best_f1=scores.best_f1[neuron],
        best_concept=np.array(best, dtype=object)[neuron],
        oracle_true=scores.is_true[neuron, concept],
    )


def with_rates(bench: Workbench, target: "Target", rows: pd.DataFrame) -> pd.DataFrame:
    """The hypotheses with their AR on scenes rendered for them, where they name something."""
    from sieve_assets.method.activation_rates import activation_rates  # noqa: PLC0415 (scipy)
    from sieve_assets.terrarium.captions import concept_named  # noqa: PLC0415 (only this world)
    from sieve_assets.terrarium.oracle_scenes import set_of  # noqa: PLC0415

    is_of_world = rows["concept"].map(lambda name: concept_named(name).is_of_the_world)
    rows = rows.assign(is_of_world=is_of_world.astype(bool), n_scenes=0, oracle_ar=np.nan)
    named = rows.loc[rows["is_of_world"]]
    if named.empty:
        return rows
    uris = observe(bench, target, [set_of(name) for name in named["concept"].unique()])
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
    return Recipe(() if has_known_truth(bench.study, model) else (NO_TRUTH,))


@stage(
    group="evaluate",
    by="model",
    reads=[oracle_rates, activation_rates, verified_concepts, concept_hypotheses, clusters],
    recipe=_agreement_recipe,
)
def truth_agreement(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """How far a target's activation rates and verdicts agree with the known truth."""
    for recorder in work(context, bench, truth_agreement):
        share = recorder.share
        if not has_known_truth(bench.study, share.model):
            _write_nothing(recorder)
            continue
        model = {"model": share.model}
        n_judged = bench.warehouse.read(_JUDGED_NEURONS, model)["n"].iloc[0]
        is_complete = bool(n_judged == bench.study.targets[share.model].width)
        found = agreement(bench.warehouse.read(_TESTED, model))
        row = {**model, **found, "is_complete": is_complete}
        recorder.write(pd.DataFrame([row]), table="truth_agreement")
        context.add_asset_metadata(
            {name: value for name, value in found.items() if np.isfinite(value)},
            partition_key=share.keys[0],
        )


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
