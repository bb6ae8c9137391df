"""The target networks: recipes as in the study file, their training in miniature, their judge."""

import tomllib
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from sieve_assets.terrarium import targets
from sieve_assets.terrarium.fitting import Schedule, render_all, to_unit
from sieve_assets.terrarium.scenes import WIDE, unbiased_scenes
from sieve_assets.terrarium.targets import (
    N_CLASSES,
    RECIPES,
    SHIFT_PX,
    accuracy,
    class_of,
    flatness,
    shifted,
    train_target,
)
from sieve_assets.terrarium.world import DATA, world_objects

STUDY = tomllib.loads((DATA.parents[1] / "sieve.toml").read_text(encoding="utf-8"))
SCHEDULE = Schedule(n_steps=2, batch=6, peak_rate=1e-3, weight_decay=0.01)


@pytest.fixture(scope="module")
def scenes():
    return unbiased_scenes(12, seed=2, empty_share=0.3, pose=WIDE, only_drawn=False)


def test_the_study_file_s_targets_are_the_recipes():
    assert set(STUDY["targets"]) == set(RECIPES)


@pytest.mark.parametrize("name", list(RECIPES))
def test_the_study_file_says_how_a_target_was_trained(name):
    settings, recipe = STUDY["targets"][name], RECIPES[name]

    assert settings["network"] == f"timm:{recipe.network}"
    assert settings["network_args"] == recipe.network_args
    assert settings["n_classes"] == N_CLASSES
    assert recipe.new_network().num_features == settings["width"]
    # Training scales pixels by to_unit: the study's mean and standard deviation must do the same.
    pixels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(1, 3, 16, 16)
    mean, std = (torch.tensor(settings["transform"][key]).view(3, 1, 1) for key in ("mean", "std"))
    torch.testing.assert_close(to_unit(pixels), (pixels / 255 - mean) / std)


def test_classes_are_the_objects_and_last_the_empty_scene(scenes):
    assert len(world_objects()) + 1 == N_CLASSES
    for scene in scenes:
        expected = scene.thing.position if scene.thing else 120
        assert class_of(scene) == expected


def test_shifting_moves_all_pictures_alike_and_some_batches_mirrored():
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    inner = slice(2 * SHIFT_PX, -2 * SHIFT_PX)
    found = set()
    for seed in range(60):
        moved = shifted(images, np.random.default_rng(seed))
        for mirrored in (False, True):
            plain = moved.flip(3) if mirrored else moved
            for down in range(-SHIFT_PX, SHIFT_PX + 1):
                for right in range(-SHIFT_PX, SHIFT_PX + 1):
                    rolled = images.roll((-down, -right), dims=(2, 3))
                    if torch.equal(plain[..., inner, inner], rolled[..., inner, inner]):
                        found.add((down, right, mirrored))

    assert len(found) > 30
    assert {mirrored for _, _, mirrored in found} == {False, True}


@pytest.mark.parametrize("name", list(RECIPES))
def test_training_is_reproducible(tmp_path, monkeypatch, name):
    monkeypatch.setattr(targets, "N_SCENES", 6)
    first, second = (
        train_target(name, schedule=SCHEDULE, seed=0, checkpoints=tmp_path / run)
        for run in ("first", "second")
    )
    torch.manual_seed(0)
    untrained = RECIPES[name].new_network().state_dict()

    for key, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[key])
    assert any(not torch.equal(v, untrained[k]) for k, v in first.state_dict().items())


def test_a_gaussian_neuron_is_flat_and_one_with_a_few_peaks_is_not():
    gaussian = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(0))
    peaked = torch.zeros(1000, 3)
    peaked[torch.arange(3), torch.arange(3)] = 1.0

    assert flatness(gaussian, is_signed=True).item() == pytest.approx((2 / np.pi) ** 0.5, abs=0.01)
    # Mean deviation 2 (1 - p) p over the root of p (1 - p), for a share p of ones.
    assert flatness(peaked, is_signed=True).item() == pytest.approx(
        2 * (0.001 * 0.999) ** 0.5, rel=1e-4
    )
    assert flatness(torch.ones(5, 2), is_signed=True) == 0
    # From zero, what is always alike is as flat as can be, and a share p of ones has p / √p.
    assert flatness(torch.ones(5, 2), is_signed=False) == pytest.approx(1)
    assert flatness(peaked, is_signed=False).item() == pytest.approx(0.001**0.5, rel=1e-4)


def test_flatness_is_each_neuron_s_own_and_knows_no_scale_or_offset():
    features = torch.randn(50, 3, generator=torch.Generator().manual_seed(0)) ** 3
    parts = [flatness(features[:, [neuron]], is_signed=True) for neuron in range(3)]

    torch.testing.assert_close(flatness(features, is_signed=True), torch.stack(parts).mean())
    changed = features * torch.tensor([2.0, -5.0, 0.1]) + torch.tensor([1.0, 0.0, -3.0])
    torch.testing.assert_close(
        flatness(changed, is_signed=True), flatness(features, is_signed=True), rtol=1e-4, atol=0
    )


def test_a_recipe_s_later_terms_change_training_from_their_step_on(tmp_path, monkeypatch):
    monkeypatch.setattr(targets, "N_SCENES", 6)

    def weights(folder, **changes):
        recipe = replace(RECIPES["terrarium_vit"], **changes)
        monkeypatch.setitem(RECIPES, "terrarium_vit", recipe)
        model = train_target(
            "terrarium_vit", schedule=SCHEDULE, seed=0, checkpoints=tmp_path / folder
        )
        return model.blocks[0].attn.qkv.weight

    plain = weights("plain", peakedness=0.0, settled_from=9)
    assert torch.equal(weights("later", peakedness=5.0, settled_from=9), plain)
    consistent = weights("consistent", peakedness=0.0, settled_from=1)
    assert not torch.equal(consistent, plain)
    assert not torch.equal(weights("peaked", peakedness=5.0, settled_from=1), consistent)


class Oracle(nn.Module):
    """Answers from a list, in order."""

    def __init__(self, answers):
        super().__init__()
        self.answers = answers

    def forward(self, pixels):
        now, self.answers = self.answers[: len(pixels)], self.answers[len(pixels) :]
        return nn.functional.one_hot(torch.tensor(now), N_CLASSES)


@pytest.mark.parametrize(("n_wrong", "expected"), [(0, 1.0), (3, 0.75), (12, 0.0)])
def test_accuracy_is_the_share_named_right(scenes, n_wrong, expected):
    answers = [class_of(scene) for scene in scenes]
    answers[:n_wrong] = [(answer + 1) % N_CLASSES for answer in answers[:n_wrong]]

    assert accuracy(Oracle(answers), scenes, batch=5) == pytest.approx(expected)


def test_accuracy_does_not_depend_on_the_batch(scenes):
    torch.manual_seed(0)
    model = RECIPES["terrarium_resnet"].new_network().eval()

    assert accuracy(model, scenes, batch=5) == accuracy(model, scenes, batch=12)


def pictures(count):
    images, _ = render_all(
        unbiased_scenes(count, seed=2, empty_share=0.1, pose=WIDE, only_drawn=False)
    )
    return to_unit(images)


def test_distorted_pictures_show_the_same_less_sharply():
    images = pictures(6)

    seen = [targets.distorted(images, np.random.default_rng(seed)) for seed in range(12)]

    for one in seen:
        assert one.shape == images.shape
        assert one.abs().max() <= 1
        assert 0 <= (one - images).abs().mean() < 0.2
    assert sum(not torch.equal(one, images) for one in seen) > 9
    torch.manual_seed(0)
    first = targets.distorted(images, np.random.default_rng(3))
    torch.manual_seed(0)
    assert torch.equal(first, targets.distorted(images, np.random.default_rng(3)))


def test_bending_moves_pixels_smoothly_and_nothing_if_by_nothing(monkeypatch):
    images = pictures(2)
    ramp = torch.linspace(-1, 1, 64).expand(1, 3, 64, 64).contiguous()

    moved = (targets.bent(ramp, np.random.default_rng(0)) - ramp)[0, 0, 8:-8, 8:-8] * 32

    assert 0.3 < moved.std() < 2.5, "pixels"
    assert moved.diff(dim=0).abs().max() < 0.6
    monkeypatch.setattr(targets, "WARP_PX", 0.0)
    torch.testing.assert_close(
        targets.bent(images, np.random.default_rng(0)), images, atol=1e-4, rtol=0
    )


def test_compression_loses_the_more_the_lower_its_quality():
    images = pictures(3)

    errors = [(targets.compressed(images, quality) - images).abs().mean() for quality in (10, 50)]

    assert errors[1] < errors[0] < 0.3
    assert 0 < (targets.compressed(images, 100) - images).abs().mean() < 0.6 * errors[1]


def test_inconsistency_is_in_parts_of_the_variance_and_pulls_the_distorted_side_only():
    torch.manual_seed(0)
    features = torch.randn(200, 5, requires_grad=True)
    other = (features.detach() + 0.1 * torch.randn(200, 5)).requires_grad_()

    loss = targets.inconsistency(other, features)
    loss.backward()

    assert loss.item() == pytest.approx(0.01, rel=0.2)
    assert targets.inconsistency(10 * other, 10 * features).item() == pytest.approx(loss.item())
    assert targets.inconsistency(features, features).item() == 0
    assert features.grad is None
    assert other.grad.abs().sum() > 0
