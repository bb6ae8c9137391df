"""What is ahead of a target, and what of it is stored already."""

import numpy as np
import pytest

from sieve_assets.assets.outlook import Outlook


def of(study, model="cnn"):
    return Outlook(study.bench(), model)


def test_nothing_is_ahead_of_a_finished_target(finished):
    found = of(finished)

    assert found.is_done
    assert found.neurons("clusters") == []
    assert found.are_known("clusters").all()
    assert found.n_listed == 60


def test_what_is_stale_is_certain_and_what_may_follow_is_not(copied):
    found = of(copied.edited({"min_silhouette = 0.4": "min_silhouette = 0.9"}))

    assert not found.is_done
    assert found.neurons("clusters") == found.neurons("concept_hypotheses") == list(range(6))
    assert found.neurons("patch_embeddings") == []
    assert found.is_certain("clusters")
    assert not found.is_certain("concept_hypotheses")
    assert not found.are_stored("clusters").any()
    assert found.are_stored("concept_hypotheses").all(), "it may yet be made again"
    assert not found.are_known("concept_hypotheses").any()


def test_what_is_missing_is_so_for_some_neurons(copied):
    copied.forget("cnn", "clusters", neurons=[1, 4])

    found = of(copied)

    assert found.neurons("clusters") == [1, 4]
    np.testing.assert_array_equal(np.flatnonzero(found.is_ahead("clusters")), [1, 4])
    assert not found.are_stored("clusters")[[1, 4]].any()


def test_stored_counts_are_those_of_the_tables(finished):
    found = of(finished, "vit")

    for neuron in range(found.width):
        of_neuron = {"model": "vit", "neuron": neuron}
        [ratio] = finished.table("neuron_ratios", **of_neuron)["status"]
        clusters = finished.table("clusters", **of_neuron)["n_clusters"]
        assert found.selected[neuron] == (ratio == "selected")
        assert found.n_samples[neuron] == len(finished.table("selected_samples", **of_neuron))
        assert found.n_clusters[neuron] == (clusters.max() if len(clusters) else 0)
    concepts = finished.table("concept_hypotheses", model="vit")["concept"]
    assert set(found.concepts(np.ones(found.width, dtype=bool))) == set(concepts)
    assert found.concepts(np.zeros(found.width, dtype=bool)) == []


def test_means_of_earlier_results_are_those_of_the_tables_or_none(finished, empty):
    found = of(finished)

    by_neuron = finished.table("clusters").groupby(["model", "neuron"])["n_clusters"].max()
    assert found.clusters_a_neuron() == pytest.approx(by_neuron.mean())
    seconds = finished.table("provenance", model="cnn", stage="clusters")["seconds"]
    assert found.seconds_a_partition("clusters") == pytest.approx(seconds.mean())
    assert of(empty).clusters_a_neuron() is None
    assert of(empty).seconds_a_partition("clusters") is None


def test_pictures_are_found_by_prompt_generator_and_seed(finished, tmp_path):
    drawn = finished.table("pictures")
    concepts = sorted(set(drawn["prompt"]))
    other = finished.changed(tmp_path, {"guidance = 3.0": "guidance = 2.0"})

    assert len(drawn) == 3 * len(concepts)
    assert len(of(finished).missing(of(finished).requests([*concepts, "nothing"]))) == 3
    assert of(finished).missing(of(finished).requests(concepts)) == []
    assert len(of(other).missing(of(other).requests(concepts))) == len(drawn)


def test_what_the_vision_language_model_has_looked_at_is_embedded(finished):
    found = of(finished)
    seen = set(finished.table("picture_embeddings")["picture_id"])
    requests = found.requests(found.names)
    asked = {one.picture_id for one in requests}

    embedded = asked - {one.picture_id for one in found.unembedded(requests)}
    assert embedded == asked & seen
    assert embedded
    assert found.n_embedded_images == found.n_listed == 60


def test_pictures_that_this_target_has_not_looked_at_are_unseen(finished):
    found = of(finished)
    requests = found.requests(found.names)

    unseen = {one.picture_id for one in found.unseen(requests)}

    seen = set(finished.table("picture_activations", model="cnn")["picture_id"])
    assert seen
    assert unseen == {one.picture_id for one in requests} - seen


def test_what_cannot_be_told_is_an_error(copied):
    bench = copied.bench()
    weights = bench.study.targets["cnn"].weights
    hidden = weights.rename(weights.with_suffix(".hidden"))
    try:
        with pytest.raises(LookupError, match="plan: expected to know what probe_pass would be"):
            Outlook(bench, "cnn").neurons("clusters")
    finally:
        hidden.rename(weights)
