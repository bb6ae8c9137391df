"""The verdict on every hypothesis of a target by its evidence, beside the paper's rule.

Not here: how a verdict is reached (`method.verdicts`).
"""

import dagster as dg
import pandas as pd

from sieve_assets.assets.evidence import evidence
from sieve_assets.assets.records import work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import Recipe, stage
from sieve_assets.study import Verify

LINES = {"n_best_words", "min_rate", "min_score", "max_q"}


def _recipe(bench: Workbench, _model: str) -> Recipe:
    return Recipe(bench.study.verify.model_dump(include=LINES))


@stage(
    group="verify",
    by="model",
    reads=[evidence],
    recipe=_recipe,
    given=["verify_settings"],
    facts="""
    SELECT -1 AS neuron, count(*) AS hypotheses,
        count(*) FILTER (verdict = 'verified') AS verified,
        count(*) FILTER (verdict = 'refuted') AS refuted,
        count(*) FILTER (verdict = 'untestable') AS untestable,
        count(*) FILTER (verdict = 'ambiguous') AS ambiguous,
        count(DISTINCT v.neuron) FILTER (verdict = 'verified') AS "neurons with a verified name",
        avg(e.reported_ar) FILTER (verdict = 'verified') AS "their mean AR on the reporting half",
        (SELECT sum(n) FROM (
            SELECT max(n_pictures) AS n FROM evidence WHERE model = $model GROUP BY concept
        )) AS "pictures of the names", $n_images * count(DISTINCT v.concept) AS "of at most"
    FROM verdicts v JOIN evidence e USING (model, neuron, concept) WHERE model = $model
    """,
)
def verdicts(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """Verified, refuted, untestable or ambiguous: each name's verdict with its reason in words.

    Not in the paper: docs/method.md, section 3. The paper's own rule is in `verified_concepts`.
    """
    for recorder in work(context, bench, verdicts):
        share = recorder.share
        asked = {"model": share.model, "left_out": sorted(recorder.lineage.unreliable)}
        rows = bench.warehouse.read(
            "SELECT * FROM evidence WHERE model = $model"
            " AND neuron NOT IN (SELECT unnest($left_out::INTEGER[])) ORDER BY neuron, concept",
            asked,
        )
        n_tested = bench.warehouse.read(
            "SELECT count(*) AS n FROM provenance WHERE stage = 'evidence'"
            " AND model = $model AND neuron NOT IN (SELECT unnest($left_out::INTEGER[]))",
            asked,
        )["n"].iloc[0]
        is_complete = bool(n_tested == bench.study.targets[share.model].width)
        recorder.write(judged(rows, bench.study.verify, is_complete=is_complete))


def judged(rows: pd.DataFrame, how: Verify, *, is_complete: bool) -> pd.DataFrame:
    """A target's rows of `verdicts`; none without hypotheses."""
    from sieve_assets.method import verdicts as method  # noqa: PLC0415 (scipy is slow)

    if rows.empty:
        return pd.DataFrame()
    q_values = method.q_values(rows["p_value"].to_numpy())
    found = method.verdicts(
        method.Evidence(
            concept=rows["concept"].tolist(),
            n_pictures=rows["n_pictures"].to_numpy(),
            word_rank=rows["word_rank"].to_numpy(),
            rate=rows["matched_ar"].to_numpy(),
            low=rows["matched_low"].to_numpy(),
            high=rows["matched_high"].to_numpy(),
            reported_rate=rows["reported_ar"].to_numpy(),
            q_value=q_values,
            score=rows["score"].to_numpy(),
            best_name=rows["best_name"].tolist(),
        ),
        min_rate=how.min_rate,
        n_best_words=how.n_best_words,
        min_score=how.min_score,
        max_q=how.max_q,
    )
    keys = rows.filter(["model", "neuron", "concept"])
    return keys.assign(
        q_value=q_values,
        verdict=found.verdict,
        reason=found.reason,
        n_hypotheses=len(rows),
        is_complete=is_complete,
    )
