"""Pictures look by look: more only where it is open how a hypothesis ends, for whom it is open."""

import io

import numpy as np
import pytest
from rich.console import Console

from sieve_assets.assets.pipeline import stages_of
from sieve_assets.assets.plan_outcome import outcomes
from sieve_assets.assets.plans import make_plans
from sieve_assets.assets.reference_pictures import references
from sieve_assets.models.generator import DiffusersGenerator
from sieve_assets.reports.summary import print_summary
from sieve_assets_tests.methods import COMPARED, known_truth
from sieve_assets_tests.studies import LAST, assert_same_rows

LOOKS = [2, 4, 6]
VERIFY_SETTINGS = "n_reference = 4\nconfidence = 0.5\nn_controls = 0"
LOOKED = {
    "n_images = 3": f"n_images = 6\nlooks = {LOOKS}",
    "n_controls = 4\nn_reference = 4": VERIFY_SETTINGS,
}
"""So few pictures can only be clear of a line if little confidence is asked for."""
OF_A_LOOK = 1 - 0.5 / len(LOOKS)
KEY = ["model", "neuron", "concept"]
VERDICTS = ("verified", "refuted", "untestable", "ambiguous")
VERIFY = ("generated_image_sets", "activation_rates", "evidence")


@pytest.fixture(scope="module")
def looked(finished, tmp_path_factory):
    """The tiny study, planned and run with looks; only to be read."""
    study = finished.anew(tmp_path_factory.mktemp("looked"), LOOKED)
    make_plans(study.bench())
    return study.everything()


def other_folder(tmp_path, name="other"):
    folder = tmp_path / name
    folder.mkdir()
    return folder


def all_at_once(looked, folder, number):
    """The same hypotheses judged by so many pictures each, at the confidence of a look."""
    plain = looked.changed(
        folder,
        {
            f"n_images = 6\nlooks = {LOOKS}": f"n_images = {number}",
            "confidence = 0.5": f"confidence = {OF_A_LOOK}",
        },
    )
    for model in ("cnn", "vit"):
        plain.of_model(model, "reference_pictures")
        plain.of_model(model, *VERIFY)
    return plain.table("evidence").set_index(KEY)


def test_who_goes_on_is_who_would_be_ambiguous_by_the_pictures_so_far(looked, tmp_path):
    rows, chosen = looked.table("evidence").set_index(KEY), references(looked.bench())
    is_reference = rows.index.get_level_values("concept").isin(chosen)
    assert (rows.loc[is_reference, "n_pictures"] == 6).all(), "theirs are there anyway"
    assert is_reference.any()
    rows = rows[~is_reference]
    for number in (2, 4):
        plain = all_at_once(looked, other_folder(tmp_path, str(number)), number).loc[rows.index]
        is_open = (plain["matched_low"] < 0.5) & (plain["matched_high"] >= 0.5)
        is_here = rows["n_pictures"] >= number
        np.testing.assert_array_equal(rows["n_pictures"][is_here] > number, is_open[is_here])
        clear = rows.index[rows["n_pictures"] == number]
        for name in ("matched_ar", "matched_low", "matched_high", "reported_ar", "ci_low", "auc"):
            np.testing.assert_allclose(rows.loc[clear, name], plain.loc[clear, name], err_msg=name)
        np.testing.assert_array_equal(rows.loc[clear, "word_rank"], plain.loc[clear, "word_rank"])
    assert rows["n_pictures"].value_counts().index.size > 1


def test_the_bank_has_what_the_names_asked_for_and_nothing_else(looked):
    rows, bank = looked.table("evidence"), looked.table("pictures")
    most = rows.groupby("concept")["n_pictures"].max().to_dict()
    most |= dict.fromkeys(references(looked.bench()), 6)
    assert bank.groupby("prompt")["seed"].agg(sorted).to_dict() == {
        concept: list(range(number)) for concept, number in most.items()
    }
    assert len(bank) < 6 * len(most)


def test_the_papers_rates_rest_on_the_first_look(looked):
    assert set(looked.table("activation_rates")["n_images"]) == {2}
    links = looked.table("generated_image_sets")
    assert set(links["seed"]) == {0, 1}
    assert looked.table("failures").empty


def test_nothing_is_left_ambiguous_before_the_last_look(looked):
    found = looked.table("verdicts").merge(looked.table("evidence"), on=KEY)
    assert set(found.loc[found["n_pictures"] < 6, "verdict"]) <= {*VERDICTS} - {"ambiguous"}
    assert (found["n_pictures"] < 6).any()


def test_what_others_had_drawn_makes_no_difference(looked, tmp_path):
    """The first target ran while the second had drawn nothing yet."""
    copy = looked.changed(other_folder(tmp_path))
    neuron = int(copy.table("evidence", model="cnn")["neuron"].iloc[-1])
    copy.forget("cnn", "evidence")
    copy.of_model("cnn", "evidence", neurons=[neuron], batch_size=2)
    copy.of_model("cnn", "evidence")
    assert_same_rows(copy.table("evidence"), looked.table("evidence"), tolerance=1e-5)


def test_a_second_run_draws_and_changes_nothing(looked, tmp_path, monkeypatch):
    copy = looked.changed(other_folder(tmp_path))
    monkeypatch.setattr(DiffusersGenerator, "draw", None)
    copy.forget("cnn", "evidence")
    copy.everything()
    assert_same_rows(copy.table("evidence"), looked.table("evidence"), tolerance=0)


@pytest.mark.parametrize(
    "change",
    [
        {str(LOOKS): "[2, 6]"},
        {"confidence = 0.5": "confidence = 0.5\nmin_rate = 0.4"},
        {"confidence = 0.5": "confidence = 0.6"},
    ],
)
def test_other_looks_and_another_line_make_the_evidence_stale(looked, tmp_path, change):
    before = looked.table("provenance", stage="evidence").set_index(["model", "neuron"])
    other = looked.changed(other_folder(tmp_path), change)
    other.of_model("cnn", *VERIFY)
    after = other.table("provenance", stage="evidence").set_index(["model", "neuron"])
    is_new = after["recorded_at"] > before["recorded_at"]
    assert is_new["cnn"].all()
    assert not is_new["vit"].any()
    pictures = other.table("provenance", stage="generated_image_sets")
    assert set(pictures["run_id"]) == set(
        looked.table("provenance", stage="generated_image_sets")["run_id"]
    ), "the first pictures stay"


def test_without_looks_nothing_is_asked_for_that_was_not(finished):
    bench = finished.bench()
    recipe = next(one for one in stages_of(bench.study) if one.name == "evidence").recipe
    assert set(recipe(bench, "cnn").settings) == {
        *("confidence", "near_cosine", "n_best_words", "shown_percentile"),
        *("percentile", "concepts", "template"),
    }


def test_the_plan_says_how_much_at_most_and_what_came_of_it(looked):
    drawn = looked.table("image_work", work="drawn")
    for model in ("cnn", "vit"):
        found = outcomes(looked.bench(), [model])[model].set_index(["stage", "quantity"])
        row = found.loc[("evidence", "pictures to draw")]
        noted = drawn[(drawn["model"] == model) & (drawn["stage"] == "evidence")]["n_images"]
        assert row["happened"] == noted.sum() <= row["most"]
        passes = found.loc[("evidence", "forward passes")]
        assert passes["happened"] <= passes["most"]
        assert found.loc[("activation_rates", "forward passes"), "happened"] > 0
    assert drawn["n_images"].sum() == len(looked.table("pictures"))
    assert drawn.loc[drawn["stage"] == "evidence", "n_images"].sum() > 0


def test_the_saving_is_reported_to_people_and_to_dagster(looked, tmp_path):
    rows, text = looked.table("evidence"), io.StringIO()
    bench = looked.bench()
    print_summary(Console(file=text, width=200), bench.warehouse, bench.study, {}, 1.0)
    most = rows.groupby("concept")["n_pictures"].max()
    saved = 1 - most.sum() / (6 * len(most))
    assert (
        f"Looks at 2, 4, 6 pictures: the names took {most.sum()} of {6 * len(most)} pictures, "
        f"{saved:.0%} less" in text.getvalue()
    )

    copy = looked.changed(other_folder(tmp_path))
    copy.forget("cnn", "verdicts")
    result = copy.of_model("cnn", *LAST)
    [told] = [
        event.materialization.metadata
        for event in result.get_asset_materialization_events()
        if event.asset_key.path == ["verdicts"]
    ]
    mine = rows[rows["model"] == "cnn"].groupby("concept")["n_pictures"].max()
    assert told["pictures of the names"].value == mine.sum()
    assert told["of at most"].value == 6 * len(mine)


def test_every_methods_names_are_looked_at_the_same_way(looked, tmp_path):
    study = looked.changed(other_folder(tmp_path), _compared())
    with known_truth():
        names = [one.name for one in stages_of(study.bench().study) if one.group == "compare"]
        for name in ["revised_names", *names[: names.index("compared_evidence") + 1]]:
            study.of_model("cnn", name)
    rows = study.table("compared_evidence", model="cnn").set_index(KEY)
    own = looked.table("evidence", model="cnn").set_index(KEY)
    assert set(study.table("compared_pictures")["seed"]) == {0, 1}
    assert len(rows) > len(own)
    assert set(rows["n_pictures"]) <= set(LOOKS)
    assert (rows.loc[own.index, "n_pictures"] == own["n_pictures"]).all()


def _compared():
    [[old, new]] = COMPARED.items()
    return {VERIFY_SETTINGS: new.replace(old, VERIFY_SETTINGS)}
