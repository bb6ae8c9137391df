"""A study whose tables and pictures are elsewhere is the same study."""

import pytest
from upath import UPath

from sieve_assets.stores.addresses import LAKE
from sieve_assets_tests.conftest import SECRET
from sieve_assets_tests.killing import assert_nothing_is_half_written, assert_same_results
from sieve_assets_tests.studies import StudyRun

pytestmark = pytest.mark.cluster


@pytest.fixture
def elsewhere(finished, lake, bucket, tmp_path):
    """The tiny study without results, which go to a lake and a bucket."""
    addresses = {
        "warehouse_address": f"{LAKE}{lake.catalogue}",
        "warehouse_files": f"{bucket}/rows",
        "store_address": f"{bucket}/store",
    }
    same = finished.anew(tmp_path)
    return StudyRun(same.file, same.data, addresses)


def test_every_table_and_every_picture_is_the_same(finished, elsewhere, bucket):
    elsewhere.everything()
    assert_same_results(elsewhere, finished)
    assert_nothing_is_half_written(elsewhere)
    local = sorted(path.name for path in elsewhere.data.rglob("*") if path.is_file())
    assert not [name for name in local if name.endswith((".duckdb", ".png", ".safetensors"))]
    system = UPath(bucket).fs
    system.invalidate_cache()
    stored = system.find(bucket)
    names = {one.rpartition("/")[2] for one in stored}
    kept = {path.name for path in (finished.data / "store").rglob("*.png")}
    assert kept
    assert kept <= names
    assert not [one for one in stored if SECRET.encode() in system.cat_file(one)]
