"""One pass over the probe images: exact rows, resumed where it stopped, never an old result."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from sieve_assets.assets import probe
from sieve_assets.image_sets.folders import Folder
from sieve_assets.models.target import NeuronTarget
from sieve_assets_tests.studies import DEAD, assert_same_rows

N_IMAGES = 60
TOLERANCE = 1e-5
"""Relative and absolute; what another batch size changes by rounding."""


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(probe, "SHARD_IMAGES", 16)


def run_pass(study, model="cnn", **options):
    return study.of_model(model, "probe_images", "probe_pass", **options)


def strongest(study, model):
    return study.bench().arrays.open(study.table("probe_passes", model=model)["strongest_uri"][0])


def forward(study, model, image):
    """Activations and maps of all neurons on one image, by timm itself; a ViT's maps are None."""
    settings = study.bench().study.targets[model]
    network = timm.create_model(
        settings.network.removeprefix("timm:"),
        num_classes=settings.n_classes,
        **settings.network_args,
    ).eval()
    network.load_state_dict(load_file(settings.weights))
    frame = np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR), dtype=np.float32)
    pixels = (torch.from_numpy(frame).permute(2, 0, 1)[None] / 255 - 0.5) / 0.5
    with torch.inference_mode():
        output = network.forward_features(pixels)[0]
    return (output[0], None) if model == "vit" else (output.mean((1, 2)), output)


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_every_activation_is_that_of_the_image_alone(finished, model):
    """CoSy's defect: activations stored at a wrong place, the last batch's above all."""
    images = finished.table("probe_images").sort_values("position")
    stored = np.stack(list(finished.table("neuron_activations", model=model)["activation"]))

    assert stored.shape == (finished.bench().study.targets[model].width, N_IMAGES)
    for position, uri in enumerate(images["uri"]):
        activations, _ = forward(finished, model, Image.open(uri))
        np.testing.assert_allclose(stored[:, position], activations, rtol=TOLERANCE, atol=TOLERANCE)


def test_the_view_has_an_activation_for_each_neuron_and_image(finished):
    view = finished.table("probe_activations", model="cnn", neuron=4)
    images = finished.table("probe_images").sort_values("position")

    stored = finished.table("neuron_activations", model="cnn", neuron=4)["activation"][0]
    assert dict(zip(view["image_id"], view["activation"], strict=True)) == dict(
        zip(images["image_id"], stored, strict=True)
    )


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_the_strongest_images_are_kept_with_their_maps(finished, model):
    images = finished.table("probe_images").sort_values("position", ignore_index=True)
    kept = strongest(finished, model)
    stored = finished.table("neuron_activations", model=model)["activation"]

    assert not images["is_held_out"][kept["positions"].ravel()].any()
    for neuron, activations in enumerate(stored):
        ranked = sorted(
            np.flatnonzero(~images["is_held_out"]), key=lambda place: (-activations[place], place)
        )
        assert kept["positions"][neuron].tolist() == ranked[:20]
        assert kept["activations"][neuron].tolist() == activations[ranked[:20]].tolist()
        if model == "cnn":
            _, maps = forward(finished, model, Image.open(images["uri"][ranked[0]]))
            np.testing.assert_allclose(kept["maps"][neuron, 0], maps[neuron], atol=TOLERANCE)


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_batches_and_shards_make_no_difference(finished, empty, model):
    run_pass(empty, model, batch_size=7)
    empty.of_model(model, "probe_activations")

    assert len(empty.table("probe_passes", model=model)["activations_uri"][0]) == 4
    assert_same_rows(
        empty.table("neuron_activations", model=model),
        finished.table("neuron_activations", model=model),
        tolerance=TOLERANCE,
    )
    found, expected = (strongest(study, model) for study in (empty, finished))
    np.testing.assert_array_equal(found["positions"], expected["positions"])
    np.testing.assert_allclose(found["maps"], expected["maps"], rtol=TOLERANCE, atol=TOLERANCE)


def test_a_second_pass_observes_nothing(finished, copied, count):
    observed = count(NeuronTarget, "observe")

    run_pass(copied)

    assert observed == []
    assert_same_rows(copied.table("probe_passes"), finished.table("probe_passes"), tolerance=0)


@pytest.mark.usefixtures("small_shards")
def test_an_interrupted_pass_goes_on_where_it_stopped(finished, empty, count, monkeypatch):
    original, calls = NeuronTarget.observe, []

    def observe_twice(self, images):
        calls.append(len(images))
        if len(calls) > 2:
            raise RuntimeError("power cut")
        return original(self, images)

    with monkeypatch.context() as interrupted:
        interrupted.setattr(NeuronTarget, "observe", observe_twice)
        assert not run_pass(empty, raise_on_error=False).success
    assert empty.table("probe_passes").empty
    observed = count(NeuronTarget, "observe")
    run_pass(empty)

    assert calls == [16, 16, 16]
    assert observed == [16, 12]
    found, expected = (strongest(study, "cnn") for study in (empty, finished))
    np.testing.assert_array_equal(found["positions"], expected["positions"])


CNN_TRANSFORM = 'rule = "ratio"\ntransform = {resize_px = 32, crop_px = 32, mean = [0.5,'


@pytest.mark.parametrize(
    "changes",
    [
        {'layer = "layer4"': 'layer = "layer4.0.act1"'},
        {CNN_TRANSFORM: CNN_TRANSFORM.replace("0.5", "0.4")},
        {CNN_TRANSFORM: CNN_TRANSFORM.replace("resize_px = 32", "resize_px = 40")},
    ],
    ids=["layer", "mean", "resize"],
)
def test_another_layer_or_transform_never_meets_an_old_result(copied, tmp_path, count, changes):
    """NetDissect-Lite's and CLIP-Dissect's defect: caches that leave these out of their key."""
    (tmp_path / "other").mkdir()
    other = copied.changed(tmp_path / "other", changes)
    observed = count(NeuronTarget, "observe")

    run_pass(other)
    other.of_model("cnn", "probe_activations")

    assert sum(observed) == N_IMAGES
    before, after = (one.table("probe_passes", model="cnn") for one in (copied, other))
    assert before["weights_hash"][0] != after["weights_hash"][0]
    before, after = (one.table("neuron_activations", model="cnn") for one in (copied, other))
    for old, new in zip(before["activation"][1:], after["activation"][1:], strict=True):
        assert np.abs(old - new).max() > 1e-4


def test_other_weights_in_the_same_file_never_meet_an_old_result(copied, tmp_path, count):
    (tmp_path / "other").mkdir()
    weights = Path(copied.bench().study.targets["cnn"].weights)
    own = tmp_path / "cnn.safetensors"
    shutil.copy(weights, own)
    other = copied.changed(tmp_path / "other", {str(weights): str(own)})
    observed = count(NeuronTarget, "observe")

    run_pass(other)
    assert observed == []  # the same weights elsewhere
    state = load_file(own)
    state["layer4.0.bn2.bias"] += 0.5
    save_file(state, own)
    run_pass(other)

    assert sum(observed) == N_IMAGES
    assert strongest(other, "cnn")["activations"][DEAD].tolist() == [0.5] * 20


@pytest.mark.usefixtures("small_shards")
def test_a_changed_image_is_observed_again_and_with_it_only_its_shard(
    finished, tmp_path, empty, count
):
    scenes = finished.bench().study.probes["scenes"].path
    shutil.copytree(scenes, tmp_path / "scenes")
    (tmp_path / "other").mkdir()
    other = empty.anew(tmp_path / "other", {str(scenes): str(tmp_path / "scenes")})
    observed = count(NeuronTarget, "observe")
    run_pass(other)
    other.of_model("cnn", "probe_activations")
    before = other.table("neuron_activations", model="cnn", neuron=4)["activation"][0]
    changed = other.table("probe_images").sort_values("position")["uri"].iloc[20]
    Image.new("RGB", (64, 64), "red").save(changed)

    run_pass(other)
    other.of_model("cnn", "probe_activations")

    after = other.table("neuron_activations", model="cnn", neuron=4)["activation"][0]
    assert observed == [16, 16, 16, 12, 16]
    assert np.flatnonzero(before != after).tolist() == [20]
    assert after[20] == pytest.approx(
        forward(other, "cnn", Image.open(changed))[0][4].item(), rel=TOLERANCE
    )


def test_an_image_changed_since_it_was_listed_is_not_observed(
    finished, tmp_path, empty, monkeypatch
):
    scenes = finished.bench().study.probes["scenes"].path
    shutil.copytree(scenes, tmp_path / "scenes")
    (tmp_path / "other").mkdir()
    other = empty.anew(tmp_path / "other", {str(scenes): str(tmp_path / "scenes")})
    other.of_model("cnn", "probe_images")
    Image.new("RGB", (64, 64), "red").save(min((tmp_path / "scenes").rglob("*.png")))

    with pytest.raises(LookupError, match=r"probe_images of cnn as .* from other files .* Mat"):
        other.of_model("cnn", "probe_pass")
    monkeypatch.setattr(Folder, "state", lambda _: "what the system did not notice")
    other.of_model("cnn", "probe_images")
    Image.new("RGB", (64, 64), "blue").save(min((tmp_path / "scenes").rglob("*.png")))
    with pytest.raises(ValueError, match=r"as it was listed, got another content\. Put it back"):
        other.of_model("cnn", "probe_pass")

    assert other.table("probe_passes").empty


def test_more_samples_up_to_twenty_need_no_other_pass(finished, tmp_path, count):
    """Every neuron's 20 strongest were kept, whatever the study asked for."""
    (tmp_path / "other").mkdir()
    other = finished.changed(tmp_path / "other", {"n_samples = 6": "n_samples = 9"})
    observed = count(NeuronTarget, "observe")

    other.of_model("cnn", "neuron_ratios", "selected_samples")

    assert observed == []
    assert set(other.table("selected_samples", model="cnn").groupby("neuron").size()) == {9}
