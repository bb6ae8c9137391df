"""The demo's time over the models' own time and Dagster's own events.

The models are loaded first, and not counted. Their own time is all during which one of them was at
work, in whatever thread: as `observe` and its like take pictures, cutting frames is part of it.
Dagster's own events are those of the same runs over assets that do nothing. The embedded world's
renderer, which stands where a user has files, is no model; what it takes is told besides.
"""

import contextlib
import functools
import inspect
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import dagster as dg
from joblib.externals.loky import get_reusable_executor

from benchmarks.dagster_cost import empty_job
from benchmarks.figures import Figure
from benchmarks.fresh_process import in_fresh_process
from benchmarks.studies import shipped_study
from sieve_assets.assets.conductor import QUIET, Conductor, legs, tags_of
from sieve_assets.assets.partitions import OF_A_MODEL
from sieve_assets.assets.pipeline import stages_of
from sieve_assets.assets.resources import Workbench
from sieve_assets.terrarium import oracle_scenes, probe

N_IMAGES, N_PICTURES, N_RUNS = 12_000, 24, 3
"""Probe scenes and pictures a hypothesis, as shipped."""


class Took(NamedTuple):
    """What a demo took (s)."""

    whole: float
    models: float
    models_and_renderer: float
    dagster: float
    saved_pct: float
    """Pictures that need not be drawn, since hypotheses share concepts."""


class Clock:
    """When models are at work."""

    def __init__(self) -> None:
        """Nothing was at work so far."""
        self._spans: list[tuple[float, float]] = []
        self._inside = threading.local()

    def watch(self, model: Any) -> None:
        """Note when a public method of a model runs."""
        for name, method in inspect.getmembers(type(model), inspect.isfunction):
            if not name.startswith("_"):
                setattr(model, name, functools.wraps(method)(self.timed(getattr(model, name))))

    def timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same, noting when it runs; what it calls in turn is noted with it."""

        def timed(*arguments: Any, **options: Any) -> Any:
            if getattr(self._inside, "is_model", False):
                return call(*arguments, **options)
            self._inside.is_model = True
            started = time.monotonic()
            try:
                return call(*arguments, **options)
            finally:
                self._spans.append((started, time.monotonic()))
                self._inside.is_model = False

        return timed

    @property
    def seconds(self) -> float:
        """For how long at least one model was at work (s)."""
        total, last = 0.0, 0.0
        for start, end in sorted(self._spans):
            total += max(end - max(start, last), 0.0)
            last = max(last, end)
        return total


def demo(changes: dict[str, str]) -> Took:
    """Run the shipped study with some of its text replaced, then its runs without work."""
    with tempfile.TemporaryDirectory(prefix="sieve-pipeline-") as root:
        bench = shipped_study(Path(root), changes)
        clock, with_renderer = Clock(), Clock()
        models = [bench.target(model) for model in sorted(bench.study.targets)]
        for model in (*models, bench.vision_language, bench.generator):
            clock.watch(model)
            with_renderer.watch(model)
        with rendering_noted(with_renderer), dg.DagsterInstance.local_temp(root) as instance:
            started = time.monotonic()
            failed = Conductor(bench, instance, lambda _heading, _is_up_to_date: None).run()
            whole = time.monotonic() - started
        if failed:
            raise RuntimeError(f"demo: expected every target to succeed, got {failed}. Mend that.")
        (Path(root) / "empty").mkdir()
        with dg.DagsterInstance.local_temp(str(Path(root) / "empty")) as instance:
            events = empty_seconds(bench, instance)
        get_reusable_executor().shutdown()  # or the processes that drew scenes stay for minutes
        return Took(whole, clock.seconds, with_renderer.seconds, events, saved_pct(bench))


@contextlib.contextmanager
def rendering_noted(clock: Clock) -> Iterator[None]:
    """Note when the world's scenes are drawn."""
    drawn = oracle_scenes.in_parts
    at_once = clock.timed(lambda *scenes, **options: list(drawn(*scenes, **options)))
    with (
        mock.patch.object(oracle_scenes, "in_parts", at_once),
        mock.patch.object(probe, "render_probe", clock.timed(probe.render_probe)),
    ):
        yield


def empty_seconds(bench: Workbench, instance: dg.DagsterInstance) -> float:
    """How long the demo's runs take when their assets do nothing (s)."""
    job = empty_job(bench, stages_of(bench.study))
    started = time.monotonic()
    for model in sorted(bench.study.targets):
        for leg in legs(bench.study):
            width = bench.study.targets[model].width
            neurons = range(width) if leg[0].is_by_neuron else [OF_A_MODEL]
            job.execute_in_process(
                instance=instance,
                asset_selection=[dg.AssetKey(stage.name) for stage in leg],
                tags=tags_of(leg, model, neurons, bench.study),
                run_config=QUIET,
            )
    return time.monotonic() - started


def saved_pct(bench: Workbench) -> float:
    """How many of the hypotheses' pictures need not be drawn (%)."""
    counts = bench.warehouse.read(
        "SELECT (SELECT count(*) FROM generated_image_sets) AS wanted,"
        " (SELECT count(*) FROM pictures) AS drawn"
    ).iloc[0]
    return 100 * (1 - float(counts["drawn"]) / float(counts["wanted"]))


def measure(
    n_images: int = N_IMAGES, n_pictures: int = N_PICTURES, n_runs: int = N_RUNS
) -> Iterator[Figure]:
    """Run it in processes of their own; figures with their goals."""
    changes = {
        "n_images = 12000": f"n_images = {n_images}",
        "n_images = 24": f"n_images = {n_pictures}",
    }
    runs = [in_fresh_process(demo, changes).result for _ in range(n_runs)]
    middle = Took(*(statistics.median(each) for each in zip(*runs, strict=True)))
    ratio = statistics.median(run.whole / (run.models + run.dagster) for run in runs)
    rest = statistics.median(run.whole / (run.models_and_renderer + run.dagster) for run in runs)
    yield Figure("demo: the whole pipeline", middle.whole, "s")
    yield Figure("demo: models at work", middle.models, "s")
    yield Figure("demo: models or the world's renderer at work", middle.models_and_renderer, "s")
    yield Figure("demo: the same runs of Dagster without work", middle.dagster, "s")
    yield Figure("demo: pipeline over models' time and Dagster's", ratio, "", 1.15)
    yield Figure("demo: the same with the renderer among the models", rest)
    yield Figure("demo: pictures saved, since hypotheses share concepts", middle.saved_pct, "%")
