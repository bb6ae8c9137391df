"""Whether a target's verdicts are right, for its report: controls, and the known truth."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from sieve_assets.reports.atlas.report_figures import Drawing, drawn_figures
from sieve_assets.reports.atlas.report_parts import (
    Section,
    Subject,
    Table,
    count,
    first_row,
    interval_of,
    of_all,
    ratio,
    share,
)
from sieve_assets.reports.percent_tables import NONE, rows_in
from sieve_assets.reports.target_figures import TRUTH, draw_truth
from sieve_assets.stores.schema import tables

MUST_FAIL, MUST_PASS = ("fail", "untestable"), ("pass",)
_EXPECTED = {
    "fail": "not be verified",
    "untestable": "be untestable",
    "pass": "be verified",
    "reported": "no demand",
}
"""What must become of a control, in the order of reports."""
_CONTROLS = """
SELECT control, expected, count(*) AS n, count(*) FILTER (verdict = 'verified') AS verified,
    count(*) FILTER (verdict = 'refuted') AS refuted,
    count(*) FILTER (verdict = 'ambiguous') AS ambiguous,
    count(*) FILTER (verdict = 'untestable') AS untestable,
    count(oracle_true) AS judged, count(*) FILTER (oracle_true) AS true_ones
FROM verdict_controls WHERE model = $model GROUP BY ALL ORDER BY control
"""
_JUDGED = """
WITH truth AS (
    SELECT neuron, concept, bool_or(oracle_true) AS is_true FROM oracle_rates
    WHERE model = $model GROUP BY ALL
), kept AS (
    SELECT neuron, concept, bool_or(paper_kept) AS is_kept FROM verified_concepts
    WHERE model = $model GROUP BY ALL
)
SELECT 'all hypotheses' AS names, count(*) AS n, count(*) FILTER (is_true) AS true_ones
FROM verdicts JOIN truth USING (neuron, concept) WHERE model = $model
UNION ALL
SELECT 'hypotheses that the paper''s rule keeps', count(*), count(*) FILTER (is_true)
FROM verdicts JOIN truth USING (neuron, concept) JOIN kept USING (neuron, concept)
WHERE model = $model AND is_kept
UNION ALL
SELECT 'verified hypotheses', count(*), count(*) FILTER (is_true)
FROM verdicts JOIN truth USING (neuron, concept) WHERE model = $model AND verdict = 'verified'
UNION ALL
SELECT 'all revised names', count(*), count(*) FILTER (oracle_true)
FROM revised_names WHERE model = $model AND oracle_true IS NOT NULL
UNION ALL
SELECT 'verified revised names', count(*), count(*) FILTER (oracle_true)
FROM revised_names WHERE model = $model AND oracle_true IS NOT NULL AND verdict = 'verified'
"""
_AGREEMENT = "SELECT * FROM truth_agreement WHERE model = $model"


def controls_of(subject: Subject, expected: Sequence[str]) -> tuple[int, int]:
    """How many controls of which that is expected are verified, and how many there are."""
    rows = subject.read(_CONTROLS)
    some = [row for row in rows_in(rows) if row["expected"] in expected]
    return sum(row["verified"] for row in some), sum(row["n"] for row in some)


def controls_section(subject: Subject) -> Section:
    """Names whose verdict is known before any evidence is looked at."""
    found = subject.read(_CONTROLS)
    title = "Controls: names whose verdict is known before"
    if found.empty:
        return Section(
            "controls", title, ["The study asks for no controls, or none could be made here."]
        )
    kinds = sorted(rows_in(found), key=lambda row: list(_EXPECTED).index(row["expected"]))
    rows, new_kinds = [], []
    for expected, called in ((MUST_FAIL, "must fail"), (MUST_PASS, "must pass")):
        some = [row for row in kinds if row["expected"] in expected]
        rows += [_control(subject, row) for row in some]
        if some:
            summed = {name: sum(row[name] for row in some) for name in some[0] if name in _COUNTED}
            rows.append(_control(subject, {"control": f"{called}, together", **summed}))
            new_kinds.append(len(rows))
    rows += [_control(subject, row) for row in kinds if row["expected"] == "reported"]
    table = Table(
        "controls",
        "Verdicts on controls by kind",
        "interval: of the share verified (Wilson). true: by the known truth, of those it knows. "
        "Random weights may encode something by chance, so that nothing is demanded of them.",
        [
            *("control", "must", "number", "verified", "share", "interval"),
            *("refuted", "ambiguous", "untestable", "true"),
        ],
        rows,
        n_texts=2,
        new_kinds=frozenset(new_kinds),
    )
    words = [
        (
            "The same evidence and the same verdict were put to names that are wrong by "
            "construction (activations of other images, names of other neurons, meaningless "
            "words) and to names that are right by construction (outputs for known classes, "
            "directions fitted to a concept). At most 2 % of those that must fail and at least 95 "
            "% of those that must pass should be verified (docs/method.md, section 3)."
        )
    ]
    return Section("controls", title, words, tables=[table])


_COUNTED = {"n", "verified", "refuted", "ambiguous", "untestable", "judged", "true_ones"}


def _control(subject: Subject, row: dict[str, Any]) -> list[str]:
    n_verified, n = int(row["verified"]), int(row["n"])
    true_ones = f"{count(row['true_ones'])} of {count(row['judged'])}" if row["judged"] else NONE
    return [
        row["control"],
        _EXPECTED.get(row.get("expected", ""), ""),
        count(n),
        count(n_verified),
        ratio(n_verified, n),
        interval_of(n_verified, n, subject.confidence),
        *(count(row[name]) for name in ("refuted", "ambiguous", "untestable")),
        true_ones,
    ]


def judged_names(subject: Subject) -> pd.DataFrame:
    """How many names of each kind are true; kinds without any that is judged are left out."""
    rows = subject.read(_JUDGED)
    return rows.loc[rows["n"] > 0].reset_index(drop=True)


def truth_section(subject: Subject) -> Section:
    """What the embedded world says; that nothing is known elsewhere."""
    found, names = subject.read(_AGREEMENT), judged_names(subject)
    title = "Against the known truth"
    if found.empty and names.empty:
        return Section(
            "truth",
            title,
            [
                (
                    "The truth is known of the embedded world's scenes only, and not of this "
                    "target's probe images: nothing here says whether a verified name is true."
                )
            ],
        )
    words = [
        (
            "The embedded world renders its own scenes, so that it is known what each of them "
            "shows. A name is true if it tells when the neuron fires at least half as well (F1) "
            "as the best word of the concept set, and better than chance (docs/method.md, section "
            "5). None of this enters a verdict."
        )
    ]
    if len(found):
        row = first_row(found)
        words += _words(row)
    made = [table for table in (_true_names(subject, names), _agreement(found)) if table.rows]
    tested = subject.read(TRUTH).dropna(subset="oracle_ar")
    figure = Drawing(
        "truth",
        "Activation rates against the oracle's",
        "A point a hypothesis: its AR on generated pictures against that on rendered scenes "
        "that do show it. On the broken line both are the same.",
        f"Scatter of {len(tested)} hypotheses about the diagonal.",
        draw_truth,
        tested,
    )
    figures = drawn_figures(subject.model, figure)
    return Section("truth", title, words, figures=figures, tables=made)


def _words(row: dict[str, Any]) -> list[str]:
    if pd.isna(row["mean_abs_ar_error"]):
        return ["No hypothesis names anything in that world, so that no AR has a true value."]
    return [
        (
            f"Activation rates are off by {share(row['mean_abs_ar_error'])} in the mean; the best "
            f"constant would be off by {share(row['constant_error'])}."
        )
    ]


def _true_names(subject: Subject, names: pd.DataFrame) -> Table:
    rows = [
        [
            row["names"],
            of_all(row["true_ones"], row["n"]),
            interval_of(int(row["true_ones"]), int(row["n"]), subject.confidence),
        ]
        for row in rows_in(names)
    ]
    return Table(
        "true-names",
        "True names",
        "Each name once a neuron; interval: of the share (Wilson).",
        ["names", "true", "interval"],
        rows,
    )


def _agreement(found: pd.DataFrame) -> Table:
    """A row a figure, with what the schema says of it."""
    about = tables()["truth_agreement"].comments
    rows = [
        [name, about[str(name)], _figure(str(name), value)]
        for name, value in (first_row(found) if len(found) else {}).items()
        if name not in {"model", "is_complete"}
    ]
    return Table(
        "agreement",
        "Agreement of rates and of the paper's rule with the truth",
        "verified_precision and verified_recall are about the paper's rule by AR and by the "
        "oracle's rates, not about verdicts by evidence.",
        ["figure", "what it is", "value"],
        rows,
        n_texts=2,
    )


def _figure(name: str, value: Any) -> str:
    return count(value) if name.startswith("n_") else share(value)
