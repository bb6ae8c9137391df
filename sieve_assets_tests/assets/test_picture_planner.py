"""What the picture bank will be asked for, with a try whose figures are known."""

from types import SimpleNamespace

import pytest

from sieve_assets.assets.expectations import Concepts
from sieve_assets.assets.outlook import Outlook
from sieve_assets.assets.picture_planner import PicturePlanner
from sieve_assets.assets.quantities import Shared
from sieve_assets.assets.reference_pictures import references
from sieve_assets.assets.rehearsal import Drawn, Embedded
from sieve_assets_tests.studies import CONCEPTS

TRIED = SimpleNamespace(
    look_s=0.5,
    embedded=Embedded(0.25, 10),
    drawn=lambda _names, most: Drawn(4.0, 500.0 * bool(most)),
)
N_IMAGES = 3


def planner(study, concepts, shared=None):
    """Plans for the cnn, of whose concepts so much is known."""
    expected = SimpleNamespace(concepts=lambda _neurons: concepts, n_images=60)
    outlook = Outlook(study.bench(), "cnn")
    return PicturePlanner(outlook, TRIED, shared or Shared(), expected)


def known(*names):
    return Concepts(list(names), 0, 0, are_known=True)


def test_references_are_drawn_once_for_all_targets(empty):
    shared = Shared()
    first, second = (planner(empty, known(), shared).reference_pictures() for _ in range(2))

    assert first["pictures to draw"] == (12, 12, "counted")
    assert first["seconds"] == (48, 48, "counted")
    assert first["bytes"] == (6000, 6000, "counted")
    assert second["pictures to draw"].most == 0
    assert second["pictures in the bank"] == (12, 12, "counted")


def test_a_hypothesis_that_is_a_reference_is_not_drawn_again(empty):
    shared = Shared()
    chosen = references(empty.bench())
    other = next(name for name in CONCEPTS if name not in chosen)
    one = planner(empty, known(chosen[0], other), shared)
    one.reference_pictures()

    found = one.generated_image_sets()

    assert found["pictures to draw"] == (N_IMAGES, N_IMAGES, "counted")
    assert found["pictures in the bank"] == (N_IMAGES, N_IMAGES, "counted")


def test_evidence_looks_at_the_references_that_are_no_hypotheses_and_embeds_both(empty):
    chosen = references(empty.bench())
    other = next(name for name in CONCEPTS if name not in chosen)

    found = planner(empty, known(chosen[0], other)).evidence()

    looks, embeddings = 3 * N_IMAGES, 5 * N_IMAGES
    assert found["forward passes"] == (looks, looks, "counted")
    assert found["embeddings"] == (embeddings, embeddings, "counted")
    assert found["seconds"].expected == looks * 0.5 + embeddings * 0.25
    assert found["bytes"].expected == looks * 6 * 4 + embeddings * 10 * 4


def test_while_concepts_are_unknown_some_may_be_references(empty):
    concepts = Concepts([], 6.0, 12, are_known=False)

    found = planner(empty, concepts).evidence()

    assert found["forward passes"] == (4 * N_IMAGES / 2, 4 * N_IMAGES, "estimated")
    expected = (4 + 6 * 8 / 12) * N_IMAGES
    assert found["embeddings"].expected == pytest.approx(expected)
    assert found["embeddings"].most == 12 * N_IMAGES


def test_a_probe_set_is_embedded_once_for_all_targets(empty):
    shared = Shared()
    first, second = (planner(empty, known(), shared).probe_embeddings() for _ in range(2))

    assert first["embeddings"] == (60, 60, "counted")
    assert first["seconds"] == (15, 15, "counted")
    assert second["embeddings"].most == second["seconds"].most == 0


def test_what_is_embedded_of_a_probe_set_is_not_embedded_again(copied):
    copied.forget("cnn", "probe_embeddings")

    found = planner(copied, known()).probe_embeddings()

    assert found["embeddings"].most == 0


def test_with_looks_the_first_are_planned_and_the_others_as_the_most_there_can_be(empty, tmp_path):
    study = empty.anew(tmp_path, {"n_images = 3": "n_images = 6\nlooks = [2, 6]"})
    chosen = references(study.bench())
    others = [name for name in CONCEPTS if name not in chosen][:2]
    one = planner(study, known(chosen[0], *others))
    one.reference_pictures()

    first, found = one.generated_image_sets(), one.evidence()

    assert first["pictures to draw"] == (4, 4, "counted")
    assert one.activation_rates()["forward passes"] == (6, 6, "counted")
    assert found["pictures to draw"] == (8, 8, "at most")
    passes, embeddings = 3 * 4 + 3 * 6, 6 * 6
    assert found["forward passes"] == (passes, passes, "at most")
    assert found["embeddings"] == (embeddings, embeddings, "at most")
    assert found["seconds"].expected == 8 * 4 + passes * 0.5 + embeddings * 0.25
    assert found["seconds"].basis == "at most"
