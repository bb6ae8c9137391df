"""Names are held against loops over the stored rows."""

import pandas as pd
import pytest

from sieve_assets.reports.atlas.shown_names import SHOWN_COLUMNS, shown_names, tried_names
from sieve_assets_tests.names_by_lot import UNJUDGED, UNREVISED

MODELS = ("cnn", "vit")
SOURCES = ("hypothesis", "revised", "both")
SHARED = [
    *("n_pictures", "activation_rate", "ci_low", "ci_high", "ar_to_report", "matched_ar", "score"),
]
CASES = {
    *((is_verified, source, False) for is_verified in (True, False) for source in SOURCES),
    (True, "hypothesis", True),
}
"""Of shown names: is it verified, its source, is it chosen over an earlier verified one?"""
JUDGED = ["verdict", "reason", "q_value"]


def by_name(rows):
    """{(neuron, concept): row}; of several rows of a name the first."""
    found = {}
    for row in rows.to_dict("records"):
        found.setdefault((row["neuron"], row["concept"]), row)
    return found


def places(study, model):
    """{neuron: its hypotheses in order}: those of the largest cluster first."""
    sizes = {}
    for row in study.table("clusters", model=model).to_dict("records"):
        key = row["neuron"], row["cluster"]
        sizes[key] = sizes.get(key, 0) + 1
    hypotheses = study.table("concept_hypotheses", model=model).to_dict("records")
    hypotheses.sort(key=lambda h: (-sizes[h["neuron"], h["cluster"]], h["place"], h["cluster"]))
    order = {}
    for row in hypotheses:
        mine = order.setdefault(row["neuron"], [])
        if row["concept"] not in mine:
            mine.append(row["concept"])
    return order


def expected_names(study, model):
    """{(neuron, concept): row}, by loops."""
    tables = {
        name: by_name(study.table(name, model=model))
        for name in ("evidence", "verdicts", "revised_names")
    }
    kept, truth = ({} for _ in range(2))
    for name, column, found in (
        ("verified_concepts", "paper_kept", kept),
        ("oracle_rates", "oracle_true", truth),
    ):
        for row in study.table(name, model=model).to_dict("records"):
            key = row["neuron"], row["concept"]
            found[key] = found.get(key, False) or row[column]
    rows = {}
    for neuron, concepts in places(study, model).items():
        for place, concept in enumerate(concepts):
            key = neuron, concept
            evidence, verdict = tables["evidence"].get(key, {}), tables["verdicts"].get(key, {})
            rows[key] = {
                "source": "hypothesis",
                "place": place,
                **{name: evidence.get(name) for name in [*SHARED, "null_ar", "ar_to_decide"]},
                **{name: verdict.get(name) for name in JUDGED},
                "paper_kept": kept.get(key),
                "is_new": False,
                "oracle_true": truth.get(key),
            }
    for key, revised in tables["revised_names"].items():
        row = rows.setdefault(key, {"source": "", "is_new": True})
        row["source"] = "both" if row["source"] else "revised"
        row |= {name: revised[name] for name in [*SHARED, *JUDGED]}
        if revised["oracle_true"] is not None:
            row["oracle_true"] = revised["oracle_true"]
    return rows


def shown_by_rule(names):
    """{neuron: concept}: the rule as one would say it."""
    shown = {}
    for neuron in sorted({neuron for neuron, _ in names}):
        mine = {concept: row for (of, concept), row in names.items() if of == neuron}
        revised = [name for name, row in mine.items() if row["source"] != "hypothesis"]
        verified = {name: row for name, row in mine.items() if row["verdict"] == "verified"}
        if revised and revised[0] in verified:
            shown[neuron] = revised[0]
        elif verified:
            best = max(row["ar_to_decide"] for row in verified.values())
            equal = [name for name in verified if verified[name]["ar_to_decide"] == best]
            shown[neuron] = min(equal, key=lambda name: verified[name]["place"])
        elif revised:
            shown[neuron] = revised[0]
        else:
            shown[neuron] = next(name for name, row in mine.items() if row["place"] == 0)
    return shown


def is_same(found, expected):
    return found == expected or (pd.isna(found) and (expected is None or pd.isna(expected)))


@pytest.mark.parametrize("model", MODELS)
def test_every_tried_name_comes_once_with_what_is_stored_of_it(named, model):
    found = tried_names(named.bench().warehouse, model)

    expected = expected_names(named, model)
    assert not found.duplicated(["neuron", "concept"]).any()
    assert {(row.neuron, row.concept) for row in found.itertuples()} == expected.keys()
    for row in found.to_dict("records"):
        told = expected[row["neuron"], row["concept"]]
        for name in told.keys() - {"ar_to_decide"}:
            value = told[name]
            assert is_same(row[name], value), (row["neuron"], row["concept"], name)
        if not pd.isna(row["null_ar"]):
            assert row["lift"] == row["activation_rate"] - row["null_ar"]


def test_lots_gave_every_case_of_the_rule(named):
    """Else the tests beside this one say little."""
    cases = set()
    for model in MODELS:
        names = expected_names(named, model)
        for neuron, concept in shown_by_rule(names).items():
            row = names[neuron, concept]
            earlier = [
                other["verdict"]
                for (of, _), other in names.items()
                if of == neuron and other.get("place", 9) < row.get("place", 0)
            ]
            is_jump = row["source"] == "hypothesis" and "verified" in earlier
            cases.add((row["verdict"] == "verified", row["source"], is_jump))
    assert cases >= CASES


@pytest.mark.parametrize("model", MODELS)
def test_the_shown_name_is_that_of_the_rule(named, model):
    shown = shown_names(named.bench().warehouse, model)

    names = expected_names(named, model)
    assert list(shown.columns) == SHOWN_COLUMNS
    assert dict(zip(shown["neuron"], shown["concept"], strict=True)) == shown_by_rule(names)
    assert shown["neuron"].is_monotonic_increasing
    for row in shown.to_dict("records"):
        expected = names[row["neuron"], row["concept"]]
        for name in SHOWN_COLUMNS[2:]:
            assert is_same(row[name], expected[name]), (row["neuron"], name)


def test_a_neuron_that_is_not_judged_yet_shows_its_first_hypothesis_without_a_verdict(named):
    model, neuron = UNJUDGED

    shown = shown_names(named.bench().warehouse, model).set_index("neuron").loc[neuron]

    assert shown["concept"] == places(named, model)[neuron][0]
    assert shown["source"] == "hypothesis"
    assert shown[["verdict", "activation_rate", "n_pictures"]].isna().all()


def test_a_neuron_without_a_revised_name_shows_a_hypothesis(named):
    model, neuron = UNREVISED

    shown = shown_names(named.bench().warehouse, model).set_index("neuron").loc[neuron]

    assert shown["source"] == "hypothesis"


def test_a_target_without_names_has_no_rows_but_all_columns(named):
    warehouse = named.bench().warehouse

    none = tried_names(warehouse, "nothing")

    assert none.empty
    assert list(none.columns) == list(tried_names(warehouse, "cnn").columns)
    assert shown_names(warehouse, "nothing").columns.tolist() == SHOWN_COLUMNS
