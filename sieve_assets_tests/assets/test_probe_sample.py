"""A few images of a probe set, whether it is there or not."""

import pytest

from sieve_assets.assets.probe_sample import probe_sample
from sieve_assets_tests.studies import WORLD_PROBE


def test_images_are_evenly_spaced_and_found_under_their_own_names(empty, tmp_path):
    found = probe_sample(empty.bench(), "scenes", count=7, scratch=tmp_path / "scratch")
    every = probe_sample(empty.bench(), "scenes", count=99, scratch=tmp_path / "other").images

    assert found.n_images == len(every) == 60
    ids = list(every["image_id"])
    places = [ids.index(image_id) for image_id in found.images["image_id"]]
    assert places == [at * 60 // 7 for at in range(7)]
    assert found.list_s > 0
    assert found.image_set.read(found.images["uri"].iloc[0])
    assert (found.render_s, found.image_bytes) == (0, 0)


def test_scenes_that_are_not_rendered_yet_are_rendered_elsewhere(empty, tmp_path):
    bench = empty.anew(tmp_path, WORLD_PROBE).bench()

    found = probe_sample(bench, "world", count=4, scratch=tmp_path / "scratch")

    assert found.n_images == 9
    assert len(found.images) == 4
    assert found.render_s > 0
    assert found.image_bytes > 100
    assert not bench.rendered_probes.exists()


def test_a_folder_without_images_is_refused(empty, tmp_path):
    (tmp_path / "none").mkdir()
    scenes = f'path = "{empty.bench().study.probes["scenes"].path}"'
    study = empty.edited({scenes: f'path = "{tmp_path / "none"}"'})

    with pytest.raises(ValueError, match=r"expected images in .* got none"):
        probe_sample(study.bench(), "scenes", count=4, scratch=tmp_path / "scratch")
