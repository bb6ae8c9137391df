"""Names by maps and masks: the tiny CNN on the world's scenes, the tiny ViT on a tiny Broden."""

import numpy as np
import pytest
from PIL import Image

from sieve_assets.assets import mask_explanations as module
from sieve_assets.assets.hypothesize import neuron_generator
from sieve_assets.assets.mask_explanations import segmented_images
from sieve_assets.method.explainers.compositional import activation_ranges, explain_neurons
from sieve_assets.method.explainers.formulas import formula_text
from sieve_assets.method.explainers.network_dissection import Overlaps, best_labels
from sieve_assets.method.explainers.pixel_groups import PixelGroups
from sieve_assets.method.explainers.upsampled_maps import upsample_maps
from sieve_assets.models.target import NeuronTarget
from sieve_assets.terrarium import segmented
from sieve_assets.terrarium.renderer import draw_scene
from sieve_assets.terrarium.segmented import SegmentedScenes
from sieve_assets_tests.image_sets.broden_folder import make_broden
from sieve_assets_tests.studies import DEAD, WORLD_PROBE, assert_same_rows, tiny_scenes

N_SCENES = 40
SETTINGS = "[compare.dissection]\nshare = 0.05\nmin_iou = 0.03\nmax_length = 2\nn_ranges = 3\n"
COMPARED = {"[concepts]": f"{SETTINGS}\n[concepts]"}
EXPLAINERS = {"network_dissection": 1, "compositional": 1, "clustered_compositional": 3}


@pytest.fixture(scope="module", autouse=True)
def few_scenes():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segmented, "SEGMENTED_SCENES", N_SCENES)
        yield


def with_broden(folder):
    """The tiny study's scenes with their objects' masks, half as wide as the pictures."""
    scenes = tiny_scenes()[:20]
    names = sorted({one.thing.name for one in scenes if one.thing})
    images = {}
    for number, one in enumerate(scenes):
        image, mask = draw_scene(one)
        numbers = mask[::2, ::2] * (1 + names.index(one.thing.name)) if one.thing else None
        images[f"{number:02d}.png"] = (Image.fromarray(image), numbers)
    make_broden(folder / "broden", images, names)
    text = COMPARED["[concepts]"].replace("share", f'broden = "{folder / "broden"}"\nshare', 1)
    return {"[concepts]": text}


@pytest.fixture(scope="module")
def explained(finished, tmp_path_factory):
    """Both targets explained; for tests that only read it."""
    folder = tmp_path_factory.mktemp("masks")
    changes = {**WORLD_PROBE, **with_broden(folder)}
    changes["[concepts]"] = WORLD_PROBE["[concepts]"].replace("[concepts]", changes["[concepts]"])
    study = finished.anew(folder, changes)
    for model in ("cnn", "vit"):
        run(study, model)
    return study


@pytest.fixture
def again(explained, tmp_path):
    """A copy of it, to change."""
    return explained.changed(tmp_path)


def run(study, model, **options):
    return study.run("mask_explanations", first=model, last=model, **options)


def maps_of(study, model):
    """[neuron image row column], each image alone, as one mask set after the other."""
    bench = study.bench()
    images, target = segmented_images(bench, model), bench.target(model)
    maps = [target.observe([images.picture(item)]).maps[0].numpy() for item in images.items()]
    return np.stack(maps, axis=1), images


def expected_names(study, model):
    """(explainer, neuron, place) to name and score by the pure functions, mask by mask."""
    how = study.bench().study.compare.dissection
    maps, images = maps_of(study, model)
    shown, names = list(images.masks()), images.names
    thresholds = np.quantile(maps.reshape(len(maps), -1).astype(float), 1 - how.share, axis=1)
    overlaps = Overlaps(thresholds=thresholds, n_concepts=len(names), categories=images.categories)
    overlaps.add(maps.transpose(1, 0, 2, 3), shown)
    labels = best_labels(overlaps.iou(), min_iou=how.min_iou)
    found = {
        ("network_dissection", neuron, 0): (names[concept], labels.iou[neuron])
        for neuron, concept in enumerate(labels.concepts)
        if concept >= 0
    }
    for neuron in range(len(maps)):
        generator = neuron_generator(study.bench().study.seed, model, neuron)
        ranges = activation_ranges(maps[neuron].ravel(), n_ranges=how.n_ranges, generator=generator)
        limits = [("compositional", 0, np.nextafter(thresholds[neuron], np.inf), np.inf)]
        limits += [
            ("clustered_compositional", place, low, high)
            for place, (low, high) in enumerate(ranges[::-1])
        ]
        for explainer, place, low, high in limits:
            one = best_formula(maps[neuron], shown, low, high, len(names), how)
            if one.formula is not None:
                found[explainer, neuron, place] = (formula_text(one.formula, names), one.iou)
    return found


def best_formula(maps, shown, low, high, n_concepts, how):
    groups = PixelGroups(n_neurons=1, n_concepts=n_concepts)
    for one, masks in zip(maps, shown, strict=True):
        n_rows, n_columns = masks.masks.shape[1:]
        frame = upsample_maps(one[None], n_rows=n_rows, n_columns=n_columns)
        groups.add((frame >= low) & (frame <= high), masks)
    counts = groups.counts()
    return next(explain_neurons(counts, beam_size=how.beam_size, max_length=how.max_length))


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_names_are_those_of_the_methods_on_each_mask_alone(explained, model):
    rows = explained.table("mask_explanations", model=model)
    expected = expected_names(explained, model)
    found = {
        (row.explainer, row.neuron, row.place): (row.concept, row.score)
        for row in rows.itertuples()
    }
    assert set(found) == set(expected)
    for key, (_, score) in expected.items():
        assert found[key][1] == pytest.approx(score, abs=2e-3), key
    # A batch changes the last bit of a map, and so now and then a pixel.
    same = [found[key][0] == name for key, (name, _) in expected.items()]
    assert np.mean(same) > 0.9
    for explainer, n_places in EXPLAINERS.items():
        places = rows.loc[rows["explainer"] == explainer, "place"]
        assert set(places) == set(range(n_places))


def test_a_target_of_the_world_gets_scenes_and_another_one_broden(explained):
    bench = explained.bench()
    assert segmented_images(bench, "cnn") == SegmentedScenes(N_SCENES)
    assert len(segmented_images(bench, "vit").items()) == 20
    of_vit = set(explained.table("mask_explanations", model="vit")["concept"])
    assert not any("on" in name.split() for name in of_vit)  # no pairs are drawn into Broden


def test_a_dead_neuron_has_no_name(explained):
    neurons = set(explained.table("mask_explanations", model="cnn")["neuron"])
    assert DEAD not in neurons
    assert len(neurons) > 3


def test_the_view_of_explanations_has_them(explained):
    rows = explained.table("mask_explanations")
    seen = explained.table("explanations").query("explainer in @EXPLAINERS")
    assert len(seen) == len(rows) > 0


def test_a_second_run_makes_nothing_and_another_batch_the_same(again, count):
    observed = count(NeuronTarget, "observe")
    run(again, "cnn")
    assert observed == []

    before = again.table("mask_explanations")
    again.forget("cnn", "mask_explanations")
    run(again, "cnn", batch_size=64)

    assert sum(observed) == N_SCENES
    assert_same_rows(again.table("mask_explanations"), before, tolerance=1e-9)


def test_parts_of_the_layer_give_the_names_of_the_whole(again, monkeypatch):
    before = again.table("mask_explanations")
    again.forget("cnn", "mask_explanations")
    monkeypatch.setattr(module, "NEURONS_TOGETHER", 4)
    run(again, "cnn")
    assert_same_rows(again.table("mask_explanations"), before, tolerance=0)


def settings_of(study, model):
    return str(module.mask_explanations.recipe(study.bench(), model).settings)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("share = 0.05", "share = 0.1"),
        ("min_iou = 0.03", "min_iou = 0.5"),
        ("max_length = 2", "max_length = 1"),
        ("max_length = 2", "max_length = 2\nbeam_size = 1"),
        ("[targets.cnn]", "seed = 3\n\n[targets.cnn]"),
    ],
)
def test_every_setting_that_the_rows_depend_on_is_in_the_recipe(again, old, new):
    before = settings_of(again, "cnn")
    assert settings_of(again.edited({old: new}), "cnn") != before


def test_other_settings_are_not(again):
    before = settings_of(again, "cnn")
    assert settings_of(again.edited({"beta = 1.12": "beta = 1.13"}), "cnn") == before


def test_a_changed_setting_makes_the_rows_anew(again):
    changed = again.edited({"n_ranges = 3": "n_ranges = 2"})
    run(changed, "cnn")
    rows = changed.table("mask_explanations", explainer="clustered_compositional")
    assert set(rows.loc[rows["model"] == "cnn", "place"]) == {0, 1}
    assert set(rows.loc[rows["model"] == "vit", "place"]) == {0, 1, 2}


def test_a_changed_label_image_makes_the_rows_of_its_target_stale(again):
    before = [settings_of(again, model) for model in ("cnn", "vit")]
    folder = again.bench().study.compare.dissection.broden
    label = next((folder / "images").glob("*.object.png"))
    content = label.read_bytes()
    label.write_bytes(content + b" ")
    after = [settings_of(again, model) for model in ("cnn", "vit")]
    label.write_bytes(content)
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False]


def test_a_target_without_masks_has_no_rows_and_says_why(finished, tmp_path):
    assert_nothing_but(finished.anew(tmp_path, COMPARED), "vit", module.NO_MASKS)


def test_a_target_without_maps_has_no_rows_and_says_why(finished, tmp_path):
    of_cnn = {
        'layer = "layer4"\nreducer = "mean"\nwidth = 6\nmaps = "feature_map"': (
            'layer = "fc"\nreducer = "none"\nwidth = 3\nmaps = "whole"'
        )
    }
    study = finished.anew(tmp_path, {**with_broden(tmp_path), **of_cnn})
    assert_nothing_but(study, "cnn", module.NO_MAPS)


def assert_nothing_but(study, model, status):
    [event] = run(study, model).asset_materializations_for_node("mask_explanations")
    assert event.metadata["status"].value == status
    assert study.table("mask_explanations").empty
    [note] = study.table("provenance", stage="mask_explanations").itertuples()
    assert note.n_rows == 0


def test_a_broken_release_loses_nothing_that_is_stored(again, tmp_path):
    before = again.table("mask_explanations")
    folder = tmp_path / "broken"
    make_broden(folder, {"one.png": (Image.new("RGB", (64, 64)), [[1, 0], [0, 7]])}, ["dog"])
    old = str(again.bench().study.compare.dissection.broden)
    with pytest.raises(ValueError, match=r"expected numbers of label.csv in the object labels"):
        run(again.edited({old: str(folder)}), "vit")
    assert_same_rows(again.table("mask_explanations"), before, tolerance=0)


def test_one_image_with_one_concept_is_enough(again, tmp_path):
    folder = tmp_path / "one"
    make_broden(folder, {"one.png": (Image.effect_noise((64, 64), 90), np.ones((8, 8)))}, ["dog"])
    old = str(again.bench().study.compare.dissection.broden)
    one = again.edited({old: str(folder)})
    run(one, "vit")
    assert set(one.table("mask_explanations", model="vit")["concept"]) == {"dog"}
