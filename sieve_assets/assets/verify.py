"""Verify: pictures of each hypothesis, how often a neuron fires on them, which names survive."""

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.hypothesize import concept_hypotheses
from sieve_assets.assets.partitions import Share
from sieve_assets.assets.picture_bank import draw_missing, observe, pictures_of
from sieve_assets.assets.probe import target_as_made
from sieve_assets.assets.records import work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.select import neuron_ratios
from sieve_assets.assets.shown import target_pictures, test_pictures
from sieve_assets.assets.soundness import (
    files_are_whole,
    pictures_by_hypothesis,
    rates_in_intervals,
)
from sieve_assets.assets.stages import Recipe, stage, without_settings
from sieve_assets.method.generated_image_sets import (
    PictureRequest,
    picture_requests,
    prompt_for,
)


def _pictures_recipe(bench: Workbench, _model: str) -> Recipe:
    settings, identity = bench.study.generator, dict(bench.generator_identity)
    return Recipe(
        {"generator": identity, "prompt": settings.prompt, "n_images": settings.n_first},
        str(identity["pipeline"]),
    )


@stage(
    group="verify",
    by="neuron",
    reads=[concept_hypotheses],
    recipe=_pictures_recipe,
    given=["generator_model", "verify_settings"],
    runs_models=True,
    facts="""
    SELECT p.neuron, s.status, count(g.uri) AS pictures, count(DISTINCT g.concept) AS concepts,
        any_value(g.generator) AS generator,
        first(g.uri ORDER BY g.cluster, g.concept, g.seed) AS "first picture in the image store"
    FROM (SELECT unnest($neurons) AS neuron) p
    JOIN neuron_ratios s ON s.model = $model AND s.neuron = p.neuron
    LEFT JOIN generated_image_sets g ON g.model = $model AND g.neuron = p.neuron GROUP BY ALL
    """,
    checks=[pictures_by_hypothesis(), files_are_whole("generated_image_sets")],
)
def generated_image_sets(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """Pictures of each hypothesis by a text-to-image model, drawn unless the shared bank has them.

    A picture is told by its generator with all settings, its prompt and its seed, and never drawn
    twice. With looks these are the first ones only, and `evidence` has more drawn where it must.
    Source: SIEVE, Sec. 3.4; docs/method.md, decisions 14 and 15.
    """
    settings = bench.study.generator
    for recorder in work(context, bench, generated_image_sets):
        share = recorder.share
        hypotheses = read_hypotheses(bench, share)
        prompts = [prompt_for(concept, settings.prompt) for concept in hypotheses["concept"]]
        requests = picture_requests(
            prompts, identity=bench.generator_identity, n_images=settings.n_first
        )
        n_drawn = draw_missing(recorder.errand, requests)
        rows = _links(bench, hypotheses.assign(prompt=prompts), requests)
        recorder.write(rows)
        context.log.info(
            "%s: drew %d pictures, shared %d", share.model, n_drawn, len(requests) - n_drawn
        )


def read_hypotheses(bench: Workbench, share: Share) -> pd.DataFrame:
    """The share's hypotheses."""
    return bench.warehouse.read(
        "SELECT model, neuron, cluster, concept FROM concept_hypotheses WHERE model = $model"
        " AND neuron IN (SELECT unnest($neurons)) ORDER BY neuron, cluster, place",
        {"model": share.model, "neurons": share.neurons},
    )


def _links(
    bench: Workbench, hypotheses: pd.DataFrame, requests: list[PictureRequest]
) -> pd.DataFrame:
    """One row a hypothesis and picture of it."""
    if not requests:
        return pd.DataFrame()
    rows = hypotheses.merge(pictures_of(bench, requests), on="prompt")
    return rows.drop(columns="prompt").sort_values(["neuron", "cluster", "concept", "seed"])


def _rates_recipe(bench: Workbench, model: str) -> Recipe:
    return Recipe({"confidence": bench.study.verify.confidence}, **target_as_made(bench, model))


@stage(
    group="verify",
    by="neuron",
    reads=[generated_image_sets, neuron_ratios],
    recipe=_rates_recipe,
    given=["target_weights", "verify_settings"],
    runs_models=True,
    facts="""
    WITH best AS (
        SELECT neuron, max(activation_rate) AS rate, arg_max(concept, activation_rate) AS concept,
            arg_max(ci_low, activation_rate) AS low, arg_max(ci_high, activation_rate) AS high,
            count(*) AS n
        FROM activation_rates WHERE model = $model GROUP BY neuron
    )
    SELECT p.neuron, s.status, b.n AS hypotheses, b.rate AS "best AR", b.concept AS "best concept",
        printf('%.3f (%.3f to %.3f)', b.rate, b.low, b.high) AS "best AR with its interval"
    FROM (SELECT unnest($neurons) AS neuron) p
    JOIN neuron_ratios s ON s.model = $model AND s.neuron = p.neuron
    LEFT JOIN best b ON b.neuron = p.neuron
    """,
    pictures=test_pictures,
    checks=[rates_in_intervals()],
)
def activation_rates(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """AR, the activation rate: how often a hypothesis's pictures make the neuron fire.

    The share of the pictures on which its activation exceeds T, its 99th percentile on the probe
    images; with the Wilson interval. Source: SIEVE, Eq. 4.
    """
    from sieve_assets.method import activation_rates as method  # noqa: PLC0415 (scipy is slow)

    confidence = bench.study.verify.confidence
    for recorder in work(context, bench, activation_rates):
        share = recorder.share
        pictures = bench.warehouse.read(
            "SELECT DISTINCT picture_id, uri FROM generated_image_sets WHERE model = $model"
            " AND neuron IN (SELECT unnest($neurons))",
            {"model": share.model, "neurons": share.neurons},
        )
        observe(recorder.errand, pictures)
        tests = read_tests(bench, share, bench.target_hash(share.model))
        rows = pd.DataFrame()
        if len(tests):
            rates = method.activation_rates(
                np.stack(list(tests["activations"])),
                tests["threshold"].to_numpy(),
                confidence=confidence,
            )
            rows = tests.drop(columns="activations").assign(**rates._asdict())
        recorder.write(rows)


def read_tests(bench: Workbench, share: Share, weights_hash: str) -> pd.DataFrame:
    """Each hypothesis with its neuron's threshold and activations on its pictures, by seed."""
    return bench.warehouse.read(
        "SELECT g.model, g.neuron, g.cluster, g.concept, any_value(r.p99) AS threshold,"
        " list(a.activation[g.neuron + 1] ORDER BY g.seed) AS activations"
        " FROM generated_image_sets g"
        " JOIN picture_activations a ON a.model = g.model AND a.picture_id = g.picture_id"
        " JOIN neuron_ratios r ON r.model = g.model AND r.neuron = g.neuron"
        " WHERE g.model = $model AND a.weights_hash = $weights"
        " AND g.neuron IN (SELECT unnest($neurons))"
        " GROUP BY g.model, g.neuron, g.cluster, g.concept ORDER BY g.neuron, g.cluster, g.concept",
        {"model": share.model, "weights": weights_hash, "neurons": share.neurons},
    )


@stage(
    group="verify",
    by="model",
    reads=[activation_rates],
    recipe=without_settings,
    facts="""
    SELECT -1 AS neuron, count(*) AS hypotheses, count(*) FILTER (paper_kept) AS kept,
        max(initial_mean_ar) AS "initial mean AR", max(final_mean_ar) AS "final mean AR",
        any_value(is_complete) AS "all neurons are tested",
        (SELECT count(*) FILTER (status = 'verified') FROM neuron_status WHERE model = $model)
        AS "verified neurons",
        (SELECT count(*) FILTER (status = 'unverified') FROM neuron_status WHERE model = $model)
        AS "selected neurons without a name that survived"
    FROM verified_concepts WHERE model = $model
    """,
    pictures=target_pictures,
)
def verified_concepts(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """Which names survive: the hypotheses whose AR is not below the target's mean AR.

    With the mean AR over all hypotheses and over those that are kept. Source: SIEVE, Sec. 3.4.
    """
    for recorder in work(context, bench, verified_concepts):
        share = recorder.share
        asked = {"model": share.model, "left_out": sorted(recorder.lineage.unreliable)}
        rates = bench.warehouse.read(
            "SELECT model, neuron, cluster, concept, activation_rate FROM activation_rates"
            " WHERE model = $model AND neuron NOT IN (SELECT unnest($left_out::INTEGER[]))"
            " ORDER BY neuron, cluster, concept",
            asked,
        )
        n_tested = bench.warehouse.read(
            "SELECT count(*) AS n FROM provenance WHERE stage = 'activation_rates'"
            " AND model = $model AND neuron NOT IN (SELECT unnest($left_out::INTEGER[]))",
            asked,
        )["n"].iloc[0]
        is_complete = bool(n_tested == bench.study.targets[share.model].width)
        recorder.write(judged(rates, is_complete=is_complete))


def judged(rates: pd.DataFrame, *, is_complete: bool) -> pd.DataFrame:
    """A target's rows of `verified_concepts`; none without hypotheses."""
    from sieve_assets.method.verified_concepts import verify  # noqa: PLC0415 (as its neighbours)

    if rates.empty:
        return pd.DataFrame()
    found = verify(rates["activation_rate"].to_numpy())
    return rates.assign(**found._asdict(), n_hypotheses=len(rates), is_complete=is_complete)
