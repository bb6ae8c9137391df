"""The short try of a target's stages, against what the stages themselves have stored."""

import numpy as np
import pytest

from sieve_assets.assets.rehearsal import GROWTH, Rehearsal, scratch_bench
from sieve_assets.models.generator import DiffusersGenerator
from sieve_assets_tests.studies import WORLD_PROBE


@pytest.fixture
def rehearsing(tmp_path):
    """A try of a study's target in a scratch folder."""

    def begin(study, model, **options):
        bench = study.bench(**options)
        return Rehearsal(scratch_bench(bench, tmp_path / "scratch"), bench, model)

    return begin


def test_a_sample_of_the_whole_set_gives_what_the_stages_gave(finished, rehearsing):
    tried = rehearsing(finished, "cnn", batch_size=16)

    ratios = finished.table("neuron_ratios", model="cnn")
    np.testing.assert_array_equal(tried.selected, ratios["status"] == "selected")
    images = finished.table("probe_images")
    eligible = ~images.sort_values("position")["is_held_out"].to_numpy()
    stored = np.stack(list(finished.table("neuron_activations", model="cnn")["activation"]))
    np.testing.assert_allclose(tried.observed.activations.T, stored[:, eligible], atol=1e-5)


def test_crops_and_clusters_of_some_neurons_are_those_of_the_stages(finished, rehearsing):
    tried = rehearsing(finished, "cnn")

    found = tried.cropped

    neurons = tried._tried()[1:]
    clusters = finished.table("clusters", model="cnn")
    clusters = clusters[clusters["neuron"].isin(neurons)]
    assert found.n_clusters == clusters.groupby("neuron")["n_clusters"].max().mean()
    patches = finished.table("patch_embeddings", model="cnn")
    patches = patches[patches["neuron"].isin(neurons)]
    root = finished.bench().images.root
    sizes = [(root / uri).stat().st_size for uri in set(patches["uri"])]
    assert found.patch_bytes == pytest.approx(np.mean(sizes))
    assert found.n_features == len(patches["embedding"].iloc[0])
    assert found.seconds > 0
    assert found.cluster_s > 0


def test_batches_of_pictures_grow_to_a_full_one(finished, rehearsing, count, monkeypatch):
    drawn = count(DiffusersGenerator, "draw")
    monkeypatch.setattr("sieve_assets.assets.rehearsal.BUDGET_S", 1e9)
    tried = rehearsing(finished, "cnn", batch_size=6)

    found = tried.drawn(["dog", "sky"], most=99)

    assert drawn == [1, 1, GROWTH, 6]
    assert found.seconds > 0
    assert found.picture_bytes > 100


def test_no_more_pictures_are_drawn_than_the_time_allows_or_are_wanted(
    finished, rehearsing, count, monkeypatch
):
    drawn = count(DiffusersGenerator, "draw")
    monkeypatch.setattr("sieve_assets.assets.rehearsal.BUDGET_S", 0)
    tried = rehearsing(finished, "cnn")

    tried.drawn(["dog"], most=99)
    monkeypatch.setattr("sieve_assets.assets.rehearsal.BUDGET_S", 1e9)
    tried.drawn(["dog"], most=2)

    assert drawn == [1, 1, *[1, 1, 2]]


def test_observing_ends_with_the_time(finished, rehearsing, monkeypatch):
    monkeypatch.setattr("sieve_assets.assets.rehearsal.BUDGET_S", 0)

    tried = rehearsing(finished, "vit", batch_size=4)

    assert len(tried.observed.activations) == len(tried.observed.eligible) == 4
    assert tried.observed.seconds > 0


def test_everything_else_that_takes_time_is_measured_and_nothing_is_stored(
    empty, tmp_path, rehearsing
):
    study = empty.anew(tmp_path, WORLD_PROBE)
    tried = rehearsing(study, "cnn", batch_size=4)

    assert tried.text_s(["dog", "sky"]) > 0
    assert tried.look_s > 0
    assert tried.scene_s > 0
    assert tried.ratio_s > 0
    assert tried.places == 16
    assert not study.data.exists()
