"""How near every method's names of a classifier's outputs are to the classes' own names.

Not here: the formulas (`method.class_agreement`), and what a target's classes are called
(`models.class_names`).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.compared_names import NAMED_BY, compared, compared_evidence
from sieve_assets.assets.explanations import comparison
from sieve_assets.assets.method_comparison import judged_names, method_comparison, names_in
from sieve_assets.assets.records import work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import Recipe, stage

if TYPE_CHECKING:
    from sieve_assets.method.class_agreement import Agreement

NO_CLASSES = "neurons are no classes"
SPACES = ("clip", "text")
"""Of texts: the vision-language model's, and the sentence model's."""


def class_names_in(bench: Workbench, model: str) -> list[str]:
    """What the classes that the target's neurons stand for are called; empty if they are none."""
    from sieve_assets.models.class_names import classes_of_neurons  # noqa: PLC0415 (torch)

    return classes_of_neurons(bench.study.targets[model])


def _names_recipe(bench: Workbench, model: str) -> Recipe:
    classes, how = class_names_in(bench, model), comparison(bench.study)
    if not classes:
        return Recipe({"classes": NO_CLASSES}, status=NO_CLASSES)
    weights = {"vision-language model": bench.vision_language_hash}
    if how.text_model is not None:
        weights["sentence model"] = bench.checkpoint_hash(how.text_model)
    return Recipe(
        {"classes": classes, "n_names": how.n_names, "text_model": _text_model(bench)},
        " ".join(weights.values()),
        {name: {"weights": one} for name, one in weights.items()},
    )


def _text_model(bench: Workbench) -> str | None:
    """The sentence model's name; of a folder the last part, which says nothing of the machine."""
    name = comparison(bench.study).text_model
    return name.name if isinstance(name, Path) else name


@stage(
    group="compare",
    by="model",
    reads=NAMED_BY,
    recipe=_names_recipe,
    given=["target_weights", "vision_language_model", "compare_settings"],
    runs_models=True,
    facts="""
    SELECT -1 AS neuron, count(*) AS names, count(DISTINCT neuron) AS classes,
        count(*) FILTER (is_class_name) AS "names that are the class's own",
        avg(clip_cos) AS "mean cosine by the vision-language model",
        avg(text_cos) AS "by the sentence model"
    FROM compared_classes WHERE model = $model
    """,
)
def compared_classes(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """Every method's names of a network's outputs, each against the name of the neuron's class.

    Cosines of the bare texts, by the vision-language model and by the sentence model that the study
    names. Source: SIEVE, Tables 1 to 3 and 6, "CLIP cos" and "mpnet cos"; docs/explainers.md.
    Targets whose neurons are no classes get no rows.
    """
    for recorder in work(context, bench, compared_classes):
        model = recorder.share.model
        classes = class_names_in(bench, model)
        if not classes:
            recorder.write(pd.DataFrame())
            continue
        pairs = compared(bench, model, left_out=recorder.lineage.unreliable)
        recorder.write(class_rows(bench, pairs, classes))


def class_rows(bench: Workbench, pairs: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    """Rows of `compared_classes` of pairs of neuron and name."""
    from sieve_assets.method.class_agreement import class_cosines, is_class_name  # noqa: PLC0415

    if pairs.empty:
        return pd.DataFrame()
    how = comparison(bench.study)
    models: list[Any] = [bench.vision_language]
    models += [bench.sentence_model(how.text_model)] if how.text_model is not None else []
    neuron = pairs["neuron"].to_numpy(np.int64)
    texts = list(dict.fromkeys([*classes, *pairs["concept"]]))
    place = pd.Index(texts).get_indexer(pd.Index(pairs["concept"]))
    own = pd.Index(texts).get_indexer(pd.Index(classes))
    cosines: dict[str, Any] = {"text_cos": np.nan, "text_others": np.nan}
    for space, one in zip(SPACES, models, strict=False):
        vectors = one.embed_texts(texts)
        found = class_cosines(vectors[place], vectors[own], neuron)
        cosines |= {f"{space}_cos": found.own, f"{space}_others": found.others}
    named = [classes[one] for one in neuron]
    is_same = [is_class_name(*pair) for pair in zip(pairs["concept"], named, strict=True)]
    return pairs.assign(
        class_name=named,
        is_class_name=is_same,
        **cosines,
        text_model=_text_model(bench),
    )


def _agreement_recipe(bench: Workbench, model: str) -> Recipe:
    if not class_names_in(bench, model):
        return Recipe({"classes": NO_CLASSES}, status=NO_CLASSES)
    return method_comparison.recipe(bench, model)


@stage(
    group="compare",
    by="model",
    reads=[*NAMED_BY, compared_evidence, compared_classes],
    recipe=_agreement_recipe,
    given=["compare_settings", "verify_settings"],
    facts="""
    SELECT -1 AS neuron, count(*) AS methods, arg_max(explainer, clip_cos) AS "nearest (CLIP)",
        max(clip_cos) AS "its mean cosine", arg_max(explainer, text_cos) AS "nearest (sentences)",
        max(text_cos) AS "its cosine there"
    FROM class_agreement WHERE model = $model AND chosen = 'first'
    """,
)
def class_agreement(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """By method, the mean cosine of a network's outputs' names with those of their classes.

    Of each neuron's first name, of those that the paper's filter keeps, and of verified ones, with
    the share of neurons that have one. Source: SIEVE, Tables 1 to 3 and 6; docs/explainers.md.
    Targets whose neurons are no classes get no rows.
    """
    for recorder in work(context, bench, class_agreement):
        recorder.write(agreement_rows(bench, recorder.share.model))


_COSINES = "SELECT * FROM compared_classes WHERE model = $1"


def agreement_rows(bench: Workbench, model: str) -> pd.DataFrame:
    """Rows of `class_agreement`, by method and by which of its names count."""
    from sieve_assets.method.class_agreement import share_of  # noqa: PLC0415 (scipy is slow)
    from sieve_assets.method.method_comparison import chosen_names  # noqa: PLC0415 (as above)

    cosines = bench.warehouse.read(_COSINES, [model])
    if cosines.empty:
        return pd.DataFrame()
    judged = judged_names(bench, model).merge(cosines, on=["model", "neuron", "concept"])
    n_neurons = bench.study.targets[model].width
    rows: list[dict[str, Any]] = []
    for explainer, part in judged.groupby("explainer", sort=True):
        for chosen, places in chosen_names(names_in(part))._asdict().items():
            these = part.iloc[places]
            found = {space: _of_space(bench, these, space, n_neurons) for space in SPACES}
            rows.append(
                {
                    "model": model,
                    "explainer": explainer,
                    "chosen": chosen,
                    "n_neurons": n_neurons,
                    "n_named": found["clip"].n_named,
                    "coverage": found["clip"].coverage,
                    **_columns(found),
                    "same_share": share_of(these["is_class_name"].to_numpy(bool)),
                    "text_model": _text_model(bench),
                }
            )
    return pd.DataFrame(rows)


def _of_space(bench: Workbench, rows: pd.DataFrame, space: str, n_neurons: int) -> "Agreement":
    from sieve_assets.method.class_agreement import ClassCosines, agreement  # noqa: PLC0415

    own, others = (rows[f"{space}_{kind}"].to_numpy(np.float64) for kind in ("cos", "others"))
    return agreement(
        ClassCosines(own, others),
        n_neurons=n_neurons,
        confidence=bench.study.verify.confidence,
        n_resamples=comparison(bench.study).n_resamples,
        generator=np.random.default_rng(bench.study.seed),
    )


def _columns(found: "dict[str, Agreement]") -> dict[str, float]:
    columns = {}
    for space, one in found.items():
        columns |= {
            f"{space}_cos": one.own.mean,
            f"{space}_cos_low": one.own.low,
            f"{space}_cos_high": one.own.high,
            f"{space}_others": one.others,
        }
    return columns
