"""A DuckLake: many writers, none lost and none doubled, and servers that go away for a while."""

import json
import signal
import threading
import time

import duckdb
import pandas as pd
import psycopg2
import pytest

from sieve_assets.stores import lake as lakes
from sieve_assets.stores.connections import LakeLostError, OtherSchemaError, WarehouseBusyError
from sieve_assets.stores.lake import DuckLake
from sieve_assets.stores.schema import tables
from sieve_assets.stores.warehouse import Replacement, Warehouse
from sieve_assets_tests.conftest import SECRET
from sieve_assets_tests.stores.conftest import ROOT

pytestmark = pytest.mark.cluster


def rows(neuron=0, name="a", n=3):
    ranked = pd.DataFrame({"rank": range(n), "image_id": [f"{name}{at}" for at in range(n)]})
    return ranked.assign(model="m", neuron=neuron, activation=1.0)


def replacing(some):
    return Replacement("selected_samples", some, some.filter(["model", "neuron"]))


def n_rows(warehouse):
    return int(warehouse.read("SELECT count(*) AS n FROM selected_samples")["n"][0])


def test_it_has_the_tables_and_views_with_what_they_mean(lake):
    columns = Warehouse(lake).read(
        "SELECT table_name, column_name, data_type, comment FROM duckdb_columns()"
        " WHERE database_name = 'lake'"
    )
    found = {
        name: dict(zip(of_it["column_name"], of_it["data_type"], strict=True))
        for name, of_it in columns.groupby("table_name")
    }
    assert found == {name: dict(table.kinds) for name, table in tables().items()}
    told = columns[columns["comment"].notna()].groupby("table_name").size().to_dict()
    assert set(told) == {name for name, table in tables().items() if table.key}  # not of views


def test_to_ask_whether_it_exists_does_not_make_it(lake):
    assert not lake.exists()
    assert not lake.exists()
    Warehouse(lake).read("SELECT 1")
    assert lake.exists()


def test_a_condition_of_the_schema_is_held(lake):
    checked = next(table for table in tables().values() if table.checks and table.key)
    assert checked.checks
    images = pd.DataFrame({"image_id": ["a", "b"], "position": 0, "probe": "p", "uri": "u"})
    images = images.assign(label="l", sha256="s", width_px=1, height_px=1, is_held_out=False)
    scope = images.filter(["probe"])
    with pytest.raises(ValueError, match="which is twice there by probe, position"):
        Warehouse(lake).replace(Replacement("probe_images", images, scope))
    assert len(Warehouse(lake).read("FROM probe_images")) == 0


def test_another_version_is_refused(lake):
    warehouse = Warehouse(lake)
    lake.write(lambda connection: connection.execute("UPDATE schema_version SET version = 1"))
    with pytest.raises(OtherSchemaError, match=r"expected schema version .* Run `sieve migrate`"):
        warehouse.read("SELECT 1")


def test_a_lake_of_somebody_else_is_refused_and_left_alone(lake):
    connection = duckdb.connect()
    for extension in ("postgres_scanner", "ducklake"):
        lakes.load_extension(connection, extension)
    connection.execute(
        f"ATTACH 'ducklake:postgres:{lake.catalogue}' AS theirs (DATA_PATH '{lake.files}')"
    )
    connection.execute("CREATE TABLE theirs.guests AS SELECT 1 AS n")
    connection.close()
    with pytest.raises(ValueError, match="got a database without schema_version"):
        Warehouse(lake).read("SELECT 1")
    found = lakes._opened(lake).execute("SELECT table_name FROM duckdb_tables()").fetchall()
    assert ("guests",) in found
    assert ("pictures",) not in found


WRITE = """
import json, sys
import pandas as pd
from sieve_assets.stores.lake import DuckLake
from sieve_assets.stores.warehouse import Replacement, Warehouse
catalogue, files, patience_s, first, last = json.loads(sys.argv[1])
warehouse = Warehouse(DuckLake(catalogue, files, patience_s))
warehouse.read("SELECT 1")
print("ready", flush=True)
sys.stdin.readline()
for neuron in range(first, last):
    scope = pd.DataFrame({"model": ["m"], "neuron": [neuron]})
    new = scope.assign(rank=0, image_id=str(neuron), activation=1.0)
    warehouse.replace(Replacement("selected_samples", new, scope))
    print(neuron, flush=True)
"""


def writer(start_process, lake, first, last):
    told = json.dumps([lake.catalogue, lake.files, lake.patience_s, first, last])
    process = start_process(WRITE, told)
    assert process.stdout.readline() == "ready\n", process.stderr.read()
    return process


def test_processes_that_write_at_once_lose_and_double_nothing(lake, start_process):
    writers = [writer(start_process, lake, 5 * at, 5 * at + 10) for at in range(4)]
    for process in writers:  # each but the outer ones writes what its neighbours write, too
        process.stdin.write("\n")
        process.stdin.flush()
    for process in writers:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    found = Warehouse(lake).read("SELECT neuron FROM selected_samples ORDER BY neuron")
    assert found["neuron"].tolist() == list(range(25))


def test_a_writer_that_is_killed_leaves_all_or_nothing_and_its_turn(lake, start_process):
    process = writer(start_process, lake, 0, 1000)
    process.stdin.write("\n")
    process.stdin.flush()
    for _ in range(3):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    warehouse = Warehouse(lake)
    found = warehouse.read("SELECT neuron FROM selected_samples ORDER BY neuron")["neuron"]
    assert found.tolist() == list(range(len(found)))
    assert len(found) >= 3
    warehouse.replace(replacing(rows(neuron=5000, n=1)))
    assert n_rows(warehouse) == len(found) + 1


def test_a_turn_that_does_not_come_is_told(lake):
    warehouse = Warehouse(lake)
    warehouse.replace(replacing(rows()))
    impatient = Warehouse(DuckLake(lake.catalogue, lake.files, 0.2))
    with (
        lake.turn(),
        pytest.raises(WarehouseBusyError, match=r"a turn to write .* 0\.2 s"),
    ):
        impatient.replace(replacing(rows()))


def test_two_threads_read_and_write_at_once(lake):
    warehouse = Warehouse(lake)
    warehouse.replace(replacing(rows()))
    seen, stop = [], threading.Event()

    def read():
        while not stop.is_set():
            seen.append(n_rows(warehouse))

    reader = threading.Thread(target=read)
    reader.start()
    for n in (6, 3, 6, 3):
        warehouse.replace(replacing(rows(n=n)))
    stop.set()
    reader.join(timeout=60)
    assert set(seen) <= {3, 6}


@pytest.mark.parametrize("is_reading", [True, False])
def test_a_restart_of_postgresql_is_waited_for(lake, postgres, is_reading):
    server, _ = postgres
    warehouse = Warehouse(lake)
    warehouse.replace(replacing(rows()))
    server.stop()
    back = threading.Timer(3.0, server.start)
    back.start()
    try:
        if not is_reading:
            warehouse.replace(replacing(rows(name="b")))
        assert n_rows(warehouse) == 3
    finally:
        back.join()


def test_a_server_that_stays_away_is_told_without_a_secret(lake, postgres):
    server, _ = postgres
    impatient = Warehouse(DuckLake(lake.catalogue, lake.files, 0.5))
    impatient.read("SELECT 1")
    server.stop()
    try:
        began = time.monotonic()
        with pytest.raises(LakeLostError, match=r"an answer from ducklake:.* 0\.5 s") as lost:
            impatient.read("SELECT 1")
        assert SECRET not in str(lost.value) + repr(lost.value.__cause__)
        assert time.monotonic() - began < 20
    finally:
        server.start()


def test_a_wrong_password_is_told_without_it(lake, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "wrong-secret")
    with pytest.raises(LakeLostError, match="password authentication failed") as lost:
        Warehouse(DuckLake(lake.catalogue, lake.files, 0.1)).read("SELECT 1")
    assert "wrong-secret" not in str(lost.value) + repr(lost.value.__cause__)


def test_a_folder_of_files_that_cannot_be_written_is_told(lake, tmp_path):
    (tmp_path / "file").touch()
    at = DuckLake(lake.catalogue, str(tmp_path / "file" / "below"), 0.5)
    with pytest.raises((LakeLostError, ValueError)):
        Warehouse(at).replace(replacing(rows(n=500)))


def test_the_password_is_in_no_file_and_no_row(lake):
    warehouse = Warehouse(lake)
    warehouse.replace(replacing(rows(n=500)))
    files = [file for file in (ROOT / lake.files).rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if SECRET.encode() in file.read_bytes()]
    connection = psycopg2.connect(lake.catalogue)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT key, value FROM ducklake_metadata")
        assert SECRET not in repr(cursor.fetchall())
    connection.close()
