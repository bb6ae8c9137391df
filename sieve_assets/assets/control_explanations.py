"""Names made from the known truth, to try scores and verdicts on: right, too narrow, too wide.

Not here: how they are made (`method.explainers.relatives`). Only for targets whose probe set the
embedded world renders.
"""

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.evaluate import (
    N_SHUFFLES,
    NO_TRUTH,
    SHUFFLE_SEED,
    has_known_truth,
)
from sieve_assets.assets.explanations import facts_of, named_neurons
from sieve_assets.assets.hypothesize import concept_names
from sieve_assets.assets.known_scenes import observe
from sieve_assets.assets.probe import target_as_made
from sieve_assets.assets.records import Recorder, concatenated, work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import Recipe, stage

CONTROLS = {
    "best": "oracle",
    "narrower": "oracle, narrower",
    "wider": "oracle, wider",
    "random": "at random",
}
"""What the controls are called among the methods."""


def _recipe(bench: Workbench, model: str) -> Recipe:
    if not has_known_truth(bench.study, model):
        return Recipe({"truth": NO_TRUTH}, status=NO_TRUTH)
    from sieve_assets.terrarium.oracle_scenes import (  # noqa: PLC0415 (only for this world)
        unbiased_set,
    )

    settings = {
        "concepts": concept_names(bench.study),
        "scenes": unbiased_set().identity,
        "shuffles": N_SHUFFLES,
        "seed": bench.study.seed,
    }
    return Recipe(settings, **target_as_made(bench, model))


@stage(
    group="compare",
    by="model",
    recipe=_recipe,
    given=["target_weights", "concept_set"],
    runs_models=True,
    facts=facts_of("control_explanations", is_by_neuron=False),
)
def control_explanations(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """Four names a neuron whose answer is known: the truest, a narrower, a wider, a random one.

    No method to compare with: scores and verdicts are tried on them. docs/statistics.md.
    Targets without a probe set of the embedded world get no rows.
    """
    for recorder in work(context, bench, control_explanations):
        known = has_known_truth(bench.study, recorder.share.model)
        recorder.write(_rows(recorder) if known else pd.DataFrame())


def _rows(recorder: Recorder) -> pd.DataFrame:
    from sieve_assets.method.explainers.relatives import relatives  # noqa: PLC0415 (with the world)
    from sieve_assets.method.oracle_rates import oracle_scores  # noqa: PLC0415 (as above)
    from sieve_assets.terrarium.captions import concept_named, truth_table  # noqa: PLC0415
    from sieve_assets.terrarium.oracle_scenes import unbiased_set  # noqa: PLC0415

    bench, model = recorder.bench, recorder.share.model
    names, scenes = concept_names(bench.study), unbiased_set()
    uris = observe(bench, bench.target(model), [scenes], log=recorder.context.log)
    answers = bench.arrays.open(uris[scenes], verify=True)["activations"]
    is_present = truth_table(scenes.scenes(), tuple(concept_named(name) for name in names))
    f1 = oracle_scores(
        np.ascontiguousarray(answers.T),
        is_present,
        n_shuffles=N_SHUFFLES,
        generator=np.random.default_rng(SHUFFLE_SEED),
    ).f1
    found = relatives(f1, is_present, generator=np.random.default_rng(bench.study.seed))
    neurons = np.arange(len(f1))
    return concatenated(
        named_neurons(
            model,
            CONTROLS[kind],
            neurons=neurons,
            concepts=concepts[:, None],
            scores=f1[neurons, concepts][:, None],
            names=names,
        )
        for kind, concepts in found._asdict().items()
    )
