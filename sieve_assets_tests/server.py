"""The real web server and daemon over a study, for tests.

Not here: what they are asked (see `dagster_client`), and a browser (see `ui/`).
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg

from sieve_assets_tests.dagster_client import LOCATION, DagsterClient, until
from sieve_assets_tests.studies import StudyRun

ROOT = Path(__file__).parents[1]
WORKSPACE = ["--workspace", str(ROOT / "workspace.yaml")]
WEB_SERVER = [sys.executable, "-m", "dagster_webserver", *WORKSPACE, "--host", "127.0.0.1"]
HURRIED_DAEMON = """
import dagster._daemon.controller as controller
controller.DEFAULT_DAEMON_INTERVAL_SECONDS = 1
from dagster._daemon.cli import main
main()
"""
"""Dagster's daemon looks after backfills every 30 s, and no setting says otherwise."""
DAEMON = [sys.executable, "-c", HURRIED_DAEMON, "run", *WORKSPACE]
HURRIED_QUEUE = "\nrun_queue:\n  dequeue_interval_seconds: 1\n"


@dataclass(frozen=True)
class Server(DagsterClient):
    """A web server and a daemon that run, and a client of theirs.

    Attributes:
        study: What they show.
        home: Dagster's folder; also of the two processes' logs.
        processes: The two, by name.
    """

    study: StudyRun
    home: Path
    processes: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Of the UI."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def surroundings(self) -> dict[str, str]:
        """The environment of the processes; also for commands on the same instance."""
        own = {
            "SIEVE_STUDY": str(self.study.file),
            "SIEVE_DATA": str(self.study.data),
            "DAGSTER_HOME": str(self.home),
            "HF_HUB_OFFLINE": "1",
            "PYTHONPATH": str(ROOT),
        }
        return os.environ | own

    def start(self) -> None:
        """Start both, each in a process group of its own."""
        self._start("webserver", [*WEB_SERVER, "--port", str(self.port)])
        self._start("daemon", DAEMON)

    def _start(self, name: str, command: Sequence[str]) -> None:
        with (self.home / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                command,
                cwd=self.home,
                env=self.surroundings,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop(self) -> None:
        """Kill both and all that they started, runs too."""
        for process in self.processes.values():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def said(self, name: str) -> str:
        """The end of a process's log."""
        return (self.home / f"{name}.log").read_text(errors="replace")[-4000:]

    def wait_until_up(self) -> None:
        """Wait until both run and the code location is loaded.

        Raises:
            AssertionError: A process ended, or the code location is wrong.
            TimeoutError: It took too long.
        """
        try:
            until(self._is_up, f"{LOCATION} to load")
        except TimeoutError as error:
            raise TimeoutError(
                f"{error}. The web server said:\n{self.said('webserver')}"
            ) from error

    def _is_up(self) -> bool:
        for name, process in self.processes.items():
            assert process.poll() is None, f"expected the {name} to run, got:\n{self.said(name)}"
        return self.is_loaded()


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def instance_settings(*, n_runs_at_once: int, more: str) -> str:
    """The settings that are shipped, with as many runs at once, a hurried queue, and more."""
    text = (ROOT / "sieve_assets" / "dagster.yaml").read_text()
    limits = re.compile(r"(max_concurrent_runs|default_limit): 1$", re.MULTILINE)
    text, n_found = limits.subn(rf"\1: {n_runs_at_once}", text)
    assert n_found, f"sieve_assets/dagster.yaml: expected a line like {limits.pattern}"
    return text + HURRIED_QUEUE + more


def make_databases(home: Path) -> None:
    """Make Dagster's SQLite files: two processes that make them at once get in each other's way."""
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for store in (instance.run_storage, instance.event_log_storage, instance.schedule_storage):
            assert store


@contextlib.contextmanager
def serving(
    study: StudyRun, home: Path, *, n_runs_at_once: int = 1, settings: str = ""
) -> Iterator[Server]:
    """Serve a study with the settings that are shipped, but in a hurry; nothing is left running.

    Args:
        study: Its code location is loaded when this begins.
        home: Folder for Dagster's own files; made.
        n_runs_at_once: How many runs may be at work.
        settings: More lines of dagster.yaml, of other keys than there are.
    """
    home.mkdir(parents=True, exist_ok=True)
    text = instance_settings(n_runs_at_once=n_runs_at_once, more=settings)
    (home / "dagster.yaml").write_text(text)
    make_databases(home)
    server = Server(free_port(), study, home)
    try:
        server.start()
        server.wait_until_up()
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def cut_short(folder: Path) -> Iterator[None]:
    """For a while, the weights in a model's folder are a piece of their file."""
    [weights] = folder.glob("*.safetensors")
    content = weights.read_bytes()
    weights.write_bytes(content[:1000])
    try:
        yield
    finally:
        weights.write_bytes(content)
