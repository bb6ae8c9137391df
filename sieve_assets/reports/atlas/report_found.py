"""What was found of a target, for its report: how far neurons got, verdicts, verified names."""

from typing import Any

import pandas as pd

from sieve_assets.reports.atlas.report_figures import Drawing, drawn_figures
from sieve_assets.reports.atlas.report_parts import (
    Figure,
    Section,
    Subject,
    Table,
    count,
    first_row,
    interval,
    of_all,
    plural,
    ratio,
    share,
)
from sieve_assets.reports.percent_tables import rows_in
from sieve_assets.reports.target_figures import RATES, RATIOS, draw_rates, draw_ratios

MOST_NAMES = 60
"""Verified names that the report lists; the index has them all."""
VERDICTS = {
    "verified": "pictures of the name fire the neuron often enough, and no other name fits better "
    "by far",
    "refuted": "they do not, or another name fits far better",
    "ambiguous": "too few pictures to tell",
    "untestable": "the pictures do not show the name",
}
"""In the order of reports, with what each means."""

_NEURONS = """
SELECT count(*) AS neurons,
    count(*) FILTER (status = 'selected') AS selected,
    count(*) FILTER (status = 'low_contrast') AS low_contrast,
    count(*) FILTER (status = 'dead') AS dead,
    count(*) FILTER (neuron IN (SELECT neuron FROM concept_hypotheses WHERE model = $model))
        AS named,
    count(*) FILTER (neuron IN (
        SELECT neuron FROM verified_concepts WHERE model = $model AND paper_kept)) AS kept,
    count(*) FILTER (neuron IN (
        SELECT neuron FROM verdicts WHERE model = $model AND verdict = 'verified')) AS verified,
    count(*) FILTER (neuron IN (SELECT neuron FROM revised_names WHERE model = $model)) AS revised,
    count(*) FILTER (neuron IN (
        SELECT neuron FROM revised_names WHERE model = $model AND verdict = 'verified'))
        AS revised_verified,
    count(*) FILTER (neuron IN (
        SELECT neuron FROM verdicts WHERE model = $model AND verdict = 'verified'
        UNION SELECT neuron FROM revised_names WHERE model = $model AND verdict = 'verified'))
        AS any_verified,
    any_value(rule) AS rule, any_value(beta) AS beta
FROM neuron_ratios WHERE model = $model
"""
_STEPS = (
    ("neurons", "in the layer", "channels of the layer, or directions in it"),
    ("dead", "dead", "one activation on every probe image"),
    ("low_contrast", "of low contrast", "contrast not above the threshold β"),
    ("selected", "selected", "contrast above β"),
    ("named", "with a hypothesis", "a concept was proposed for what its patches show"),
    ("kept", "with a name that the paper's rule keeps", "AR not below the mean of all hypotheses"),
    ("verified", "with a verified hypothesis", "verified by evidence"),
    ("revised", "with a revised name", "its best name of all concepts that were drawn"),
    ("revised_verified", "with a verified revised name", "verified by evidence"),
    ("any_verified", "with a verified name of either kind", "hypothesis or revised name"),
)
_HYPOTHESES = """
SELECT v.verdict, count(*) AS names, avg(e.activation_rate) AS ar,
    avg(e.reported_ar) AS reported, avg(e.n_pictures) AS pictures
FROM verdicts v JOIN evidence e USING (model, neuron, concept) WHERE model = $model GROUP BY ALL
"""
_REVISED = """
SELECT verdict, count(*) AS names, avg(activation_rate) AS ar, avg(reported_ar) AS reported,
    avg(n_pictures) AS pictures
FROM revised_names WHERE model = $model GROUP BY ALL
"""
_RULE = """
SELECT count(*) AS hypotheses, count(*) FILTER (paper_kept) AS kept,
    any_value(initial_mean_ar) AS before, any_value(final_mean_ar) AS after,
    coalesce(bool_and(is_complete), true) AS is_complete
FROM verified_concepts WHERE model = $model
"""
_NAMES = """
SELECT neuron, concept, 'hypothesis' AS kind, activation_rate, ci_low, ci_high, n_pictures,
    matched_ar, matched_low, matched_high
FROM verdicts JOIN evidence USING (model, neuron, concept)
WHERE model = $model AND verdict = 'verified'
UNION ALL
SELECT neuron, concept, 'revised name', activation_rate, ci_low, ci_high, n_pictures,
    matched_ar, matched_low, matched_high
FROM revised_names WHERE model = $model AND verdict = 'verified'
ORDER BY neuron, kind, activation_rate DESC, concept
"""


def neurons_of(subject: Subject) -> dict[str, Any]:
    """How many neurons got how far; `neurons` is 0 if nothing was observed."""
    return first_row(subject.read(_NEURONS))


def rule_of(subject: Subject) -> dict[str, Any]:
    """What the paper's rule left of the hypotheses."""
    return first_row(subject.read(_RULE))


def coverage_section(subject: Subject) -> Section:
    """From the layer's neurons to those with verified names."""
    found = neurons_of(subject)
    if not found["neurons"]:
        return Section("coverage", "From neurons to names", ["No neuron has been observed yet."])
    rows = [
        [called, what, count(found[name]), ratio(found[name], found["neurons"])]
        for name, called, what in _STEPS
    ]
    table = Table(
        "neurons",
        "Neurons by how far they got",
        "Dead neurons, those of low contrast and the selected ones are all of the layer's. A "
        "hypothesis comes from a selected neuron's own patches; a revised name can come from any "
        "concept that was drawn for the target, and a neuron that was not selected can have one.",
        ["neurons", "what it takes", "number", "of all"],
        rows,
        n_texts=2,
    )
    words = []
    if found["dead"] == found["neurons"]:
        words.append("All neurons are dead: each gives one activation on every probe image.")
    elif not found["selected"]:
        words.append("No neuron's contrast is above the threshold, so that none has a hypothesis.")
    return Section(
        "coverage", "From neurons to names", words, figures=_contrast(subject), tables=[table]
    )


def _contrast(subject: Subject) -> list[Figure]:
    neurons = subject.read(RATIOS)
    if neurons.dropna(subset="ratio").empty:
        return []
    selected = len(neurons.query("status == 'selected'"))
    return drawn_figures(
        subject.model,
        Drawing(
            "contrast",
            "Contrast of the neurons",
            "Contrast is the 99th percentile of the activation over its median (ratio rule), or "
            "its distance from it in units of the spread (signed rule). Right of the broken line, "
            "β, neurons are selected.",
            f"Histogram of the contrast of {len(neurons)} neurons; β is "
            f"{neurons['beta'].iloc[0]:g}, and {selected} neurons are selected.",
            draw_ratios,
            neurons,
        ),
    )


def verdicts_section(subject: Subject) -> Section:
    """Verdicts by evidence, and what the paper's rule keeps."""
    rule, how = rule_of(subject), subject.study.verify
    if not rule["hypotheses"]:
        return Section(
            "verdicts",
            "Verdicts",
            ["No name was proposed for any neuron, so that there is nothing to judge."],
            tables=_revised(subject),
        )
    words = [
        (
            f"A name is verified if its pictures show it (it is among the {how.n_best_words} words "
            "of the concept set that fit them best), if the neuron fires on more than "
            f"{share(how.min_rate)} of them at the threshold that suits how common the concept is, "
            f"and if the name's score is at least {how.min_score:g} of that of the neuron's best "
            "name (docs/method.md, section 3)."
        ),
        (
            f"The paper's rule keeps {of_all(rule['kept'], rule['hypotheses'])} hypotheses: those "
            f"whose AR is not below the mean of all, {share(rule['before'])}. The mean of those "
            f"that are kept is {share(rule['after'])}; it is a mean of what exceeded a mean, on "
            "the same pictures. A hypothesis counts once a cluster there, and once a neuron in "
            "the verdicts."
        ),
    ]
    if not rule["is_complete"]:
        words.append(
            "Not all neurons have been tested yet: means and verdicts are of those so far."
        )
    names = subject.read(RATES)
    n_kept = len(names.query("paper_kept"))
    figure = Drawing(
        "rates",
        "Activation rates of the hypotheses",
        "AR: the share of a name's pictures on which the neuron fires. The broken line is the mean "
        "of all hypotheses, below which the paper drops them.",
        f"Histogram of the activation rates of {len(names)} hypotheses, of which "
        f"{n_kept} are kept.",
        draw_rates,
        names,
    )
    tables = [_by_verdict(subject, _HYPOTHESES, "hypotheses", "Hypotheses by verdict")]
    return Section(
        "verdicts",
        "Verdicts",
        words,
        figures=drawn_figures(subject.model, figure),
        tables=[*tables, *_revised(subject)],
    )


def _revised(subject: Subject) -> list[Table]:
    title = "Revised names by verdict"
    table = _by_verdict(subject, _REVISED, "revised", title)
    return [table] if any(row[2] != "0" for row in table.rows) else []


def _by_verdict(subject: Subject, sql: str, name: str, title: str) -> Table:
    found = {row["verdict"]: row for row in rows_in(subject.read(sql))}
    total = sum(int(row["names"]) for row in found.values())
    rows = []
    for verdict, meaning in VERDICTS.items():
        row = found.get(verdict, {"names": 0})
        means = [row.get("ar"), row.get("reported")]
        pictures = f"{row['pictures']:.1f}" if "pictures" in row else "–"
        cells = [count(row["names"]), ratio(row["names"], total), *map(share, means), pictures]
        rows.append([verdict, meaning, *cells])
    about = (
        "mean AR: over all pictures at the threshold T. reporting half: the share of every second "
        "picture above the threshold that suits how common the concept is; the other half helped "
        "to decide. pictures: drawn of a name, in the mean."
    )
    headings = ["verdict", "means that", "names", "of all", "mean AR", "reporting half", "pictures"]
    return Table(name, title, about, headings, rows, n_texts=2)


def names_section(subject: Subject) -> Section:
    """The verified names with their rates."""
    found = subject.read(_NAMES)
    if found.empty:
        return Section("names", "Verified names", ["No name is verified."])
    words = [f"{plural(len(found), 'verified name')} of {_neurons(found)}."]
    if len(found) > MOST_NAMES:
        words.append(f"The first {MOST_NAMES} are below; the index of the target has them all.")
    rows = [
        [
            str(row["neuron"]),
            row["concept"],
            row["kind"],
            share(row["activation_rate"]),
            interval(row["ci_low"], row["ci_high"]),
            share(row["matched_ar"]),
            interval(row["matched_low"], row["matched_high"]),
            str(row["n_pictures"]),
        ]
        for row in rows_in(found.head(MOST_NAMES))
    ]
    table = Table(
        "names",
        "Verified names",
        "AR: at the threshold T, with its Wilson interval over the name's pictures. matched AR: at "
        "the threshold above which the neuron is on as many probe images as show the concept; the "
        "verdict rests on it. Of a common concept it can be far higher.",
        [*("neuron", "name", "kind", "AR", "interval", "matched AR", "interval", "pictures")],
        rows,
        n_texts=3,
    )
    return Section("names", "Verified names", words, tables=[table])


def _neurons(found: pd.DataFrame) -> str:
    return plural(len(set(found["neuron"])), "neuron")
