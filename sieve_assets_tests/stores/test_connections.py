import os
import re
import threading
import time

import duckdb
import pytest

from sieve_assets.stores import connections
from sieve_assets.stores.connections import (
    OtherSchemaError,
    WarehouseBusyError,
    open_warehouse,
    transaction,
)
from sieve_assets.stores.schema import schema_version, tables


def open_to_write(path, patience_s=30.0):
    return open_warehouse(path, is_read_only=False, patience_s=patience_s)


def open_to_read(path, patience_s=30.0):
    return open_warehouse(path, is_read_only=True, patience_s=patience_s)


def set_version(path, statement):
    with open_to_write(path) as connection:
        connection.execute(statement)


@pytest.mark.parametrize("open_it", [open_to_read, open_to_write])
def test_a_warehouse_is_made_with_all_tables_on_first_use(path, open_it):
    with open_it(path) as connection:
        names = connection.execute("SELECT table_name FROM information_schema.tables").fetchall()
    assert {name for (name,) in names} == set(tables())
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_processes_that_start_together_make_one_warehouse(path, start_process):
    code = """
import sys
from pathlib import Path
from sieve_assets.stores.connections import open_warehouse
print("ready", flush=True)
sys.stdin.readline()
with open_warehouse(Path(sys.argv[1]), is_read_only=False, patience_s=60) as connection:
    connection.execute("INSERT INTO probe_passes VALUES (?, 'p', 1, 'w', ['a'], 's')", sys.argv[2:])
"""
    processes = [start_process(code, path, name) for name in "abc"]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * 3
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
    with open_to_read(path) as connection:
        models = connection.execute("SELECT model FROM probe_passes ORDER BY model").fetchall()
    assert models == [("a",), ("b",), ("c",)]
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def refuse_link(_source, _target):
    raise PermissionError(1, "Operation not permitted")


@pytest.mark.parametrize("link", [os.link, refuse_link])
def test_a_warehouse_made_meanwhile_is_kept(path, monkeypatch, link):
    monkeypatch.setattr(os, "link", link)
    set_version(path, "COMMENT ON TABLE clusters IS 'the first'")
    connections._create(path)
    with open_to_read(path) as connection:
        found = connection.execute(
            "SELECT comment FROM duckdb_tables() WHERE table_name = 'clusters'"
        ).fetchall()
    assert found == [("the first",)]
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_file_system_without_hard_links_will_do(path, monkeypatch):
    monkeypatch.setattr(os, "link", refuse_link)
    with open_to_read(path) as connection:
        assert connection.execute("SELECT version FROM schema_version").fetchall()
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_making_one_that_is_interrupted_leaves_nothing(path, monkeypatch):
    def interrupt(_source, _target):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "link", interrupt)
    with pytest.raises(KeyboardInterrupt), open_to_read(path):
        pass
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("open_it", [open_to_read, open_to_write])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_it_is_closed_after_an_exception(path, open_it, error, is_free):
    def fail():
        with open_it(path):
            assert not is_free(path)
            raise error

    with pytest.raises(error) as caught:
        fail()
    assert is_free(path)
    assert caught.traceback  # keeps every frame alive: nothing was closed by collecting garbage


def test_it_is_closed_when_it_is_refused(path, is_free):
    set_version(path, "UPDATE schema_version SET version = 999")
    with pytest.raises(OtherSchemaError, match="schema version"), open_to_read(path):
        pass
    assert is_free(path)


def test_another_process_that_holds_the_file_is_waited_for(path, hold):
    with open_to_write(path):
        pass
    holder = hold(path)
    release = threading.Timer(0.7, lambda: (holder.stdin.write("\n"), holder.stdin.flush()))
    release.start()
    start = time.monotonic()
    with open_to_write(path):
        waited_s = time.monotonic() - start
    assert waited_s > 0.5
    assert holder.wait(timeout=60) == 0


@pytest.mark.parametrize("open_it", [open_to_read, open_to_write])
def test_patience_that_runs_out_names_the_file_and_who_holds_it(path, hold, open_it):
    with open_to_write(path):
        pass
    holder = hold(path)
    start = time.monotonic()
    holder_named = (
        rf"expected {re.escape(str(path))} to be free within 0\.3 s, got process {holder.pid} \("
    )
    with pytest.raises(WarehouseBusyError, match=holder_named) as caught, open_it(path, 0.3):
        pass
    assert 0.3 <= time.monotonic() - start < 10
    assert isinstance(caught.value.__cause__, duckdb.IOException)


def test_a_holder_that_is_not_told_is_another_process():
    assert connections._holder(duckdb.IOException("Could not set lock on file")) == (
        "another process"
    )


def test_readers_do_not_wait_for_each_other(path, start_process):
    with open_to_write(path):
        pass
    code = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
print("reading", flush=True)
sys.stdin.readline()
"""
    reader = start_process(code, path)
    assert reader.stdout.readline() == "reading\n"
    with open_to_read(path, 0.0) as connection:
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
    with pytest.raises(WarehouseBusyError), open_to_write(path, 0.0):
        pass


def test_threads_take_turns(path):
    found = []

    def count_up():
        with open_to_write(path) as connection:
            ((n_rows,),) = connection.execute("SELECT count(*) FROM probe_passes").fetchall()
            time.sleep(0.02)
            connection.execute(
                "INSERT INTO probe_passes VALUES (?, 'p', 1, 'w', ['a'], 's')", [str(n_rows)]
            )
        with open_to_read(path) as connection:
            found.extend(connection.execute("SELECT count(*) FROM probe_passes").fetchall())

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(found) == 4
    assert max(found) == (4,)


def test_a_connection_within_a_connection_is_refused_and_not_waited_for(path):
    with (
        open_to_write(path),
        pytest.raises(ValueError, match="different configuration"),
        open_to_read(path),
    ):
        pass


@pytest.mark.parametrize(
    ("version", "remedy"),
    [("version + 1", "Update sieve_assets"), ("version - 1", "Run `sieve migrate`")],
)
def test_a_file_of_another_version_is_refused(path, version, remedy):
    set_version(path, f"UPDATE schema_version SET version = {version}")  # noqa: S608 (ours)
    expected = rf"expected schema version {schema_version()} in {re.escape(str(path))}, got \d+\. "
    for open_it in (open_to_read, open_to_write):
        with pytest.raises(OtherSchemaError, match=expected + remedy), open_it(path):
            pass


def test_a_file_that_lost_its_version_is_refused(path):
    set_version(path, "DELETE FROM schema_version")
    with pytest.raises(OtherSchemaError, match=r"got None\. Move it away"), open_to_read(path):
        pass


def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "other.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE mine (x INTEGER)")
    before = path.read_bytes()
    with pytest.raises(ValueError, match="a database without schema_version"), open_to_write(path):
        pass
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"no database" * 1000])
def test_a_file_that_is_no_database_is_refused_at_once(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    start = time.monotonic()
    with (
        pytest.raises(ValueError, match=f"DuckDB file that can be opened at {path}, got .*valid"),
        open_to_write(path, 60.0),
    ):
        pass
    assert time.monotonic() - start < 30
    assert path.read_bytes() == content


def test_variables_of_the_program_are_not_tables(path):
    clusters_of_ours = tables()
    assert clusters_of_ours
    with open_to_read(path) as connection, pytest.raises(duckdb.CatalogException):
        connection.execute("SELECT * FROM clusters_of_ours")


INSERT = "INSERT INTO probe_passes VALUES ('m', 'p', 1, 'w', ['a'], 's')"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_transaction_that_fails_changes_nothing(path, error):
    def fail():
        with open_to_write(path) as connection, transaction(connection):
            connection.execute(INSERT)
            raise error

    with pytest.raises(error):
        fail()
    with open_to_read(path) as connection:
        assert connection.execute("SELECT * FROM probe_passes").fetchall() == []


def test_a_statement_that_fails_is_the_error_one_sees(path):
    def insert_twice():
        with open_to_write(path) as connection, transaction(connection):
            connection.execute(INSERT)
            connection.execute(INSERT)

    with pytest.raises(duckdb.ConstraintException):
        insert_twice()
    with open_to_read(path) as connection:
        assert connection.execute("SELECT * FROM probe_passes").fetchall() == []


def test_a_transaction_that_ends_is_kept(path):
    with open_to_write(path) as connection, transaction(connection):
        connection.execute(INSERT)
    with open_to_read(path) as connection:
        assert connection.execute("SELECT model FROM probe_passes").fetchall() == [("m",)]
