"""Evidence beyond AR: each hypothesis on its pictures, on others' pictures and on natural images.

Not here: how it is computed (`method.evidence`), and the verdict on it (see `verdicts`).
"""

import dagster as dg
import pandas as pd

from sieve_assets.assets.errands import Errand
from sieve_assets.assets.hypothesize import VISION_LANGUAGE, concept_names
from sieve_assets.assets.partitions import Share
from sieve_assets.assets.probe import probe_activations
from sieve_assets.assets.probe_embeddings import probe_embeddings
from sieve_assets.assets.records import work
from sieve_assets.assets.reference_pictures import reference_pictures, references
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.select import neuron_ratios
from sieve_assets.assets.sequential_drawing import with_numbers, witnesses_of
from sieve_assets.assets.stages import Recipe, stage
from sieve_assets.assets.verify import activation_rates, generated_image_sets
from sieve_assets.assets.witnesses import by_neurons

SETTINGS = {"confidence", "near_cosine", "n_best_words", "shown_percentile"}


def _recipe(bench: Workbench, model: str) -> Recipe:
    settings = bench.study.verify.model_dump(include=SETTINGS)
    looks = bench.study.generator.looks
    if looks:
        settings |= {"looks": looks, "min_rate": bench.study.verify.min_rate}
    weights = bench.vision_language_hash
    return Recipe(
        {
            **settings,
            "percentile": bench.study.select.percentile,
            "concepts": concept_names(bench.study),
            "template": bench.study.concepts.template,
        },
        f"{bench.target_hash(model)} {weights}",
        {"target": bench.target_identity(model), VISION_LANGUAGE: {"weights": weights}},
    )


@stage(
    group="verify",
    by="neuron",
    reads=[
        activation_rates,
        generated_image_sets,
        reference_pictures,
        probe_embeddings,
        probe_activations,
        neuron_ratios,
    ],
    recipe=_recipe,
    version="2",
    given=["target_weights", "vision_language_model", "concept_set", "verify_settings"],
    runs_models=True,
    facts="""
    SELECT p.neuron, s.status, count(e.concept) AS hypotheses, max(e.score) AS "best score",
        arg_max(e.concept, e.score) AS "its name", any_value(e.best_name) AS "best name of all",
        max(e.lift) AS "largest lift over other concepts' pictures",
        sum(e.n_pictures) AS "pictures they are judged by",
        $n_images * count(e.concept) AS "of at most"
    FROM (SELECT unnest($neurons) AS neuron) p
    JOIN neuron_ratios s ON s.model = $model AND s.neuron = p.neuron
    LEFT JOIN evidence e ON e.model = $model AND e.neuron = p.neuron GROUP BY ALL
    """,
)
def evidence(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """Each name against other concepts' pictures, other neurons, natural images and other names.

    Null AR with p, specificity, CoSy's AUC and MAD, whether the pictures show the concept, the rate
    at the threshold that matches how common it is, average precisions, and the score. Not in the
    paper: docs/method.md, section 3.
    """
    for recorder in work(context, bench, evidence):
        recorder.write(evidence_rows(recorder.errand, recorder.share))


def evidence_rows(errand: Errand, share: Share) -> pd.DataFrame:
    """The share's rows of `evidence`; none without hypotheses."""
    bench = errand.bench
    pairs = bench.warehouse.read(
        "SELECT DISTINCT model, neuron, concept FROM activation_rates WHERE model = $model"
        " AND neuron IN (SELECT unnest($neurons)) ORDER BY neuron, concept",
        {"model": share.model, "neurons": share.neurons},
    )
    return rows_of(errand, pairs)


def rows_of(errand: Errand, pairs: pd.DataFrame) -> pd.DataFrame:
    """Rows of evidence for some pairs of neuron and concept of a target; none without any.

    Args:
        errand: For whom both models look at the pictures, which are there; with looks only the
            first ones are, and the others are drawn as far as they are needed.
        pairs: `model`, `neuron` and `concept`, each once.
    """
    if pairs.empty:
        return pd.DataFrame()
    asked = with_numbers(errand, pairs)
    witnesses = witnesses_of(errand, asked, tuple(references(errand.bench)))
    return pd.concat([witnesses.rows(part) for part in by_neurons(asked)], ignore_index=True)
