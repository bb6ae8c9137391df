"""Arrays on disk for as long as they are needed."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from sieve_assets.stores.scratch import scratch_array


def test_it_begins_with_zeros_and_keeps_what_is_written(tmp_path):
    with scratch_array(tmp_path, (3, 1000), np.float32, what="maps") as array:
        assert array.dtype == np.float32
        assert not array.any()
        array[1] = np.arange(1000)
        assert array[1, 999] == 999
        assert array[:, 7].tolist() == [0, 7, 0]


def test_it_leaves_nothing_whatever_happens(tmp_path):
    def fail():
        with scratch_array(tmp_path, (5, 5), np.float64, what="maps") as array:
            array[:] = 1
            assert list(tmp_path.iterdir()) == []
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_without_elements_it_is_an_array_all_the_same(tmp_path):
    with scratch_array(tmp_path, (0, 4), np.float32, what="maps") as array:
        assert array.shape == (0, 4)


def test_a_disk_that_is_too_small_is_told_before(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=3 * 10**8))
    reason = r"^scratch_array: expected 0\.4 GB for maps in .*, got 0\.3 GB free\. Free some"
    with (
        pytest.raises(OSError, match=reason),
        scratch_array(tmp_path, (10**8,), np.float32, what="maps"),
    ):
        pass
