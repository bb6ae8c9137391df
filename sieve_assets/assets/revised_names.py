"""What each neuron is best called by all that was drawn: hypotheses revised by experiment.

Not here: how the best name is found (`method.revised_names`).
"""

from collections.abc import Collection

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.errands import Errand
from sieve_assets.assets.evaluate import has_known_truth, unbiased_identity, with_scores
from sieve_assets.assets.evidence import evidence, rows_of
from sieve_assets.assets.hypothesize import concept_names
from sieve_assets.assets.probe import probe_activations
from sieve_assets.assets.probe_embeddings import probe_embeddings
from sieve_assets.assets.records import work
from sieve_assets.assets.reference_pictures import reference_pictures, references
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.select import neuron_ratios
from sieve_assets.assets.sequential_drawing import witnesses_of
from sieve_assets.assets.stages import Recipe, stage
from sieve_assets.assets.verdicts import LINES, judged
from sieve_assets.assets.verify import generated_image_sets
from sieve_assets.assets.witnesses import NEURONS_TOGETHER

NOT_ASKED = "names are not revised: revise is false"
_LIVING = """
SELECT neuron FROM neuron_ratios WHERE model = $model AND status <> 'dead'
    AND neuron NOT IN (SELECT unnest($left_out::INTEGER[])) ORDER BY neuron
"""
_OWN = """
SELECT neuron, concept FROM evidence WHERE model = $model
    AND neuron NOT IN (SELECT unnest($left_out::INTEGER[])) ORDER BY concept, neuron
"""
_EVIDENCE = [
    *("model", "neuron", "concept", "n_pictures", "activation_rate", "ci_low", "ci_high"),
    *("ar_to_report", "p_value", "word_rank", "probe_share", "matched_threshold", "matched_ar"),
    *("matched_low", "matched_high", "reported_ar"),
]


def _recipe(bench: Workbench, model: str) -> Recipe:
    if not bench.study.verify.revise:
        return Recipe({"revise": False}, status=NOT_ASKED)
    found = evidence.recipe(bench, model)
    lines = bench.study.verify.model_dump(include=LINES)
    truth = unbiased_identity() if has_known_truth(bench.study, model) else "unknown"
    return found._replace(settings={**found.settings, **lines, "truth": truth})


@stage(
    group="verify",
    by="model",
    reads=[
        generated_image_sets,
        reference_pictures,
        probe_embeddings,
        probe_activations,
        neuron_ratios,
        evidence,
    ],
    recipe=_recipe,
    given=["target_weights", "vision_language_model", "concept_set", "verify_settings"],
    runs_models=True,
    facts="""
    SELECT -1 AS neuron, count(*) AS names, any_value(n_candidates) AS "of so many concepts",
        count(*) FILTER (is_new) AS "new to the neuron",
        count(*) FILTER (verdict = 'verified') AS verified,
        avg(ar_to_report) FILTER (verdict = 'verified') AS "their mean AR on the reporting half",
        avg(oracle_true::INTEGER) AS "share of true names",
        avg(oracle_true::INTEGER) FILTER (verdict = 'verified') AS "of the verified"
    FROM revised_names WHERE model = $model
    """,
)
def revised_names(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """Each living neuron's best name of all concepts drawn for the target, with its verdict.

    Also for neurons that Select drops: it costs no new hypothesis's pictures. Not in the paper:
    docs/method.md, section 3.
    """
    for recorder in work(context, bench, revised_names):
        left_out = recorder.lineage.unreliable
        is_asked = bench.study.verify.revise
        recorder.write(revised_rows(recorder.errand, left_out) if is_asked else pd.DataFrame())


def revised_rows(errand: Errand, left_out: Collection[int]) -> pd.DataFrame:
    """A target's rows of `revised_names`, but of the neurons left out."""
    bench, asked = errand.bench, {"model": errand.model, "left_out": sorted(left_out)}
    own = bench.warehouse.read(_OWN, asked)
    neurons = bench.warehouse.read(_LIVING, asked)["neuron"].to_numpy(np.int64)
    best = _best_names(errand, own["concept"].unique().tolist(), neurons)
    if best.empty:
        return best
    tested = rows_of(errand, best.filter(["model", "neuron", "concept"]))
    rows = tested[_EVIDENCE].merge(best, on=["model", "neuron", "concept"])
    verdicts = judged(rows.assign(best_name=rows["concept"]), bench.study.verify, is_complete=True)
    hypotheses = pd.MultiIndex.from_frame(own)
    is_own = pd.MultiIndex.from_arrays([rows["neuron"], rows["concept"]]).isin(hypotheses)
    rows = rows.assign(is_new=~is_own, **verdicts[["q_value", "verdict", "reason"]])
    return _with_truth(errand, rows)


def _best_names(errand: Errand, hypotheses: list[str], neurons: np.ndarray) -> pd.DataFrame:
    """Of the references and the target's hypotheses; with looks by the first look's pictures."""
    chosen = tuple(references(errand.bench))
    others = [concept for concept in hypotheses if concept not in set(chosen)]
    n_first = errand.bench.study.generator.n_first
    witnesses = witnesses_of(
        errand, pd.DataFrame({"concept": others, "n_pictures": n_first}), chosen
    )
    if not (len(neurons) and witnesses.drawn):
        return pd.DataFrame()
    parts = [
        witnesses.best_names(neurons[at : at + NEURONS_TOGETHER])
        for at in range(0, len(neurons), NEURONS_TOGETHER)
    ]
    found = pd.concat(parts, ignore_index=True)
    return found.assign(model=errand.model, n_candidates=len(witnesses.drawn))


def _with_truth(errand: Errand, rows: pd.DataFrame) -> pd.DataFrame:
    """The names with `oracle_true`, None where it is not known."""
    bench, model = errand.bench, errand.model
    if not has_known_truth(bench.study, model):
        return rows.assign(oracle_true=None)
    names, target = concept_names(bench.study), bench.target(model)
    found = with_scores(bench, target, rows, names, log=errand.log)
    return rows.assign(oracle_true=found["oracle_true"])
