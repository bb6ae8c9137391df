"""A cluster of processes on this machine: servers, the web server, the daemon and workers.

Not here: what is run on it.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mirakuru import HTTPExecutor, SimpleExecutor, TCPExecutor
from s3fs import S3FileSystem

from sieve_assets.cluster import servers
from sieve_assets.stores.addresses import LAKE, STORE, WAREHOUSE, WAREHOUSE_FILES

DEPLOY = Path(__file__).parents[2] / "deploy"
"""The configuration that a real cluster has."""
LOCATION = "sieve_assets.definitions"
"""Module of the code location."""
DAEMON = ("-m", "dagster._daemon")
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
        command = [*_program("dagster-celery"), "worker", "start", *options, "-q", ",".join(QUEUES)]
        self.workers[name] = self._started(name, [*command, "--", "--concurrency=1"])
        return self.workers[name]

    def kill_worker(self, name: str) -> None:
        """Kill a worker (-9) and all that it started."""
        if process := self.workers.pop(name).process:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

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
        "SIEVE_CELERY_BROKER": f"redis://{servers.HOST}:{ports[1]}/0",
        "SIEVE_LOGS_BUCKET": BUCKET,
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


def _stop(cluster: LocalCluster) -> None:
    for process in (*cluster.dagster.values(), *cluster.workers.values()):
        process.kill(wait=True)


def _program(name: str) -> list[str]:
    return [str(Path(sys.executable).with_name(name))]
