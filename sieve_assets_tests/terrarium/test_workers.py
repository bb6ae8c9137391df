"""Parts of many things: in order, in other processes only if there are several."""

import os

import pytest

from sieve_assets.terrarium import workers
from sieve_assets.terrarium.workers import in_parts


def with_process(items):
    return os.getpid(), list(items)


def refuse_three(items):
    if 3 in items:
        raise ValueError("got 3")
    return items


def test_parts_come_in_order_from_other_processes(monkeypatch):
    monkeypatch.setattr(workers, "N_WORKERS", 2)

    processes, parts = zip(*in_parts(with_process, range(7), size=3), strict=True)

    assert parts == ([0, 1, 2], [3, 4, 5], [6])
    assert os.getpid() not in processes


def test_one_part_is_done_here():
    assert list(in_parts(with_process, range(3), size=3)) == [(os.getpid(), [0, 1, 2])]


def test_nothing_gives_nothing():
    assert list(in_parts(with_process, [], size=3)) == []


def test_what_the_work_raises_is_raised(monkeypatch):
    monkeypatch.setattr(workers, "N_WORKERS", 2)

    with pytest.raises(ValueError, match="got 3"):
        list(in_parts(refuse_three, range(7), size=2))
