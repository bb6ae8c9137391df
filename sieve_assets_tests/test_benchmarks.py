"""Every benchmark runs at a tiny size, so that none rots; what it measures is not looked at."""

import os

import numpy as np
import pytest

from benchmarks import (
    atlas,
    dagster_cost,
    fresh_process,
    gpu,
    growth,
    hypotheses,
    kill,
    pictures,
    pipeline,
    probe_pass,
    wide,
    workers,
    writers,
)
from benchmarks.__main__ import ASKED_FOR, PARTS, main
from benchmarks.figures import Figure, keep, medians, ratio_of_medians, table
from benchmarks.made_up_world import Sizes
from benchmarks.photos import make_photos
from benchmarks.pipeline import Clock
from benchmarks.studies import shipped_study
from sieve_assets_tests.server import HURRIED_DAEMON
from sieve_assets_tests.studies import make_tiny_study

TINY = {
    "probe_pass": lambda: probe_pass.measure(("ResNet-18",), n_images=5, n_runs=1),
    "wide": lambda: wide.measure(n_images=150, n_neurons=8, n_runs=2),
    "hypotheses": lambda: hypotheses.measure(n_neurons=3, n_concepts=20, n_runs=1),
    "pictures": lambda: pictures.measure(n_concepts=3, n_pictures=2, n_runs=1),
    "pipeline": lambda: pipeline.measure(n_images=60, n_pictures=2, n_runs=1),
    "growth": lambda: growth.measure(growth.Sizes(3, 100, 8, 10), n_runs=1),
    "atlas": lambda: atlas.measure(Sizes(12, 150, 40, pictures=2), n_runs=1),
    "dagster_cost": lambda: dagster_cost.measure(width=2),
    "kill": lambda: kill.measure(n_kills=3),
    "gpu": lambda: gpu.measure(gpu.Asked("cpu", 4, 2, is_tiny=True)),
}


@pytest.fixture
def at_once(monkeypatch):
    """What would run in a process of its own runs here: a new one takes seconds to start."""

    def run(function, *arguments):
        return fresh_process.Run(function(*arguments), 1)

    for module in (probe_pass, wide, hypotheses, pipeline, growth, atlas):
        monkeypatch.setattr(module, "in_fresh_process", run)


@pytest.fixture
def tiny_demos(monkeypatch):
    """The tests' tiny study in place of the shipped one; killing is what test_killing.py tests."""
    monkeypatch.setattr(pipeline, "shipped_study", lambda root, _: make_tiny_study(root).bench())
    monkeypatch.setattr(kill, "assert_nothing_is_half_written", lambda _: None)
    monkeypatch.setattr(kill, "assert_same_results", lambda *_: None)
    monkeypatch.setattr(kill, "DemoProcess", DemoThatEnds)


class DemoThatEnds:
    def __init__(self, _study, home):
        assert not home.exists()
        home.mkdir()

    def seconds(self):
        return 0.5

    def killed_after(self, seconds):
        return seconds > 0

    def finished(self):
        pass


@pytest.mark.usefixtures("at_once", "tiny_demos")
@pytest.mark.parametrize("part", TINY)
def test_a_part_measures_what_it_says(part):
    figures = list(TINY[part]())
    assert all(np.isfinite(figure.value) for figure in figures)
    assert len({figure.name for figure in figures}) == len(figures)
    counts = [figure for figure in figures if figure.goal == 0]
    assert [figure.verdict for figure in counts] == ["ok"] * len(counts)


def test_every_part_is_tried():
    assert {*TINY, "writers", "workers"} == {*PARTS, *ASKED_FOR, "gpu"}


@pytest.mark.cluster
def test_workers_draw_all_that_is_asked_for():
    """In processes of their own, and with servers."""
    seconds, _, n_twice = workers.measure((1,), 0.01, 4, ["-c", HURRIED_DAEMON])
    assert seconds.name == "1 worker: 24 pictures of 0.01 s"
    assert seconds.value > 0
    assert n_twice.value == 0


@pytest.mark.cluster
def test_writers_of_either_kind_lose_nothing():
    """In processes of their own, and with a server."""
    figures = list(writers.measure(n_processes=2, n_writes=3))
    counts = [figure for figure in figures if figure.goal == 0]
    assert [figure.verdict for figure in counts] == ["ok", "ok"]


@pytest.mark.parametrize(
    ("value", "goal", "verdict"),
    [(1.0, 1.0, "ok"), (1.01, 1.0, "MISS"), (np.nan, 1.0, "MISS"), (5.0, None, "")],
)
def test_a_figure_beyond_its_goal_is_a_miss(value, goal, verdict):
    figure = Figure("time", value, "s", goal)
    assert figure.verdict == verdict
    assert str(figure).endswith(f"≤ 1 s        {verdict}" if goal else "5 s")


def test_figures_of_a_part_take_the_place_of_its_former_ones(tmp_path):
    results = tmp_path / "results.json"
    keep("wide", [Figure("old", 1.0)], results)
    keep("growth", [Figure("memory", 2.5, "GiB", 2.0)], results)
    keep("wide", [Figure("new", 1234.0, "s")], results)
    assert table(results).splitlines()[2:] == [
        "| wide | new | 1,234 s |  |  |",
        "| growth | memory | 2.5 GiB | ≤ 2 GiB | MISS |",
    ]


def test_ways_are_measured_by_turns():
    seen = []
    ways = {name: lambda name=name: seen.append(name) or len(seen) for name in ("ours", "bare")}
    assert medians(ways, 2) == {"ours": [1, 3], "bare": [2, 4]}
    assert seen == ["ours", "bare", "ours", "bare"]
    assert ratio_of_medians([1, 9, 3], [2, 1, 7]) == 1.5


def test_work_in_a_fresh_process_has_a_memory_of_its_own():
    held = bytes(2**27)
    small, large = (fresh_process.in_fresh_process(len, content) for content in (b"", held))
    assert (small.result, large.result) == (0, 2**27)
    assert large.peak_bytes - small.peak_bytes >= 2**27
    assert fresh_process.peak_bytes() - small.peak_bytes >= 2**27
    assert fresh_process.in_fresh_process(os.getpid).result != os.getpid()


def test_what_fails_in_a_fresh_process_fails_here():
    with pytest.raises(ZeroDivisionError):
        fresh_process.in_fresh_process(divmod, 1, 0)


def test_a_model_that_works_within_a_model_counts_once(monkeypatch):
    now = iter(range(100))
    monkeypatch.setattr("benchmarks.pipeline.time.monotonic", lambda: float(next(now)))

    class Model:
        def outer(self):
            return self.inner()

        def inner(self):
            return "seen"

    clock, model = Clock(), Model()
    clock.watch(model)
    assert model.outer() == "seen"
    assert clock.seconds == 1
    assert model.inner() == "seen"
    assert clock.seconds == 2


def test_photos_are_the_same_again_and_differ_from_each_other(tmp_path):
    one, other = (make_photos(tmp_path / name, 3, size=(40, 30)) for name in ("one", "other"))
    contents = [path.read_bytes() for path in sorted(one.iterdir())]
    assert contents == [path.read_bytes() for path in sorted(other.iterdir())]
    assert len(set(contents)) == 3


def test_a_study_that_no_longer_says_what_is_replaced_is_refused(tmp_path):
    with pytest.raises(LookupError, match=r"^shipped_study: expected 'width = 7' in sieve.toml"):
        shipped_study(tmp_path, {"width = 7": "width = 8"})


def test_an_unknown_part_is_refused(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["benchmarks", "wibe"])
    with pytest.raises(SystemExit):
        main()
    assert "expected parts of probe_pass, wide" in capsys.readouterr().err


def test_without_a_gpu_the_gpus_benchmark_says_so(monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(SystemExit):
        gpu.main([])
    assert "expected a GPU for --device cuda, got none" in capsys.readouterr().err
