"""What the atlas is made of, against the tables and the target's own activations."""

import numpy as np
import pandas as pd
import pytest

from sieve_assets.assets import atlas_material
from sieve_assets.assets.atlas_material import N_FIRING, N_NEAR, material_of
from sieve_assets.stores.warehouse import Replacement
from sieve_assets_tests.studies import BY_NEURON, CONCEPTS

LINKS = ("generated_image_sets", "reference_pictures")
WIDTHS = {"cnn": 6, "vit": 8}


@pytest.fixture(scope="module")
def materials(finished):
    return {model: material_of(finished.bench(), model, BY_NEURON) for model in WIDTHS}


@pytest.fixture(params=WIDTHS)
def model(request):
    return request.param


def drawn_for(study, model):
    return set(pd.concat([study.table(name, model=model) for name in LINKS])["concept"])


def test_pictures_are_those_of_every_concept_that_was_drawn_for_the_target(
    finished, materials, model
):
    found = materials[model].pictures
    stored = finished.table("pictures")
    expected = stored[stored["prompt"].isin(drawn_for(finished, model))]
    keys = ["concept", "seed", "picture_id", "uri"]
    assert set(found[keys].itertuples(index=False, name=None)) == set(
        expected[["prompt", "seed", "picture_id", "uri"]].itertuples(index=False, name=None)
    )
    assert found[["concept", "seed"]].to_numpy().tolist() == sorted(
        found[["concept", "seed"]].to_numpy().tolist()
    )
    assert materials[model].rated == sorted(drawn_for(finished, model))


def test_pictures_of_a_concept_are_the_same_for_every_target_that_has_it(copied):
    """The ViT has a fourth picture of a concept of both; the CNN's page of it shows it too."""
    links = copied.table("generated_image_sets", model="vit")
    concept = min(set(links["concept"]) & drawn_for(copied, "cnn"))
    pictures = copied.table("pictures")
    other = pictures[pictures["prompt"] != concept].iloc[0]
    first = links[links["concept"] == concept].iloc[[0]]
    fourth = first.assign(seed=3, picture_id=other["picture_id"], uri=other["uri"])
    copied.bench().warehouse.add_missing("generated_image_sets", fourth)
    found = [material_of(copied.bench(), model, []).pictures for model in WIDTHS]
    rows = [some[some["concept"] == concept] for some in found]
    assert rows[0]["seed"].tolist() == [0, 1, 2, 3]
    pd.testing.assert_frame_equal(*[some.reset_index(drop=True) for some in rows])


def test_answers_are_the_neurons_activations_on_the_pictures_of_their_names(
    finished, materials, model
):
    material = materials[model]
    seen = finished.table("picture_activations", model=model).set_index("picture_id")["activation"]
    pairs = material.tried[["neuron", "concept"]].itertuples(index=False, name=None)
    assert set(material.answers) == set(pairs)
    for (neuron, concept), found in material.answers.items():
        pictures = material.pictures[material.pictures["concept"] == concept]
        expected = [seen[one][neuron] for one in pictures["picture_id"]]
        np.testing.assert_array_equal(found, np.array(expected, np.float32))


def test_a_picture_that_the_target_has_not_seen_has_no_answer_and_no_rate(copied):
    before = material_of(copied.bench(), "cnn", [])
    (neuron, concept), _ = next(iter(before.answers.items()))
    rows = before.pictures[before.pictures["concept"] == concept].iloc[[1]]
    copied.delete("picture_activations", rows[["picture_id"]].assign(model="cnn"))
    after = material_of(copied.bench(), "cnn", [])
    found = after.answers[neuron, concept]
    assert np.isnan(found).tolist() == [False, True, False]
    assert after.n_rated[after.rated.index(concept)] == 2
    assert sorted(after.n_rated)[1:] == [3] * (len(after.rated) - 1)


def test_how_many_pictures_are_in_memory_at_once_makes_no_difference(
    finished, materials, model, monkeypatch
):
    monkeypatch.setattr(atlas_material, "PICTURES_TOGETHER", 4)
    found, expected = material_of(finished.bench(), model, BY_NEURON), materials[model]
    for one, other in zip(found.firing, expected.firing, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(found.n_rated, expected.n_rated)
    assert list(found.answers) == list(expected.answers)
    for key, answers in expected.answers.items():
        np.testing.assert_array_equal(found.answers[key], answers)


def test_the_strongest_images_of_neurons_that_were_not_selected_are_those_of_the_pass(
    finished, materials, model
):
    found = materials[model].strongest
    ratios = finished.table("neuron_ratios", model=model)
    dropped = ratios[ratios["status"] == "low_contrast"]["neuron"].tolist()
    assert dropped
    assert found["neuron"].unique().tolist() == dropped
    activations = finished.table("neuron_activations", model=model)["activation"]
    images = finished.table("probe_images").sort_values("position")
    for neuron, rows in found.groupby("neuron"):
        seen = images.assign(activation=activations[neuron]).query("not is_held_out")
        best = seen.sort_values("activation", ascending=False, kind="stable").head(6)
        assert rows["image_id"].tolist() == best["image_id"].tolist()
        assert rows["activation"].tolist() == best["activation"].tolist()
        assert rows["rank"].tolist() == list(range(6))


def test_a_target_whose_neurons_are_all_selected_has_no_others(copied):
    rows = copied.table("neuron_ratios", model="cnn").assign(status="selected")
    scope = pd.DataFrame({"model": ["cnn"]})
    copied.bench().warehouse.replace(Replacement("neuron_ratios", rows, scope))
    found = material_of(copied.bench(), "cnn", []).strongest
    assert found.empty
    assert list(found.groupby("neuron")) == []


def test_names_words_and_their_places_fit_each_other(materials, model):
    material = materials[model]
    assert material.names == sorted(set(material.tried["concept"]))
    assert material.positions.shape == (len(material.names), 2)
    assert list(material.words) == CONCEPTS
    assert material.near.names.shape == (len(CONCEPTS), min(N_NEAR, len(material.names)))
    assert material.firing.neurons.shape == (len(material.rated), min(N_FIRING, WIDTHS[model]))
    assert material.transform == material.study.targets[model].transform
