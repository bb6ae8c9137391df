"""The training loop: an interruption changes nothing, and averaged weights are what they say."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from sieve_assets.terrarium import fitting
from sieve_assets.terrarium.fitting import AVERAGE_DECAY, Schedule, fit, render_all, to_unit
from sieve_assets.terrarium.renderer import draw_scene
from sieve_assets.terrarium.scenes import WIDE, unbiased_scenes

SCHEDULE = Schedule(n_steps=7, batch=4, peak_rate=0.05, weight_decay=0.01)


class KilledError(Exception):
    """Stands for a kill."""


def new_model():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Dropout(0.5), nn.Linear(5, 1))


def run(folder, *, stop_at=None, schedule=SCHEDULE, seen=None):
    """Fit a model whose loss uses both sources of randomness."""
    model = new_model()

    def loss_of(generator, step):
        if step == stop_at:
            raise KilledError
        if seen is not None:
            seen.append({key: value.clone() for key, value in model.state_dict().items()})
        inputs = torch.from_numpy(generator.normal(size=(schedule.batch, 3))).float()
        return (model(inputs + 0.1 * torch.randn_like(inputs)) - inputs[:, :1]).square().mean()

    return fit("part", model, lambda: loss_of, schedule=schedule, seed=3, checkpoints=folder)


def assert_same(first, second):
    for key, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[key]), key


@pytest.mark.parametrize("stop_at", [1, 4, 6])
def test_an_interrupted_training_ends_with_the_same_weights(tmp_path, monkeypatch, stop_at):
    monkeypatch.setattr(fitting, "CHECKPOINT_EVERY_STEPS", 2)
    whole = run(tmp_path / "whole")

    with pytest.raises(KilledError):
        run(tmp_path / "parts", stop_at=stop_at)
    resumed = run(tmp_path / "parts")

    assert_same(resumed, whole)


def test_one_step_more_gives_other_weights(tmp_path):
    first = run(tmp_path / "first")
    longer = run(tmp_path / "longer", schedule=replace(SCHEDULE, n_steps=8))

    assert not torch.equal(first[0].weight, longer[0].weight)


def test_a_finished_training_is_not_prepared_again(tmp_path):
    whole = run(tmp_path)

    prepared = []
    again = fit(
        "part",
        new_model(),
        lambda: prepared.append("again"),
        schedule=SCHEDULE,
        seed=3,
        checkpoints=tmp_path,
    )

    assert not prepared
    assert_same(again, whole)


def test_the_result_is_the_running_average_in_evaluation_mode(tmp_path):
    seen = []
    model = run(tmp_path, seen=seen)

    last = torch.load(tmp_path / "part.pt", weights_only=True)["model"]
    weights = [state["0.weight"] for state in [*seen, last]]
    average = weights[0]
    for step, value in enumerate(weights[1:], 1):
        decay = min(AVERAGE_DECAY, step / (step + 9))
        average = decay * average + (1 - decay) * value
    torch.testing.assert_close(model[0].weight.detach(), average)
    assert not model.training
    assert int(model[1].num_batches_tracked) == SCHEDULE.n_steps


def test_a_failed_write_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    model = new_model()
    training = fitting.Training(model, torch.optim.AdamW(model.parameters()), {})
    training.save(tmp_path / "part.pt")

    def write_half(_state, path):
        path.write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", write_half)
    with pytest.raises(OSError, match="no space left"):
        training.save(tmp_path / "part.pt")

    training.load(tmp_path / "part.pt")


def test_rates_warm_up_to_the_peak_and_follow_a_cosine_to_zero():
    schedule = Schedule(n_steps=100, batch=1, peak_rate=2.0, weight_decay=0.0)
    rates = [schedule.rate(step) for step in range(100)]

    assert rates[:5] == pytest.approx([0.5, 1.0, 1.5, 2.0, 2.0])
    assert rates[52] == pytest.approx(1.0)
    assert rates[99] < 0.001
    assert all(later < earlier for earlier, later in pairwise(rates[4:]))


def test_clipping_bounds_a_step_of_any_loss():
    model = nn.Linear(1, 1, bias=False)
    training = fitting.Training(
        model, torch.optim.SGD(model.parameters(), lr=1), {"weight": model.weight.detach().clone()}
    )
    before = model.weight.item()

    training.take_step(1e6 * model.weight.sum(), rate=0.5)

    assert before - model.weight.item() == pytest.approx(0.5)


@pytest.mark.parametrize("together", [500, 2])
def test_rendered_pixels_are_those_of_the_pictures_whoever_draws_them(monkeypatch, together):
    monkeypatch.setattr(fitting, "RENDER_TOGETHER", together)
    scenes = unbiased_scenes(3, seed=0, empty_share=0.3, pose=WIDE, only_drawn=True)
    pixels, masks = render_all(scenes)

    for scene, image, mask in zip(scenes, pixels, masks, strict=True):
        picture = draw_scene(scene)
        assert np.array_equal(image.permute(1, 2, 0), picture.image)
        assert np.array_equal(mask, picture.mask)


def test_pixels_become_numbers_from_minus_one_to_one():
    values = to_unit(torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 3, 1, 1))

    assert values.flatten().tolist() == pytest.approx([-1, -0.6, 1])
