"""Names on images of another kind: against what is computed image by image from the stored rest."""

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import average_precision_score

from sieve_assets.assets import domain_shift as stage_module
from sieve_assets.assets.domain_shift import NO_PROBE, domain_shift
from sieve_assets.assets.probe_sets import read_probe
from sieve_assets.assets.staleness import find_stale
from sieve_assets.models.target import NeuronTarget
from sieve_assets.terrarium.renderer import draw_scene
from sieve_assets.terrarium.scenes import WIDE, unbiased_scenes
from sieve_assets.terrarium.styles import sepia
from sieve_assets_tests.studies import assert_same_rows

N_IMAGES = 30


@pytest.fixture(scope="module")
def shifted(finished, tmp_path_factory):
    """The tiny study, whose CNN has another probe set, in brown; only to be read."""
    folder = tmp_path_factory.mktemp("shifted")
    (folder / "brown").mkdir()
    scenes = unbiased_scenes(N_IMAGES, seed=9, empty_share=0.1, pose=WIDE, only_drawn=True)
    for number, scene in enumerate(scenes):
        image = Image.fromarray(sepia(draw_scene(scene).image))
        image.save(folder / "brown" / f"{number:02d}.png")
    section = f'[probes.brown]\nkind = "folder"\npath = "{folder}/brown"\n\n[concepts]'
    compared = "[compare.domain_shift]\nn_strongest = 4\n"
    compared += '[compare.domain_shift.probes]\ncnn = "brown"\n'
    study = finished.changed(
        folder, {"[concepts]": section, "n_reference = 4": f"n_reference = 4\n\n{compared}"}
    )
    for model in ("cnn", "vit"):
        study.of_model(model, "domain_shift")
    return study


@pytest.fixture
def again(shifted, tmp_path):
    """A copy of it, to change."""
    return shifted.changed(tmp_path)


def pixels_of(folder):
    return [Image.open(file).convert("RGB") for file in sorted(folder.iterdir())]


def shown(bench, concept, images):
    """Whether images are as like the concept as nearly all of its own pictures are."""
    [text] = bench.vision_language.embed_texts([concept])
    prompt = bench.study.generator.prompt.replace("{}", concept)
    uris = bench.warehouse.read("SELECT uri FROM pictures WHERE prompt = $1", [prompt])["uri"]
    pictures = bench.vision_language.embed_images([bench.images.open(uri) for uri in uris])
    least = np.percentile((pictures.astype(float) @ text), 5)
    return bench.vision_language.embed_images(images).astype(float) @ text >= least


def test_every_name_has_its_rates_on_images_of_both_kinds(shifted):
    bench = shifted.bench()
    rows = shifted.table("domain_shift")
    folder = bench.study.probes["brown"].path
    brown = pixels_of(folder)
    files = [str(file) for file in sorted(folder.iterdir())]
    answers = bench.target("cnn").activations(brown)
    uris = read_probe(bench, "scenes")["uri"].tolist()
    scenes = [Image.open(uri).convert("RGB") for uri in uris]
    own = shifted.table("neuron_activations", model="cnn").set_index("neuron")["activation"]
    thresholds = shifted.table("neuron_ratios", model="cnn").set_index("neuron")["p99"]

    verdicts = shifted.table("verdicts", model="cnn")
    assert rows[["neuron", "concept", "verdict"]].equals(verdicts[["neuron", "concept", "verdict"]])
    assert set(rows["shown_by"]) == {"vision-language model"}
    assert (set(rows["probe"]), set(rows["shifted_probe"])) == ({"scenes"}, {"brown"})
    for row in rows.itertuples():
        for images, names, activation, prefix in (
            (scenes, uris, np.array(own[row.neuron]), ""),
            (brown, files, answers[:, row.neuron], "shifted_"),
        ):
            is_shown = shown(bench, row.concept, images)
            fires = activation > np.float32(thresholds[row.neuron])
            assert getattr(row, f"{prefix}n_shown") == is_shown.sum()
            recall = fires[is_shown].mean() if is_shown.any() else np.nan
            assert getattr(row, f"{prefix}recall") == pytest.approx(recall, nan_ok=True)
            precision = average_precision_score(is_shown, activation) if is_shown.any() else np.nan
            found = getattr(row, f"{prefix}average_precision")
            assert found == pytest.approx(precision, nan_ok=True)
            assert getattr(row, f"{prefix}firing_share") == pytest.approx(fires.mean())
            top = sorted(range(len(images)), key=lambda at: (-activation[at], at))
            assert getattr(row, f"{prefix}top_share") == pytest.approx(is_shown[top[:4]].mean())
            strongest = list(getattr(row, f"{prefix}strongest_uris"))
            assert strongest == [names[at] for at in top[:5]]
    assert rows["shifted_n_shown"].sum() > 0


def test_rates_on_pictures_and_thresholds_are_those_of_the_evidence(shifted):
    rows = shifted.table("domain_shift")
    evidence = shifted.table("evidence", model="cnn")
    thresholds = shifted.table("neuron_ratios", model="cnn").set_index("neuron")["p99"]

    np.testing.assert_array_equal(rows["activation_rate"], evidence["activation_rate"])
    np.testing.assert_array_equal(rows["threshold"], thresholds.loc[rows["neuron"]])


def test_a_target_without_other_images_has_no_rows_and_says_so(shifted):
    assert shifted.table("domain_shift", model="vit").empty
    assert domain_shift.recipe(shifted.bench(), "vit").status == NO_PROBE
    assert domain_shift.recipe(shifted.bench(), "cnn").status == ""


def test_a_second_run_makes_nothing_and_one_anew_looks_at_no_image_twice(again, count):
    before = again.table("domain_shift")
    looked_at = count(NeuronTarget, "activations")

    again.of_model("cnn", "domain_shift")
    again.forget("cnn", "domain_shift")
    again.of_model("cnn", "domain_shift")

    assert looked_at == []
    assert_same_rows(again.table("domain_shift"), before, tolerance=0)


@pytest.mark.parametrize(
    "change", [{"n_strongest = 4": "n_strongest = 5"}, {"n_images = 3": "n_images = 4"}]
)
def test_other_settings_make_it_stale(shifted, tmp_path, change):
    other = shifted.changed(tmp_path, change)

    assert "domain_shift" in {one.stage for one in find_stale(other.bench())}
    assert "domain_shift" not in {one.stage for one in find_stale(shifted.bench())}


def test_where_the_truth_is_known_it_says_what_is_shown(again, monkeypatch):
    asked = []

    def by_hand(_bench, name, images, concepts):
        asked.append(name)
        return np.broadcast_to(
            (np.arange(len(images)) % 2 == 0)[:, None], (len(images), len(concepts))
        )

    monkeypatch.setattr(stage_module, "is_truth_known", lambda *_: True)
    monkeypatch.setattr(stage_module, "known_to_show", by_hand)
    again.forget("cnn", "domain_shift")
    again.of_model("cnn", "domain_shift")

    rows = again.table("domain_shift")
    assert asked == ["scenes", "brown"]
    assert set(rows["shown_by"]) == {"known truth"}
    assert set(rows["n_shown"]) == {30}
    assert set(rows["shifted_n_shown"]) == {15}
