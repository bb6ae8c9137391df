"""Servers on this machine: started, stopped, started again with what they had."""

import shutil
import urllib.request

import psycopg2
import pytest

from sieve_assets.cluster import servers

pytestmark = pytest.mark.cluster


def test_postgresql_keeps_its_rows_when_it_is_started_again(postgres, monkeypatch):
    server, database = postgres
    monkeypatch.setenv("PGPASSWORD", database.password)
    own = servers.created(database, "kept")
    connection = psycopg2.connect(own.words)
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE numbers AS SELECT 7 AS n")
    server.stop()
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(own.words)
    server.start()
    with psycopg2.connect(own.words) as again, again.cursor() as cursor:
        cursor.execute("SELECT n FROM numbers")
        assert cursor.fetchall() == [(7,)]


def test_postgresql_asks_for_the_password(postgres, monkeypatch):
    _, database = postgres
    monkeypatch.setenv("PGPASSWORD", "another")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(database.words)


def test_redis_keeps_what_it_is_given(tmp_path):
    import redis  # noqa: PLC0415 (a package of the same name as the function)

    server = servers.redis(tmp_path / "redis", servers.free_port())
    with server:
        redis.Redis(port=server.port).set("a", 1)
    with server:
        assert redis.Redis(port=server.port).get("a") == b"1"
    assert not server.running()


def test_object_storage_answers(tmp_path):
    port = servers.free_port()
    with servers.object_storage(tmp_path / "s3", port):
        assert urllib.request.urlopen(f"http://{servers.HOST}:{port}/").status == 200


@pytest.mark.parametrize(
    ("make", "package"),
    [
        (lambda folder: servers.redis(folder, 1), "redis-server"),
        (lambda folder: servers.postgresql(folder, servers.Database(1, "a", "b")), "postgresql"),
    ],
)
def test_a_missing_server_is_named_with_its_package(tmp_path, monkeypatch, make, package):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(servers, "_DEBIAN_FOLDERS", "/nowhere/*")
    with pytest.raises(LookupError, match=f"apt-get install {package}"):
        make(tmp_path / "server")
