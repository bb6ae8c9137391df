"""Batches in order, and what is told on the way."""

import logging
import re
from types import SimpleNamespace

import pytest

from sieve_assets.assets import progress
from sieve_assets.assets.progress import tracked

LOG = logging.getLogger("sieve_assets_tests.progress")


@pytest.fixture
def told(caplog):
    """Gives the lines of the run's log so far."""
    caplog.set_level(logging.INFO, logger=LOG.name)
    return lambda: caplog.messages


@pytest.fixture
def at_once(monkeypatch):
    """Every batch is told of, however little time it takes."""
    monkeypatch.setattr(progress, "EVERY_S", -1)


def batches(items, size, **other):
    return list(tracked(items, "cats", LOG, **{"unit": "cat", "size": size, **other}))


@pytest.mark.parametrize(
    ("n", "size", "sizes"),
    [(7, 3, [3, 3, 1]), (6, 3, [3, 3]), (2, 5, [2]), (3, 1, [1, 1, 1]), (0, 4, [])],
)
def test_batches_hold_every_item_in_order_and_only_the_last_is_smaller(n, size, sizes):
    found = batches(range(n), size)

    assert [len(batch) for batch in found] == sizes
    assert [item for batch in found for item in batch] == list(range(n))


def test_a_batch_is_of_the_kind_that_was_given():
    assert batches("abcde", 2) == ["ab", "cd", "e"]


@pytest.mark.usefixtures("at_once")
def test_the_log_says_after_each_batch_how_many_are_done_how_fast_and_how_long_it_takes(told):
    batches(range(7), 3)

    counts = [re.search(r"cats: +(\d+)% (\d+)/7 ", line) for line in told()]
    assert [(int(found[1]), int(found[2])) for found in counts] == [(43, 3), (86, 6), (100, 7)]
    for line in told():
        assert re.search(r"\[\d\d:\d\d<\d\d:\d\d, +[\d.]+cat/s\]$", line), line


@pytest.mark.usefixtures("at_once")
def test_a_batch_is_told_of_only_once_it_is_done(told):
    going = tracked(range(4), "cats", LOG, unit="cat", size=2)

    next(going)
    assert told() == []
    next(going)
    assert len(told()) == 1


def test_within_a_quarter_of_a_minute_nothing_is_logged(told, monkeypatch):
    clock = iter([0, 14, 15, 15.1, 16, 31, 31.1, 40])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))

    batches(range(5), 1)

    assert [re.search(r"(\d)/5", line)[1] for line in told()] == ["3", "5"]


def test_the_bar_names_what_is_done_and_counts_to_the_end(capsys):
    batches(range(7), 3)

    shown = capsys.readouterr().err
    assert "cats:   0%" in shown
    last = shown.split("\r")[-1]
    assert last.startswith("cats: 100%")
    assert "7/7" in last
    assert "cat/s" in last


@pytest.mark.usefixtures("at_once")
def test_of_an_empty_sequence_nothing_is_logged_and_nothing_divided_by(told):
    assert batches([], 3) == []
    assert told() == []


def test_the_bar_ends_where_the_work_stops(capsys):
    going = tracked(range(4), "cats", LOG, unit="cat", size=1)
    next(going)
    next(going)

    going.close()

    assert "1/4" in capsys.readouterr().err.rstrip("\n").split("\r")[-1]
