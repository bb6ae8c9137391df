"""PostgreSQL, Redis and an S3 server as processes of this machine, on ports of their own.

They listen on the loopback alone and end with whoever started them. Not here: who uses them.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg2
from mirakuru import HTTPExecutor, TCPExecutor
from psycopg2 import sql
from upath import UPath

HOST = "127.0.0.1"
READY_S = 60.0
"""How long a server may take to start, or to stop (s)."""
MOST_CONNECTIONS = 300
"""To PostgreSQL: every process of Dagster and every writer has some."""
_DEBIAN_FOLDERS = "/usr/lib/postgresql/*/bin"


@dataclass(frozen=True)
class Database:
    """A PostgreSQL database.

    Attributes:
        port: On `HOST`.
        user: The server's superuser.
        password: The user's.
        name: One that every server has is called `postgres`.
    """

    port: int
    user: str
    password: str
    name: str = "postgres"

    @property
    def words(self) -> str:
        """How libpq calls it, without the password."""
        return f"dbname={self.name} host={HOST} port={self.port} user={self.user}"

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process needs to be let in."""
        return {"PGPASSWORD": self.password}


def postgresql(folder: Path, database: Database) -> TCPExecutor:
    """A PostgreSQL server, not yet started, whose data are made in a folder if need be.

    Raises:
        LookupError: It is not installed.
    """
    programs = _postgresql_programs()
    as_whom = _unprivileged(folder)
    if not (folder / "data" / "PG_VERSION").exists():
        _init(programs, folder, database, as_whom)
    settings = {
        "listen_addresses": HOST,
        "port": database.port,
        "unix_socket_directories": folder,
        "max_connections": MOST_CONNECTIONS,
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return TCPExecutor(
        [str(programs / "postgres"), "-D", str(folder / "data"), *options],
        HOST,
        database.port,
        stop_signal=signal.SIGINT,  # does not wait for those who are connected
        expected_returncode=0,
        **_kept(folder / "postgresql.log", as_whom),
    )


def created(beside: Database, name: str) -> Database:
    """A new database of a server that runs."""
    made = replace(beside, name=name)
    with contextlib.closing(psycopg2.connect(beside.words, password=beside.password)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return made


def redis(folder: Path, port: int) -> TCPExecutor:
    """A Redis server, not yet started, that keeps in a folder what it is given.

    Raises:
        LookupError: It is not installed.
    """
    program = _program("redis-server", "redis-server")
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"bind": HOST, "port": port, "dir": folder, "appendonly": "yes"}
    options = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
    return TCPExecutor(
        [program, *options], HOST, port, expected_returncode=0, **_kept(folder / "redis.log")
    )


def object_storage(folder: Path, port: int) -> HTTPExecutor:
    """A server that speaks S3 (moto), not yet started; what it is given is gone when it ends.

    Raises:
        LookupError: It is not installed.
    """
    program = Path(sys.executable).with_name("moto_server")
    if not program.exists():
        raise LookupError(
            f"object_storage: expected moto's server at {program}, got no file. "
            "Install sieve_assets[cluster-demo]."
        )
    folder.mkdir(parents=True, exist_ok=True)
    return HTTPExecutor(
        [str(program), "-H", HOST, "-p", str(port)],
        f"http://{HOST}:{port}/moto-api/",
        **_kept(folder / "s3.log"),
    )


def storage_environment(port: int) -> Mapping[str, str]:
    """What a process needs to reach `object_storage` by addresses like s3://bucket."""
    return {
        "AWS_ENDPOINT_URL": f"http://{HOST}:{port}",
        "AWS_ACCESS_KEY_ID": "sieve",
        "AWS_SECRET_ACCESS_KEY": secrets.token_hex(),
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def make_bucket(name: str) -> str:
    """Make an empty bucket in the storage that the environment leads to; its address."""
    made = UPath(f"s3://{name}")
    made.fs.mkdir(name)
    return str(made).rstrip("/")


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        return taken.getsockname()[1]


def _init(programs: Path, folder: Path, database: Database, as_whom: Mapping[str, Any]) -> None:
    """PostgreSQL's files, with the database's user."""
    secret = folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(database.password)
    if as_whom:
        shutil.chown(secret, as_whom["user"])
    # The disk is not waited for: what is made here can be made again.
    where = ["-D", folder / "data", "-N", "-E", "UTF8"]
    who = ["-U", database.user, "-A", "scram-sha-256", "--pwfile", secret]
    subprocess.run(  # noqa: S603 (a command of our own)
        [programs / "initdb", *where, *who],
        check=True,
        capture_output=True,
        cwd=folder,
        **as_whom,
    )
    secret.unlink()


def _postgresql_programs() -> Path:
    found = shutil.which("postgres")
    folders = [Path(found).parent] if found else sorted(Path("/").glob(_DEBIAN_FOLDERS[1:]))
    if not folders:
        raise LookupError(_missing("PostgreSQL's server", "postgresql"))
    return folders[-1]


def _program(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise LookupError(_missing(name, package))
    return found


def _missing(what: str, package: str) -> str:
    return (
        f"servers: expected {what}, got none on $PATH. "
        f"Install it, in Debian with `apt-get install {package}`."
    )


def _unprivileged(folder: Path) -> Mapping[str, Any]:
    """Who runs PostgreSQL, which refuses to be run by root; the folder is made for them."""
    folder.mkdir(parents=True, exist_ok=True)
    if os.getuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    shutil.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _kept(log: Path, as_whom: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """How a server is run: what it says is kept in a file."""
    return {
        "timeout": READY_S,
        "stdin": subprocess.DEVNULL,
        "stdout": log.open("a"),
        "stderr": subprocess.STDOUT,
        "popen_kwargs": dict(as_whom or {}),
    }
