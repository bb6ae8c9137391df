"""One target's plan with a try whose figures are known: what is multiplied by what."""

from types import SimpleNamespace

import numpy as np
import pytest

from sieve_assets.assets.outlook import Outlook
from sieve_assets.assets.planner import Planner
from sieve_assets.assets.quantities import Shared
from sieve_assets.assets.rehearsal import Cropped, Drawn, Embedded

TRIED = SimpleNamespace(
    sample=SimpleNamespace(n_images=60, render_s=0.0, list_s=0.25, image_bytes=0.0),
    observed=SimpleNamespace(activations=np.zeros((54, 6)), seconds=0.5),
    places=16,
    selected=np.array([1, 1, 0, 0, 0, 0], dtype=bool),
    ratio_s=0.001,
    cropped=Cropped(2.0, 1000.0, 24, 3.0, 1.0),
    embedded=Embedded(0.0625, 24),
    look_s=0.125,
    text_s=lambda names: 0.5 * len(names) / len(names),
    drawn=lambda _names, *, most: Drawn(4.0, 500.0) if most else None,
)


def plan(study, shared=None):
    planner = Planner(Outlook(study.bench(), "cnn"), TRIED, shared or Shared())
    return {(one.stage, one.quantity): one.amount for one in planner.plan()}


def test_seconds_and_bytes_are_so_many_times_what_one_takes(empty):
    found = plan(empty.edited({"n_reference = 4": "n_reference = 0"}))

    assert found["probe_images", "seconds"] == (15, 15, "counted")
    assert found["probe_pass", "seconds"] == (30, 30, "counted")
    assert found["neuron_ratios", "seconds"].expected == pytest.approx(6 * 60 * 0.001)
    assert found["patch_embeddings", "seconds"] == (2 * 6 * 2, 6 * 6 * 2, "estimated")
    assert found["patch_embeddings", "bytes"].expected == 2 * 6 * (1000 + 24 * 4)
    assert found["clusters", "seconds"] == (6, 18, "estimated")
    assert found["concept_hypotheses", "seconds"] == (6, 6, "counted")
    to_draw = found["generated_image_sets", "pictures to draw"]
    assert found["generated_image_sets", "seconds"] == to_draw.times(4)
    assert found["generated_image_sets", "bytes"] == to_draw.times(500)
    assert found["generated_image_sets", "pictures in the bank"].most == 0
    looks = found["activation_rates", "forward passes"]
    assert looks.expected == pytest.approx(to_draw.expected)
    assert found["activation_rates", "seconds"] == looks.times(0.125)
    assert found["activation_rates", "bytes"] == looks.times(6 * 4)


def test_pictures_that_a_target_before_will_draw_are_not_drawn_again(empty):
    shared = Shared()
    first, second = (plan(empty, shared) for _ in range(2))

    key = ("generated_image_sets", "pictures to draw")
    assert second[key].expected < first[key].expected
    assert second["generated_image_sets", "pictures in the bank"].expected > 0
    assert second["probe_images", "partitions"].most == 0


def test_a_stage_that_was_run_before_is_expected_to_take_as_long(copied):
    copied.forget("cnn", "verified_concepts")
    copied.forget("cnn", "clusters", neurons=[1])
    stored = copied.table("provenance", model="cnn", stage="clusters")["seconds"].mean()

    found = plan(copied)

    assert found["clusters", "seconds"] == (stored, stored, "counted")
    assert ("verified_concepts", "seconds") not in found, "of which no note is left"
    assert found["generated_image_sets", "pictures to draw"].expected >= 0
