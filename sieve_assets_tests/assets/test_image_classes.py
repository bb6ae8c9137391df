"""Which class a probe image shows, by whoever knows it."""

import numpy as np
import pandas as pd

from sieve_assets.assets.image_classes import CLASS, accepted_labels, shares_of_classes
from sieve_assets.study_compare import Compare
from sieve_assets.terrarium.scenes import OBJECT_SHARE, biased_scenes
from sieve_assets.terrarium.world import world_objects
from sieve_assets_tests.studies import WORLD_PROBE


def test_classifiers_of_the_embedded_world_know_its_objects(empty, tmp_path):
    bench = empty.anew(tmp_path, WORLD_PROBE).bench()
    target = bench.study.targets["cnn"].model_copy(update={"n_classes": 121})
    update = {"targets": {"cnn": target}, "compare": Compare()}
    bench.__dict__["study"] = bench.study.model_copy(update=update)

    found = accepted_labels(bench, "cnn")

    assert found[0] == {world_objects()[0].name}
    assert found[120] == {"empty"}
    assert len(found) == 121


def test_how_many_of_a_classs_images_show_a_concept_is_counted_by_scene(empty, tmp_path):
    probe = empty.anew(tmp_path, WORLD_PROBE).bench().study.probes["world"]
    probe = probe.model_copy(update={"n_images": 3000, "seed": 5})
    scenes = biased_scenes(3000, seed=5, object_share=OBJECT_SHARE)
    chosen = [at for at, one in enumerate(scenes) if at % 2]
    images = pd.DataFrame({"image_id": [f"x/scene-{at:06d}.png" for at in chosen]})
    images[CLASS] = [scenes[at].thing.position if scenes[at].thing else 120 for at in chosen]

    found = shares_of_classes(images, ["animal", "snow", "nothing of it"], probe)

    for position in (0, 7, 120):
        own = [scenes[at] for at in chosen if images[CLASS][chosen.index(at)] == position]
        family = [bool(one.thing and one.thing.family == "animal") for one in own]
        expected = [np.mean(family), np.mean([one.background == "snow" for one in own]), 0]
        np.testing.assert_allclose(found[position], expected)
