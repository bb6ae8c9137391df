"""Images whose content is known: by the world's own truth. The rest is tested by `domain_shift`."""

import pandas as pd
import pytest

from sieve_assets.assets.evaluate import has_known_truth
from sieve_assets.assets.shown_images import is_truth_known, known_to_show
from sieve_assets.terrarium.scenes import OBJECT_SHARE, biased_scenes
from sieve_assets_tests.studies import WORLD_PROBE

OUTLINED = {
    "[concepts]": '[probes.world]\nkind = "terrarium"\nn_images = 900\n\n'
    '[probes.drawn]\nkind = "terrarium"\nn_images = 800\nseed = 3\nstyle = "outlined"\n\n[concepts]'
}


@pytest.fixture
def bench(empty, tmp_path):
    return empty.anew(tmp_path, WORLD_PROBE | OUTLINED).bench()


def test_the_truth_of_rendered_sets_is_known_in_any_style(bench):
    assert is_truth_known(bench, "world", "drawn")
    assert not is_truth_known(bench, "world", "scenes")


def test_what_an_image_shows_is_read_from_its_scene(bench):
    scenes = biased_scenes(800, seed=3, object_share=OBJECT_SHARE)
    numbers = [5, 700, 81]
    images = pd.DataFrame({"image_id": [f"x/scene-{at:06d}.png" for at in numbers]})

    found = known_to_show(bench, "drawn", images, ["snow", "animal"])

    assert found.tolist() == [
        [
            scenes[at].background == "snow",
            bool(scenes[at].thing and scenes[at].thing.family == "animal"),
        ]
        for at in numbers
    ]


def test_other_sets_have_no_known_truth(bench):
    with pytest.raises(TypeError, match="a probe set that is rendered, got 'scenes' of kind"):
        known_to_show(bench, "scenes", pd.DataFrame({"image_id": []}), ["snow"])


def test_names_of_a_target_that_sees_another_style_are_not_judged_on_plain_scenes(bench):
    study = bench.study
    drawn = study.targets["cnn"].model_copy(update={"probe": "drawn"})

    assert has_known_truth(study, "cnn")
    assert not has_known_truth(study.model_copy(update={"targets": {"cnn": drawn}}), "cnn")
