"""A cluster of processes on this machine: servers, the web server, the daemon and workers.

Not here: what is run on it.
"""

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from celery import Celery
from celery.app.control import Inspect
from mirakuru import HTTPExecutor, SimpleExecutor, TCPExecutor
from s3fs import S3FileSystem

from sieve_assets.cluster import servers
from sieve_assets.cluster.launcher import ANSWER_S, AWAY
from sieve_assets.stores.addresses import LAKE, STORE, WAREHOUSE, WAREHOUSE_FILES

DEPLOY = Path(__file__).parents[2] / "deploy"
"""The configuration that a real cluster has."""
PROGRAMS = Path(sys.executable).parent
"""Where those are that were installed with this Python."""
LOCATION = "sieve_assets.definitions"
"""Module of the code location."""
DAEMON = ("-m", "dagster._daemon")
BROKER = "SIEVE_CELERY_BROKER"
BUCKET = "sieve"
LOADED_S = 300.0
"""How long the code location may take to load, or a run to end (s)."""
QUEUES = ("cpu", "gpu")
"""Every worker here serves both: one machine has no GPU a worker."""


@dataclass
class LocalCluster:
    """What runs.

    Attributes:
        folder: Of logs, and of everything that is not elsewhere.
        environment: What a process needs to be part of it.
        postgresql: Server of the tables' catalogue and of Dagster's records.
        redis: Server of the queues.
        storage: Server of pictures, arrays and rows.
        webserver_port: Where Dagster's web server listens.
        daemon: How Python is told to run Dagster's daemon.
        location: Module of the code location.
        workers: By name.
        dagster: Web server and daemon, by name.
    """

    folder: Path
    environment: Mapping[str, str]
    postgresql: TCPExecutor
    redis: TCPExecutor
    storage: HTTPExecutor
    webserver_port: int
    daemon: Sequence[str] = DAEMON
    location: str = LOCATION
    workers: dict[str, SimpleExecutor] = field(default_factory=dict)
    dagster: dict[str, SimpleExecutor] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Of the Dagster UI."""
        return f"http://{servers.HOST}:{self.webserver_port}"

    def start_worker(self, name: str) -> SimpleExecutor:
        """A worker that does one run at a time."""
        options = ["-A", "dagster_celery.app", "-y", str(DEPLOY / "celery.yaml"), "-n", name]
        command = [str(PROGRAMS / "dagster-celery"), "worker", "start", *options]
        command += ["-q", ",".join(QUEUES)]
        self.workers[name] = self._started(name, [*command, "--", "--concurrency=1"])
        return self.workers[name]

    def await_workers(self) -> None:
        """Wait until every worker says that it is there.

        Raises:
            ChildProcessError: One has ended.
            TimeoutError: They are not there in time.
        """
        asked = Celery(broker=self.environment[BROKER]).control.inspect(timeout=ANSWER_S)
        since = time.monotonic()
        while _n_answers(asked) < len(self.workers):
            self.refuse_ended()
            if time.monotonic() - since > LOADED_S:
                raise TimeoutError(
                    f"cluster: expected {len(self.workers)} workers within {LOADED_S:g} s. What "
                    f"they said is in {self.folder}."
                )

    def refuse_ended(self) -> None:
        """See that everything that was started still runs.

        Raises:
            ChildProcessError: A worker, the daemon or the web server has ended.
        """
        for name, one in {**self.workers, **self.dagster}.items():
            if not one.running():
                said = self.log_of(name).strip().splitlines()[-1:]
                raise ChildProcessError(
                    f"cluster: expected {name} to run, but it has ended ({''.join(said)}). What it "
                    f"said is in {self.folder / name}.log."
                )

    def kill_worker(self, name: str) -> None:
        """Kill a worker (-9) and all that it started."""
        self.workers.pop(name).kill()

    def start_daemon(self) -> None:
        """The daemon: it starts the runs of backfills, and looks after runs."""
        self.dagster["daemon"] = self._started(
            "daemon", [sys.executable, *self.daemon, "run", "-m", self.location]
        )

    def start_webserver(self) -> None:
        """The UI."""
        where = ["--host", servers.HOST, "--port", str(self.webserver_port)]
        command = [sys.executable, "-m", "dagster_webserver", "-m", self.location, *where]
        self.dagster["webserver"] = HTTPExecutor(
            command, f"{self.url}/server_info", **self._kept("webserver")
        ).start()

    def stop_dagster(self) -> None:
        """End daemon and web server; runs go on."""
        while self.dagster:
            self.dagster.popitem()[1].stop()

    def log_of(self, name: str) -> str:
        """What a process said."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def _started(self, name: str, command: Sequence[str]) -> SimpleExecutor:
        return SimpleExecutor(list(command), **self._kept(name)).start()

    def _kept(self, name: str) -> dict[str, Any]:
        """How a process is run: what it says is kept in a file."""
        return {
            "cwd": str(self.folder),
            "timeout": LOADED_S,
            "envvars": dict(self.environment),
            "stdin": subprocess.DEVNULL,
            "stdout": (self.folder / f"{name}.log").open("a"),
            "stderr": subprocess.STDOUT,
        }


@contextlib.contextmanager
def local_cluster(
    folder: Path,
    study_file: Path,
    *,
    n_workers: int,
    more: Mapping[str, str] | None = None,
    daemon: Sequence[str] = DAEMON,
    location: str = LOCATION,
) -> Iterator[LocalCluster]:
    """Start a cluster for a study; everything ends with it.

    Args:
        folder: For logs and for what is not in the servers; made.
        study_file: What is studied.
        n_workers: At least 1.
        more: Further variables of the environment.
        daemon: How Python is told to run Dagster's daemon.
        location: Module of the code location.

    Raises:
        LookupError: A server is not installed.
        ChildProcessError: A worker has ended by itself.
        TimeoutError: Workers are not there in time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ports = [servers.free_port() for _ in range(4)]
    database = servers.Database(ports[0], "sieve", secrets.token_hex())
    environment = {
        **database.environment,
        **servers.storage_environment(ports[2]),
        "DAGSTER_HOME": str(folder / "dagster_home"),
        "SIEVE_STUDY": str(study_file.absolute()),
        "SIEVE_DATA": str(folder / "data"),
        "SIEVE_DAGSTER_DATABASE": f"postgresql+psycopg2://{database.user}@{servers.HOST}"
        f":{database.port}/dagster",
        BROKER: f"redis://{servers.HOST}:{ports[1]}/0",
        "SIEVE_LOGS_BUCKET": BUCKET,
        # Dagster starts `celery` by its name, and this Python's environment need not be active.
        "PATH": os.pathsep.join([str(PROGRAMS), os.environ.get("PATH", os.defpath)]),
        WAREHOUSE: f"{LAKE}{servers.Database(database.port, database.user, '', 'lake').words}",
        WAREHOUSE_FILES: f"s3://{BUCKET}/rows",
        STORE: f"s3://{BUCKET}/store",
        **(more or {}),
    }
    (folder / "dagster_home").mkdir(exist_ok=True)
    shutil.copyfile(DEPLOY / "dagster.yaml", folder / "dagster_home" / "dagster.yaml")
    with contextlib.ExitStack() as running:
        own = Path(running.enter_context(TemporaryDirectory(prefix="sieve-postgresql-")))
        own.chmod(0o755)  # so that PostgreSQL's user can enter it
        postgresql = running.enter_context(servers.postgresql(own / "server", database))
        redis = running.enter_context(servers.redis(folder / "redis", ports[1]))
        storage = running.enter_context(servers.object_storage(folder / "s3", ports[2]))
        for name in ("dagster", "lake"):
            servers.created(database, name)
        running.enter_context(_in_environment(environment))
        servers.make_bucket(BUCKET)
        cluster = LocalCluster(
            folder, environment, postgresql, redis, storage, ports[3], daemon, location
        )
        running.callback(_stop, cluster)
        for at in range(n_workers):
            cluster.start_worker(f"worker{at}")
        cluster.start_daemon()
        cluster.start_webserver()
        cluster.await_workers()
        yield cluster


@contextlib.contextmanager
def _in_environment(more: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ |= more
    S3FileSystem.clear_instance_cache()  # those there are were made in another environment
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before
        S3FileSystem.clear_instance_cache()


def _n_answers(asked: Inspect) -> int:
    """How many workers answer; none while a broker that was restarted is not asked anew."""
    with contextlib.suppress(*AWAY):
        return len(asked.ping() or {})
    return 0


def _stop(cluster: LocalCluster) -> None:
    for process in (*cluster.dagster.values(), *cluster.workers.values()):
        process.kill(wait=True)
