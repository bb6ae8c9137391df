"""The first page of a report: what was found of a target, in words and a few numbers."""

from typing import NamedTuple

from sieve_assets.reports.atlas.report_found import neurons_of
from sieve_assets.reports.atlas.report_judged import (
    MUST_FAIL,
    MUST_PASS,
    controls_of,
    judged_names,
)
from sieve_assets.reports.atlas.report_parts import (
    Subject,
    count,
    interval,
    of_all,
    plural,
    ratio,
    share,
)
from sieve_assets.reports.compared_methods import OTHER, SIEVE, compared_methods
from sieve_assets.reports.percent_tables import rows_in

_NAMES = """
SELECT count(*) AS names, count(*) FILTER (verdict = 'verified') AS verified
FROM verdicts WHERE model = $model
"""


class Key(NamedTuple):
    """A number that stands out."""

    value: str
    called: str
    about: str


def keys_of(subject: Subject) -> list[Key]:
    """The numbers that tell most, as far as there are any."""
    found, keys = neurons_of(subject), []
    n = found["neurons"]
    if n:
        keys += [
            Key(
                ratio(found["selected"], n),
                "neurons selected",
                f"{count(found['selected'])} of {count(n)}",
            ),
            Key(
                ratio(found["any_verified"], n),
                "neurons with a verified name",
                f"{count(found['any_verified'])} of {count(n)}, hypotheses and revised names",
            ),
        ]
    for expected, called in ((MUST_FAIL, "must fail"), (MUST_PASS, "must pass")):
        n_verified, n_controls = controls_of(subject, expected)
        if n_controls:
            about = f"{count(n_verified)} of {count(n_controls)} controls"
            keys.append(Key(ratio(n_verified, n_controls), f"verified of what {called}", about))
    for row in rows_in(judged_names(subject)):
        if row["names"].startswith("verified"):
            about = f"{count(row['true_ones'])} of {count(row['n'])}, by the known truth"
            keys.append(Key(ratio(row["true_ones"], row["n"]), f"true of {row['names']}", about))
    return keys


def summary_of(subject: Subject) -> list[str]:
    """What was found, in sentences."""
    target, found = subject.study.targets[subject.model], neurons_of(subject)
    words = [
        (
            f"{subject.model} is the layer {target.layer} of {target.network}, with "
            f"{plural(target.width, 'neuron')}, observed on the probe set {target.probe}."
        )
    ]
    if not found["neurons"]:
        return [*words, "Nothing has been found of it yet."]
    n = found["neurons"]
    words.append(
        f"{of_all(found['selected'], n)} neurons are selective enough to be interpreted, "
        f"{count(found['low_contrast'])} are of low contrast and {count(found['dead'])} dead. "
        + _names(subject, found)
    )
    return [*words, *_trust(subject), *_others(subject)]


def _names(subject: Subject, found: dict[str, float]) -> str:
    names = subject.read(_NAMES).iloc[0]
    if not names["names"]:
        told = "No name was proposed for any of them."
    elif not names["verified"]:
        told = f"Of {plural(names['names'], 'hypothesis', 'hypotheses')}, none is verified."
    else:
        told = (
            f"{of_all(names['verified'], names['names'])} hypotheses are verified, of "
            f"{plural(found['verified'], 'neuron')}."
        )
    if found["revised"]:
        told += (
            f" After the experiment {plural(found['revised'], 'neuron')} got a revised name, of "
            f"which {count(found['revised_verified'])} are verified."
        )
    else:
        told += " There are no revised names."
    return told


def _trust(subject: Subject) -> list[str]:
    """What controls and the truth say."""
    said = []
    for expected, called in ((MUST_FAIL, "must not"), (MUST_PASS, "must")):
        n_verified, n = controls_of(subject, expected)
        if n:
            said.append(f"{of_all(n_verified, n)} controls that {called} be verified are verified")
    words = [f"{'; '.join(said)}."] if said else ["No controls were made."]
    names = rows_in(judged_names(subject))
    if names:
        told = [f"{row['names']} {ratio(row['true_ones'], row['n'])}" for row in names]
        words.append(f"True by the known truth: {', '.join(told)}.")
    else:
        words.append("Whether the names are true is not known for these images.")
    return words


def _others(subject: Subject) -> list[str]:
    if subject.study.compare is None:
        return []
    rows = compared_methods(subject.warehouse, subject.model)
    own = rows_in(rows.loc[rows["explainer"] == SIEVE])
    others = rows_in(rows.loc[rows["kind"] == OTHER].sort_values(by="mean_ar", kind="stable"))
    if not own or not others:
        return []
    best, sieve = others[-1], own[0]
    verified = (
        f"; its verified names, of {share(sieve['verified_coverage'])} of the neurons, have "
        f"{share(sieve['verified_ar'])}"
        if sieve["verified_coverage"]
        else ""
    )
    return [
        (
            f"Beside {plural(len(others), 'other method')}: SIEVE's first names, of "
            f"{share(sieve['coverage'])} of the neurons, have a mean AR of "
            f"{_mean(sieve)}{verified}. The highest mean AR of another method's first names is "
            f"{_mean(best)}, of {best['called']}, which names {share(best['coverage'])} of the "
            "neurons."
        )
    ]


def _mean(row: dict[str, float]) -> str:
    return f"{share(row['mean_ar'])} ({interval(row['mean_ar_low'], row['mean_ar_high'])})"
