"""A study's results are found as everywhere, asked, and left as they are."""

import re
import shutil
from functools import partial

import duckdb
import numpy as np
import pytest
from PIL import Image

from sieve_assets.assets.resources import Workbench
from sieve_assets.image_sets.listing import open_image
from sieve_assets.stored_study import StoredStudy, find_study
from sieve_assets.stores.connections import OtherSchemaError
from sieve_assets.stores.warehouse import Replacement


@pytest.fixture
def stored(named):
    return StoredStudy(named.data, named.file)


def test_results_are_found_by_file_folder_and_environment(named, monkeypatch, tmp_path):
    other = shutil.copy(named.file, tmp_path / "other.toml")
    monkeypatch.delenv("SIEVE_DATA", raising=False)
    monkeypatch.setenv("SIEVE_STUDY", str(named.file))

    assert find_study(None) == StoredStudy(named.data, named.file)
    assert find_study(str(named.file)) == StoredStudy(named.data, named.file)
    assert find_study(named.data) == StoredStudy(named.data, None)
    monkeypatch.setenv("SIEVE_DATA", str(named.data))
    assert find_study(other).folder == Workbench(study_file=str(other)).folder == named.data


def test_tables_and_pictures_elsewhere_are_found_by_the_environment(named, monkeypatch, tmp_path):
    copy = named.changed(tmp_path)
    (copy.data / "sieve.duckdb").rename(tmp_path / "tables.duckdb")
    (copy.data / "store").rename(tmp_path / "pictures")
    monkeypatch.setenv("SIEVE_DATA", str(copy.data))
    monkeypatch.setenv("SIEVE_WAREHOUSE", str(tmp_path / "tables.duckdb"))
    monkeypatch.setenv("SIEVE_STORE", str(tmp_path / "pictures"))

    found = find_study(copy.file)

    [uri] = found.read("SELECT uri FROM pictures LIMIT 1")["uri"]
    np.testing.assert_array_equal(found.image(uri), named.bench().images.open(uri))


def test_sieve_toml_of_the_working_folder_is_taken_if_nothing_is_said(named, monkeypatch):
    monkeypatch.delenv("SIEVE_DATA", raising=False)
    monkeypatch.delenv("SIEVE_STUDY", raising=False)
    monkeypatch.chdir(named.file.parent)

    assert find_study(None).folder == named.data


@pytest.mark.parametrize("path", ["", "sieve.toml", "gone/sieve.toml"])
def test_no_results_are_refused_and_no_file_is_made(path, monkeypatch, tmp_path):
    monkeypatch.delenv("SIEVE_DATA", raising=False)
    where = tmp_path / path if path else tmp_path

    with pytest.raises(FileNotFoundError, match=r"expected results at .*sieve\.duckdb, got no"):
        find_study(where)

    assert list(tmp_path.iterdir()) == []


def test_a_warehouse_that_goes_while_it_is_open_is_not_made_again(named, tmp_path):
    copy = named.changed(tmp_path)
    stored = find_study(copy.data)
    (copy.data / "sieve.duckdb").unlink()

    with pytest.raises(FileNotFoundError, match="got no warehouse"):
        stored.read("SELECT 1")

    assert not (copy.data / "sieve.duckdb").exists()


def test_tables_of_another_version_are_refused_at_once(named, tmp_path):
    copy = named.changed(tmp_path)
    with duckdb.connect(copy.data / "sieve.duckdb") as connection:
        connection.execute("UPDATE schema_version SET version = 1")

    with pytest.raises(OtherSchemaError, match="Run `sieve migrate`"):
        find_study(copy.data)


def test_a_run_can_write_between_two_questions(named, tmp_path):
    copy = named.changed(tmp_path)
    stored = find_study(copy.data)
    before = len(stored.read("SELECT * FROM verdicts"))

    copy.delete("verdicts", copy.table("verdicts", model="cnn")[["model"]].head(1))

    assert 0 < len(stored.read("SELECT * FROM verdicts")) < before


def test_unknown_targets_and_neurons_are_told_what_there_is(stored):
    none = stored.read("SELECT * FROM verdicts WHERE false")

    with pytest.raises(LookupError, match=r"looked at, got 'none'\. There are: cnn, vit\.$"):
        stored.known(none, "none")
    with pytest.raises(LookupError, match=r"looked at, got 'none'"):
        stored.require_neuron("none", 0)
    for neuron in (-1, 8):
        with pytest.raises(LookupError, match=rf"vit that was observed, got {neuron}\..* 0 to 7\."):
            stored.require_neuron("vit", neuron)


def test_known_targets_and_neurons_pass_with_or_without_rows(stored):
    none = stored.read("SELECT * FROM verdicts WHERE false")

    assert stored.known(none, "cnn") is none
    assert stored.known(none, None) is none
    stored.require_neuron("vit", 7)


def test_before_anything_has_run_it_says_that_there_is_nothing_yet(named, tmp_path):
    study = named.anew(tmp_path)
    study.bench().warehouse.read("SELECT 1")  # which makes the tables

    with pytest.raises(LookupError, match=r"There are: none yet\.$"):
        find_study(study.data).require_neuron("cnn", 0)


def test_stored_and_probe_images_are_opened_by_uri(named, stored):
    bench = named.bench()
    kinds = {
        "SELECT uri FROM pictures LIMIT 2": bench.images.open,
        "SELECT uri FROM patch_embeddings LIMIT 2": bench.images.open,
        "SELECT uri FROM probe_images LIMIT 2": partial(open_image, bench.images_of("cnn")),
    }
    for query, opened in kinds.items():
        for uri in stored.read(query)["uri"]:
            np.testing.assert_array_equal(stored.image(uri), opened(uri))


def test_images_that_are_none_of_the_study_are_refused(stored, named):
    outside = named.file.parent / "outside.png"
    Image.new("RGB", (4, 4)).save(outside)

    with pytest.raises(LookupError, match=rf"got '{re.escape(str(outside))}'"):
        stored.image(str(outside))
    with pytest.raises(FileNotFoundError, match="expected a stored file"):
        stored.image(f"ab/ab{'0' * 62}.png")


def test_rendered_probe_images_are_found_where_the_results_have_moved_to(named, tmp_path):
    copy = named.changed(tmp_path)
    rows = copy.table("probe_images").head(1)
    moved = copy.data / "store" / "probes" / "terrarium-1" / "dog" / "scene-1.png"
    moved.parent.mkdir(parents=True)
    Image.new("RGB", (5, 4), "red").save(moved)
    old = "/somewhere/data/store/probes/terrarium-1/dog/scene-1.png"
    copy.bench().warehouse.replace(
        Replacement("probe_images", rows.assign(uri=old), rows[["probe", "image_id"]])
    )

    assert find_study(copy.data).image(old).getpixel((0, 0)) == (255, 0, 0)


def test_images_that_are_no_files_are_read_as_the_study_file_says(named, tmp_path):
    copy = named.changed(tmp_path)
    rows = copy.table("probe_images").head(1)
    path = rows["uri"][0]
    address = f"file://{path}"
    copy.bench().warehouse.replace(
        Replacement("probe_images", rows.assign(uri=address), rows[["probe", "image_id"]])
    )
    scenes = named.bench().study.probes["scenes"].path
    study = copy.edited({f'path = "{scenes}"': f'path = "file://{scenes}"'})

    found = StoredStudy(study.data, study.file).image(address)

    np.testing.assert_array_equal(found, Image.open(path).convert("RGB"))
    with pytest.raises(ValueError, match="Name the study file in open_results"):
        find_study(copy.data).image(address)
