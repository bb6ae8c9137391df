"""Neurons held at a value: against forward passes of the plain networks, one neuron at a time."""

import logging

import numpy as np
import pandas as pd
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import load_file

from sieve_assets.assets.neuron_ablation import DIRECTIONS, NO_CLASSES, neuron_ablation
from sieve_assets.assets.probe_sets import read_probe
from sieve_assets.assets.staleness import find_stale
from sieve_assets.models.target import NeuronTarget
from sieve_assets.stores.warehouse import Replacement
from sieve_assets_tests.studies import WORLD_PROBE, assert_same_rows, frames

LABELS = ["a", "b", "c"]
ARGS = {
    "cnn": {"channels": [4, 4, 8, 6], "layers": [1, 1, 1, 1], "output_stride": 8},
    "vit": {"img_size": 32, "patch_size": 8, "embed_dim": 8, "depth": 2, "num_heads": 2},
}
NAMES = {"cnn": "resnet18", "vit": "vit_tiny_patch16_224"}
SETTINGS = "[compare.neuron_ablation]\nmin_images = 2\nn_classes = 2\n"


@pytest.fixture(scope="module")
def held(finished, tmp_path_factory):
    """The tiny study whose images have three labels, all its neurons held; only to be read."""
    folder = tmp_path_factory.mktemp("held")
    (folder / "labels.txt").write_text("\n".join(LABELS))
    labels = f'labels = {{cnn = "{folder}/labels.txt", vit = "{folder}/labels.txt"}}\n'
    study = finished.changed(folder, {"n_reference = 4": f"n_reference = 4\n\n{SETTINGS}{labels}"})
    relabel(study, lambda images: images["position"] % 3)
    for model in ("cnn", "vit"):
        study.of_model(model, "neuron_ablation")
    return study


@pytest.fixture
def again(held, tmp_path):
    """A copy of it, to change."""
    return held.changed(tmp_path)


def relabel(study, class_of):
    """Give the probe images other labels, as though they had always had them."""
    warehouse = study.bench().warehouse
    images = warehouse.read("SELECT * FROM probe_images")
    images["label"] = [LABELS[one] for one in class_of(images)]
    warehouse.replace(Replacement("probe_images", images, images[["probe"]].drop_duplicates()))


@torch.inference_mode()
def by_hand(study, model, values):
    """Logits `[neuron image class]` with each neuron held, and before; and the classes."""
    bench = study.bench()
    network = timm.create_model(NAMES[model], num_classes=3, **ARGS[model]).eval()
    network.load_state_dict(load_file(bench.study.targets[model].weights))
    images = read_probe(bench, "scenes")
    pictures = []
    for uri in images["uri"]:
        with Image.open(uri) as image:
            pictures.append(image.convert("RGB").resize((32, 32), Image.Resampling.BILINEAR))
    pixels = frames(pictures)
    before = network(pixels)
    after = []
    for neuron, value in enumerate(values):

        def hold(_module, _inputs, output, neuron=neuron, value=value):
            output = output.clone()
            if model == "cnn":
                output[:, neuron, :, :] = value
            else:
                output[:, 0, neuron] = value
            return output

        layer = network.layer4 if model == "cnn" else network.norm
        handle = layer.register_forward_hook(hold)
        after.append(network(pixels))
        handle.remove()
    return torch.stack(after).numpy(), before.numpy(), images["label"].map(LABELS.index).to_numpy()


def means(study, model):
    rows = study.table("neuron_activations", model=model)
    return [float(np.mean(one, dtype=np.float64)) for one in rows["activation"]]


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_drops_are_those_of_forward_passes_with_a_hook(held, model):
    values = means(held, "vit") if model == "vit" else [0.0] * 6
    after, before, classes = by_hand(held, model, values)
    rows = held.table("neuron_ablation", model=model)

    assert set(rows["made_by"]) == {"linear head"}
    assert sorted(set(rows["neuron"])) == list(range(len(values)))
    np.testing.assert_allclose(rows.groupby("neuron")["held_at"].first(), values, atol=1e-6)
    for row in rows.itertuples():
        is_own = classes == row.class_position
        was = before[is_own].argmax(1) == row.class_position
        now = after[row.neuron][is_own].argmax(1) == row.class_position
        assert (row.n_images, row.n_lost, row.n_won) == (
            is_own.sum(),
            (was & ~now).sum(),
            (~was & now).sum(),
        )
        assert row.accuracy == was.mean()
        assert row.accuracy_drop == pytest.approx(was.mean() - now.mean())
        own = before[is_own] - after[row.neuron][is_own]
        assert row.logit_drop == pytest.approx(own[:, row.class_position].mean(), abs=2e-6)
        assert row.label == LABELS[row.class_position]
        is_right = before.argmax(1) == classes
        is_right_now = after[row.neuron].argmax(1) == classes
        assert row.accuracy_of_all == is_right.mean()
        assert row.drop_of_all == pytest.approx(is_right.mean() - is_right_now.mean())
    assert (rows["n_lost"] + rows["n_won"]).sum() > 0
    assert rows["logit_drop"].abs().max() > 1e-3


def test_classes_come_in_the_order_of_their_drop(held):
    rows = held.table("neuron_ablation")
    for (_, _, measure), own in rows.groupby(["model", "neuron", "measure"]):
        drops = own.sort_values("place")[f"{measure}_drop"].to_numpy()
        assert (np.diff(drops) <= 0).all()
        assert (drops[1:] > 0).all()
        assert len(own) <= 2


def test_without_a_linear_head_forward_passes_give_the_same(held, again, monkeypatch):
    monkeypatch.setattr(NeuronTarget, "linear_head", lambda *_: None)
    again.forget("vit", "neuron_ablation")
    again.edited({"n_classes = 2": "n_classes = 2\nn_forward = 2"}).of_model(
        "vit", "neuron_ablation", batch_size=7
    )

    found = again.table("neuron_ablation", model="vit")

    neurons = sorted(set(found["neuron"]))
    assert set(found["made_by"]) == {"forward passes"}
    assert len(neurons) == 2
    named = held.table("verdicts", model="vit", verdict="verified")["neuron"]
    selected = held.table("neuron_ratios", model="vit", status="selected")["neuron"]
    assert {*neurons} <= {*named, *selected}
    expected = held.table("neuron_ablation", model="vit")
    expected = expected[expected["neuron"].isin(neurons)].reset_index(drop=True)
    assert_same_rows(
        found.drop(columns="made_by"), expected.drop(columns="made_by"), tolerance=1e-4
    )


def test_names_are_the_verified_ones_with_the_highest_score(again):
    warehouse = again.bench().warehouse
    verdicts = again.table("verdicts").assign(verdict="refuted")
    verdicts.loc[verdicts["neuron"] > 0, "verdict"] = "verified"
    warehouse.replace(Replacement("verdicts", verdicts, verdicts[["model"]].drop_duplicates()))
    again.forget("cnn", "neuron_ablation")
    again.of_model("cnn", "neuron_ablation")

    found = again.table("neuron_ablation", model="cnn")

    scores = again.table("evidence", model="cnn").groupby("neuron")
    best = scores[["concept", "score"]].apply(lambda own: own.loc[own["score"].idxmax(), "concept"])
    assert len(best) > 2
    for neuron, name in found.groupby("neuron")["concept"].first().items():
        assert name == best.get(neuron) if neuron > 0 and neuron in best.index else pd.isna(name)
    assert found["concept_share"].isna().all()


def test_a_second_run_makes_nothing(again):
    before = again.table("provenance", stage="neuron_ablation")
    again.of_model("cnn", "neuron_ablation")
    assert again.table("provenance", stage="neuron_ablation").equals(before)


@pytest.mark.parametrize(
    "change", [{"min_images = 2": "min_images = 3"}, {"min_images = 2": 'value = "mean"'}]
)
def test_another_setting_makes_it_stale(held, tmp_path, change):
    other = held.changed(tmp_path, change)
    assert {one.stage for one in find_stale(other.bench())} >= {"neuron_ablation"}
    assert "neuron_ablation" not in {one.stage for one in find_stale(held.bench())}


def test_a_stated_value_holds_neurons_of_any_rule(held, tmp_path):
    other = held.changed(tmp_path, {"min_images = 2": 'min_images = 2\nvalue = "mean"'})
    other.of_model("cnn", "neuron_ablation")
    found = other.table("neuron_ablation", model="cnn").groupby("neuron")["held_at"].first()
    np.testing.assert_allclose(found, means(held, "cnn"), atol=1e-6)


def test_classes_of_few_images_are_left_out(again, caplog):
    relabel(again, lambda images: np.minimum(images["position"] // 55, 1))  # 55 of a, 5 of b
    study = again.edited({"min_images = 2": "min_images = 6"})
    study.forget("cnn", "neuron_ablation")
    study.of_model("cnn", "neuron_ablation")
    assert set(study.table("neuron_ablation", model="cnn")["label"]) == {"a"}

    study = study.edited({"min_images = 6": "min_images = 60"})
    with caplog.at_level(logging.WARNING):
        study.of_model("cnn", "neuron_ablation")
    assert study.table("neuron_ablation", model="cnn").empty


def test_a_file_of_other_labels_gives_no_rows_and_one_of_too_few_is_refused(again, tmp_path):
    file = again.bench().study.compare.neuron_ablation.labels["cnn"]
    (tmp_path / "labels.txt").write_text("x\ny\nz\n")
    study = again.edited({f'cnn = "{file}"': f'cnn = "{tmp_path}/labels.txt"'})
    study.of_model("cnn", "neuron_ablation")
    assert study.table("neuron_ablation", model="cnn").empty
    assert not study.table("neuron_ablation", model="vit").empty

    (tmp_path / "labels.txt").write_text("a\nb\n")
    with pytest.raises(ValueError, match="a label for each of the 3 classes of cnn, got 2"):
        study.of_model("cnn", "neuron_ablation")
    assert not study.table("neuron_ablation", model="vit").empty


def test_targets_without_class_names_and_directions_have_a_status(compared, held):
    bench = compared.bench()
    assert neuron_ablation.recipe(bench, "vit").status == NO_CLASSES
    settings = held.bench().study
    target = settings.targets["cnn"].model_copy(update={"directions": object()})
    bench = held.bench()
    bench.__dict__["study"] = settings.model_copy(update={"targets": {"cnn": target}})
    assert neuron_ablation.recipe(bench, "cnn").status == DIRECTIONS


def test_how_far_a_class_shows_the_name_is_held_against_others_names(empty, tmp_path):
    from sieve_assets.assets.neuron_ablation import with_concepts  # noqa: PLC0415 (arrays checked)
    from sieve_assets.terrarium.scenes import OBJECT_SHARE, biased_scenes  # noqa: PLC0415

    study = empty.anew(tmp_path, WORLD_PROBE | {"n_images = 9": "n_images = 4000"})
    scenes = biased_scenes(4000, seed=0, object_share=OBJECT_SHARE)
    labels = [scene.thing.name if scene.thing else "empty" for scene in scenes]
    classes = sorted(set(labels))
    images = pd.DataFrame(
        {"image_id": [f"{one}/scene-{at:06d}.png" for at, one in enumerate(labels)]}
    )
    images["class"] = [classes.index(one) for one in labels]
    rows = pd.DataFrame(
        {
            "neuron": [0, 0, 1, 2],
            "measure": "accuracy",
            "place": [0, 1, 0, 0],
            "class_position": [classes.index(one) for one in ("owl", "cat", "cat", "cat")],
            "accuracy_drop": [0.5, 0.2, 0.4, 0.3],
            "logit_drop": 1.0,
            "concept": ["night", "night", "cat", None],
        }
    )

    found = with_concepts(study.bench(), "cnn", images, rows)

    at_night = {
        name: np.mean([s.background == "night" for s in scenes if s.thing and s.thing.name == name])
        for name in ("owl", "cat")
    }
    np.testing.assert_allclose(
        found["concept_share"], [at_night["owl"], at_night["cat"], 1, np.nan]
    )
    np.testing.assert_allclose(found["others_share"], [0, np.nan, at_night["cat"], np.nan])
    assert at_night["owl"] > at_night["cat"]
