"""What a target's classes lose when one of its neurons is held at a value.

Not here: what is counted (`method.neuron_ablation`), and how a network is made to hold a neuron
(`models`).
"""

import logging

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.evidence import evidence
from sieve_assets.assets.explanations import comparison
from sieve_assets.assets.held_neurons import HeldNeurons, held_neurons
from sieve_assets.assets.image_classes import (
    CLASS,
    accepted_labels,
    labelled_images,
    shares_of_classes,
)
from sieve_assets.assets.probe import probe_pass, target_as_made
from sieve_assets.assets.probe_sets import probe_images
from sieve_assets.assets.records import concatenated, work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.select import neuron_ratios
from sieve_assets.assets.shown import neuron_ablation_pictures
from sieve_assets.assets.stages import Recipe, stage
from sieve_assets.assets.verdicts import verdicts
from sieve_assets.study_probes import TerrariumProbe

NO_CLASSES = "its classes have no known labels"
DIRECTIONS = "directions cannot be held one by one"
BY_ACCURACY, BY_LOGIT = "accuracy", "logit"
"""What is lost: images that were right, or the mean of a class's logit over its own images."""
_DROPS = {BY_ACCURACY: "accuracy_drop", BY_LOGIT: "logit_drop"}
_VERIFIED = """
SELECT v.neuron, v.concept
FROM verdicts v
JOIN evidence e ON e.model = v.model AND e.neuron = v.neuron AND e.concept = v.concept
WHERE v.model = $model AND v.verdict = 'verified'
    AND v.neuron NOT IN (SELECT unnest($left_out::INTEGER[]))
ORDER BY e.score DESC, v.neuron, v.concept
"""


def _recipe(bench: Workbench, model: str) -> Recipe:
    reason = _reason_for_none(bench, model)
    if reason:
        return Recipe({"classes": reason}, status=reason)
    how = comparison(bench.study).neuron_ablation
    settings = {
        **how.model_dump(exclude={"labels"}),
        "rule": bench.study.targets[model].rule,
        "classes": [sorted(labels) for labels in accepted_labels(bench, model)],
    }
    return Recipe(settings, **target_as_made(bench, model))


def _reason_for_none(bench: Workbench, model: str) -> str:
    """Why there is nothing to ablate; empty if there is."""
    if bench.study.targets[model].directions is not None:
        return DIRECTIONS
    try:
        accepted_labels(bench, model)
    except LookupError:
        return NO_CLASSES
    return ""


@stage(
    group="compare",
    by="model",
    reads=[probe_images, probe_pass, neuron_ratios, evidence, verdicts],
    recipe=_recipe,
    given=["target_weights", "compare_settings"],
    runs_models=True,
    facts="""
    SELECT -1 AS neuron, count(DISTINCT neuron) AS "neurons held",
        any_value(made_by) AS "by", any_value(accuracy_of_all) AS accuracy,
        arg_max(neuron, drop_of_all) AS "the neuron that matters most",
        max(drop_of_all) AS "its accuracy drop",
        avg(concept_share) FILTER (others_share IS NOT NULL AND measure = 'accuracy')
        AS "images of the class that loses most that show the verified name",
        avg(others_share) FILTER (measure = 'accuracy') AS "that show another neuron's",
        avg(concept_share) FILTER (others_share IS NOT NULL AND measure = 'logit')
        AS "the same of the class whose logit falls most",
        avg(others_share) FILTER (measure = 'logit') AS "another neuron's"
    FROM neuron_ablation WHERE model = $model
    """,
    pictures=neuron_ablation_pictures,
)
def neuron_ablation(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """The accuracy that classes lose when a neuron is held at a value, beside its verified name.

    By the stored activations where a linear head reads the neurons, else by forward passes of some.
    Targets whose probe images have no labels that are classes get no rows. Source: SIEVE, Fig. 6;
    docs/explainers.md.
    """
    for recorder in work(context, bench, neuron_ablation):
        model = recorder.share.model
        if _reason_for_none(bench, model):
            recorder.write(pd.DataFrame())
            continue
        asked = {"model": model, "left_out": sorted(recorder.lineage.unreliable)}
        names = bench.warehouse.read(_VERIFIED, asked).drop_duplicates("neuron")
        recorder.write(ablation_rows(bench, model, names, log=context.log))


def ablation_rows(
    bench: Workbench, model: str, names: pd.DataFrame, *, log: logging.Logger
) -> pd.DataFrame:
    """Rows of `neuron_ablation`; none if no probe image's label is a class of the target's.

    Args:
        bench: Stores and models.
        model: The target.
        names: The verified `concept` of each `neuron` that has one, the best first.
        log: The run's.
    """
    images = labelled_images(bench, model)
    if images.empty:
        log.warning("%s: no label of the probe set is one of its classes", model)
        return pd.DataFrame()
    found = held_neurons(bench, model, images, names["neuron"].to_numpy(np.int64), log=log)
    rows = _rows(bench, model, images, found)
    if rows.empty:
        log.warning("%s: no class has as many labelled images as min_images says", model)
        return rows
    return with_concepts(bench, model, images, rows.merge(names, on="neuron", how="left"))


def _rows(bench: Workbench, model: str, images: pd.DataFrame, found: HeldNeurons) -> pd.DataFrame:
    """By accuracy and by logit: a row a neuron and class that loses; in any case the first one."""
    from sieve_assets.method.neuron_ablation import accuracy_drops, ranked  # noqa: PLC0415

    how = comparison(bench.study).neuron_ablation
    lost, won, logit_drops = found.effects
    n_images = np.bincount(images[CLASS], minlength=lost.shape[1])
    labels = images.drop_duplicates(CLASS).set_index(CLASS)["label"]
    accuracies = accuracy_drops(found.effects, n_images)
    parts = []
    for measure, drops in ((BY_ACCURACY, accuracies), (BY_LOGIT, logit_drops)):
        best = ranked(drops, n_images, min_images=how.min_images, count=how.n_classes)
        row, place = np.nonzero(best.is_told)
        classes = best.classes[row, place]
        columns = {
            "model": model,
            "neuron": found.neurons[row],
            "measure": measure,
            "place": place,
            "class_position": classes,
            "label": labels.loc[classes].to_numpy(),
            "n_images": n_images[classes],
            "accuracy": found.n_right[classes] / n_images[classes],
            "n_lost": lost[row, classes],
            "n_won": won[row, classes],
            "accuracy_drop": accuracies[row, classes],
            "logit_drop": logit_drops[row, classes],
            "held_at": found.held_at[row],
            "made_by": found.made_by,
            "n_labelled": len(images),
            "accuracy_of_all": found.n_right.sum() / len(images),
            "drop_of_all": (lost - won).sum(1)[row] / len(images),
        }
        parts.append(pd.DataFrame(columns))
    return concatenated(parts)


def with_concepts(
    bench: Workbench, model: str, images: pd.DataFrame, rows: pd.DataFrame
) -> pd.DataFrame:
    """With how far each class shows the neuron's name, and other neurons' names, if that is known.

    Others are those whose ablation costs some class accuracy, as this one's does.
    """
    from sieve_assets.method.neuron_ablation import shares_of_others  # noqa: PLC0415 (at a run)

    rows = rows.assign(concept_share=np.nan, others_share=np.nan)
    probe = bench.study.probes[bench.study.targets[model].probe]
    named = rows.dropna(subset=["concept"])
    if not isinstance(probe, TerrariumProbe) or named.empty:
        return rows
    concepts = sorted(set(named["concept"]))
    shares = shares_of_classes(images, concepts, probe)
    column = pd.Index(concepts).get_indexer(pd.Index(named["concept"]))
    rows.loc[named.index, "concept_share"] = shares[named["class_position"], column]
    for measure, drop in _DROPS.items():
        is_first = (named["measure"] == measure) & (named["place"] == 0) & (named[drop] > 0)
        first, columns = named.loc[is_first], column[is_first]
        others = shares_of_others(shares[first["class_position"]][:, columns])
        rows.loc[first.index, "others_share"] = others
    return rows
