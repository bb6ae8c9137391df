"""The reference concepts' pictures: as many as a hypothesis's, from the shared bank."""

from sieve_assets.assets.reference_pictures import references
from sieve_assets.models.generator import DiffusersGenerator
from sieve_assets_tests.studies import CONCEPTS


def other_folder(tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    return folder


def test_each_target_has_every_reference_concept_with_its_pictures_by_seed(finished):
    names = references(finished.bench())
    for model in ("cnn", "vit"):
        rows = finished.table("reference_pictures", model=model)
        assert len(names) == 4
        assert set(rows["concept"]) == set(names)
        assert rows.groupby("concept")["seed"].agg(list).tolist() == [[0, 1, 2]] * 4


def controls_only(study):
    """Words that are drawn for controls alone."""
    named = {*study.table("concept_hypotheses")["concept"], *references(study.bench())}
    return sorted({*study.table("verdict_controls")["concept"]} - named)


def test_pictures_are_shared_with_hypotheses_and_other_targets(finished):
    rows, links, bank = (
        finished.table(name) for name in ("reference_pictures", "generated_image_sets", "pictures")
    )
    assert rows.groupby(["concept", "seed"])["picture_id"].nunique().max() == 1
    of_names = bank[~bank["prompt"].isin(controls_only(finished))]
    assert set(rows["picture_id"]) | set(links["picture_id"]) == set(of_names["picture_id"])
    named = links.set_index(["concept", "seed"])["picture_id"]
    for row in rows.itertuples():
        if (row.concept, row.seed) in named.index:
            assert {*named.loc[[(row.concept, row.seed)]]} == {row.picture_id}


def test_more_references_draw_only_what_is_missing(copied, tmp_path, count):
    more = copied.changed(other_folder(tmp_path), {"n_reference = 4": "n_reference = 12"})
    drawn = count(DiffusersGenerator, "draw")
    bank = copied.table("pictures")["prompt"]
    n_of_others = (~bank.isin(CONCEPTS)).sum()
    n_before = len(bank)

    more.of_model("cnn", "reference_pictures")

    assert more.table("reference_pictures", model="cnn")["concept"].nunique() == 12
    assert sum(drawn) == 36 + n_of_others - n_before == len(more.table("pictures")) - n_before


def test_none_are_needed_if_none_are_asked_for(copied, tmp_path):
    none = copied.changed(other_folder(tmp_path), {"n_reference = 4": "n_reference = 0"})
    none.of_model("cnn", "reference_pictures")
    assert none.table("reference_pictures", model="cnn").empty


def test_none_are_needed_even_if_nothing_was_ever_drawn(finished, tmp_path):
    none = finished.anew(tmp_path, {"n_reference = 4": "n_reference = 0"})
    none.of_model("cnn", "reference_pictures")
    assert none.table("reference_pictures").empty
    assert len(none.table("provenance", stage="reference_pictures")) == 1
