"""Damaged and lost files are found by their hash, and the next run makes them again."""

import os
import shutil
import time

import dagster as dg
import pytest

from sieve_assets.assets.conductor import Conductor, legs
from sieve_assets.assets.hypothesize import concept_names, embed_concepts
from sieve_assets.models.generator import DiffusersGenerator
from sieve_assets.models.target import NeuronTarget
from sieve_assets.models.vision_language import OpenClipModel
from sieve_assets.stores.mending import LEFTOVER_AGE_S
from sieve_assets_tests.killing import assert_same_results
from sieve_assets_tests.studies import assert_same_rows


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path):
    path.write_bytes(path.read_bytes()[:-20])


def remove(path):
    path.unlink()


def update(study):
    """Bring a study up to date, as `make demo` does."""
    with dg.DagsterInstance.ephemeral() as instance:
        conductor = Conductor(study.bench(), instance, lambda *_: None)
        for model in ("cnn", "vit"):
            for leg in legs(study.bench().study):
                conductor.run_leg(leg, model)


def file_of(study, kind):
    bench = study.bench()
    if kind == "picture":
        return bench.images.root / study.table("generated_image_sets", model="cnn")["uri"].iloc[0]
    if kind == "patch":
        return bench.images.root / study.table("patch_embeddings", model="cnn")["uri"].iloc[0]
    passed = study.table("probe_passes", model="cnn").iloc[0]
    uri = passed["strongest_uri"] if kind == "strongest" else passed["activations_uri"][0]
    return bench.arrays.root / uri


def test_a_whole_store_is_left_alone(copied):
    before = sorted(copied.data.rglob("*"))

    found = copied.bench().mend()

    assert found.n_files > 50
    assert (found.damaged, found.n_notes, found.leftovers) == ([], 0, [])
    assert sorted(copied.data.rglob("*")) == before


@pytest.mark.parametrize("damage", [flip, cut, remove])
@pytest.mark.parametrize("kind", ["picture", "patch", "shard", "strongest"])
def test_a_damaged_file_is_found_and_made_again(finished, copied, kind, damage):
    file = file_of(copied, kind)
    damage(file)

    found = copied.bench().mend()
    update(copied)

    assert [uri.split("/")[-1] for uri in found.damaged] == [file.name]
    assert found.n_notes > 0
    assert copied.bench().mend().damaged == []
    assert_same_results(copied, finished)


def test_damaged_embeddings_of_concepts_are_made_again_when_they_are_needed(
    finished, copied, count
):
    n_concepts = len(concept_names(copied.bench().study))
    [uri] = copied.table("text_embeddings", n_texts=n_concepts)["uri"]
    flip(copied.bench().arrays.root / uri)
    embedded = count(OpenClipModel, "embed_texts")

    with pytest.raises(ValueError, match=r"expected the content it is named .* Run `sieve mend`"):
        embed_concepts(copied.bench())
    assert copied.bench().mend().damaged == [uri]
    copied.forget("cnn", "concept_hypotheses")
    copied.of_model("cnn", "concept_hypotheses")

    assert embedded == [n_concepts]
    found, expected = (one.table("concept_hypotheses") for one in (copied, finished))
    assert_same_rows(found, expected, tolerance=1e-6)


def test_only_what_was_lost_is_made_again(copied, count):
    remove(file_of(copied, "picture"))
    drawn, observed = (
        count(DiffusersGenerator, "draw"),
        count(NeuronTarget, "observe"),
    )

    copied.bench().mend()
    update(copied)

    assert (drawn, observed) == ([1], [])


@pytest.mark.parametrize(
    ("kind", "stage"), [("picture", "activation_rates"), ("strongest", "selected_samples")]
)
def test_a_damaged_file_is_never_computed_from(copied, kind, stage):
    flip(file_of(copied, kind))
    copied.forget("cnn", stage)
    gone = copied.table("picture_activations").filter(["model", "picture_id", "weights_hash"])
    copied.delete("picture_activations", gone)

    with pytest.raises(ValueError, match=r"expected the content it is named .* Run `sieve mend`"):
        copied.of_model("cnn", stage)


def test_what_interrupted_writes_left_behind_goes_once_it_is_old(copied):
    images = copied.bench().images.root
    old, young = images / ".a.png.0.tmp", images / ".b.png.0.tmp"
    folder = copied.bench().rendered_probes / "terrarium-0.1.unfinished"
    folder.mkdir(parents=True)
    for path in (old, young):
        path.write_bytes(b"half")
    past = time.time() - 2 * LEFTOVER_AGE_S
    for path in (old, folder):
        os.utime(path, (past, past))

    found = copied.bench().mend()

    assert sorted(found.leftovers) == sorted([str(old), str(folder)])
    assert young.exists()
    assert not old.exists()
    assert not folder.exists()


def test_a_rendered_probe_set_is_rendered_again_and_a_users_own_images_stay(copied):
    """The scenes of the tiny study are a user's own: they lie outside the store."""
    own = copied.bench().study.probes["scenes"].path
    inside = copied.bench().rendered_probes / "terrarium-0"
    shutil.copytree(own, inside)
    rows = copied.table("probe_images")
    image = min(inside.rglob("*.png"))
    moved = rows.assign(
        probe="rendered", uri=[uri.replace(str(own), str(inside)) for uri in rows["uri"]]
    )
    copied.bench().warehouse.add_missing("probe_images", moved)
    flip(image)

    found = copied.bench().mend()

    assert found.damaged == [str(image)]
    assert not inside.exists()
    assert len(list(own.rglob("*.png"))) == len(rows)
