"""Runs on Celery workers: the same results, whatever is killed or restarted meanwhile.

Without any of that: test_cluster_command.
"""

import os
import signal
import threading
import time

import pytest

from sieve_assets.assets.pipeline import stages_of
from sieve_assets.cluster.backfills import Backfills, Range
from sieve_assets.cluster.local import local_cluster
from sieve_assets.stores.addresses import STORE, WAREHOUSE, WAREHOUSE_FILES
from sieve_assets.stores.schema import tables
from sieve_assets_tests.dagster_client import GOOD, DagsterClient, until
from sieve_assets_tests.killing import assert_nothing_is_half_written, assert_same_results
from sieve_assets_tests.server import HURRIED_DAEMON
from sieve_assets_tests.studies import BY_NEURON, FIRST, StudyRun

pytestmark = pytest.mark.cluster
N_WORKERS = 4
AWAY_S = 20.0
PICTURES = {"n_images = 3": "n_images = 8"}
"""So many that drawing them takes a while, one by one."""
AFTER_VERDICTS = ("revised_names", "verdict_controls", "neuron_atlas", "target_report")
DRAWN = "SELECT count(*) AS n FROM pictures"


@pytest.fixture(scope="module")
def expected(finished, without_vit, tmp_path_factory):
    """The study of one target with more pictures, run in this process up to verdicts."""
    study = finished.anew(tmp_path_factory.mktemp("expected"), PICTURES | without_vit)
    for leg in (FIRST, BY_NEURON, ("verified_concepts", "verdicts")):
        study.of_model("cnn", *leg, batch_size=1)
    return study


@pytest.fixture(scope="module")
def cluster(expected, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    with local_cluster(
        folder,
        expected.file,
        n_workers=N_WORKERS,
        more={"SIEVE_BATCH_SIZE": "1"},
        daemon=["-c", HURRIED_DAEMON],
    ) as cluster:
        until(DagsterClient(cluster.webserver_port).is_loaded, "the code location to load")
        yield cluster


@pytest.fixture
def client(cluster):
    return DagsterClient(cluster.webserver_port)


@pytest.fixture
def study(cluster, expected):
    """The study whose results are in the cluster; without any, whatever was there before."""
    addresses = {
        "warehouse_address": cluster.environment[WAREHOUSE],
        "warehouse_files": cluster.environment[WAREHOUSE_FILES],
        "store_address": cluster.environment[STORE],
    }
    study = StudyRun(expected.file, cluster.folder / "data", addresses)
    names = [name for name, table in tables().items() if table.key and name != "schema_version"]

    def clear(connection):
        for name in names:
            connection.execute(f"DELETE FROM {name}")  # noqa: S608 (names of the schema)

    study.bench().warehouse.at.write(clear)
    for number in range(N_WORKERS):
        if f"worker{number}" not in cluster.workers:
            cluster.start_worker(f"worker{number}")
    cluster.await_workers()
    return study


def launched(client, study):
    """A backfill of everything up to verdicts."""
    targets = study.bench().study.targets
    of_neurons = [f"{m}|{n:04d}" for m, one in targets.items() for n in range(one.width)]
    return client.backfill(
        {
            stage.name: of_neurons if stage.is_by_neuron else list(targets)
            for stage in stages_of(study.bench().study)
            if stage.name not in AFTER_VERDICTS
        }
    )


def n_drawn(study):
    return int(study.bench().warehouse.read(DRAWN)["n"][0])


def wait_until_drawing(study):
    """Until some of the pictures are there, and others are not."""
    until(lambda: n_drawn(study) > 4, "some pictures to be drawn", seconds=600)


def assert_ended_well(client, backfill, study, expected):

    def ended_now():
        try:
            state = client.backfill_state(backfill)
        except AssertionError as error:
            if "OperationalError" in str(error):  # its connection was cut: it makes another
                return None
            raise
        return state if state.has_ended else None

    ended = until(ended_now, f"backfill {backfill} to end", seconds=900)
    retried = {run["runId"] for run in ended.runs if run["status"] != "SUCCESS"}
    assert ended.status in GOOD or retried, ended
    assert_same_results(study, expected, without=AFTER_VERDICTS)
    assert_nothing_is_half_written(study)


def drawn_twice(study):
    work = study.table("image_work", work="drawn")["n_images"].sum()
    return work - n_drawn(study)


def test_a_killed_workers_run_goes_on_elsewhere(cluster, client, study, expected):
    backfill = launched(client, study)
    wait_until_drawing(study)
    for number in range(N_WORKERS - 1):
        cluster.kill_worker(f"worker{number}")
    assert_ended_well(client, backfill, study, expected)
    assert drawn_twice(study) <= N_WORKERS - 1


@pytest.mark.parametrize("server", ["postgresql", "redis"])
def test_a_server_may_be_restarted(cluster, client, study, expected, server):
    backfill = launched(client, study)
    wait_until_drawing(study)
    getattr(cluster, server).stop()
    getattr(cluster, server).start()
    assert_ended_well(client, backfill, study, expected)


def test_object_storage_may_be_away_for_a_while(cluster, client, study, expected):
    backfill = launched(client, study)
    wait_until_drawing(study)
    group = cluster.storage.process.pid
    os.killpg(group, signal.SIGSTOP)
    back = threading.Timer(AWAY_S, os.killpg, (group, signal.SIGCONT))
    back.start()
    assert_ended_well(client, backfill, study, expected)
    back.join()


def test_daemon_and_web_server_may_be_restarted(cluster, client, study, expected):
    backfill = launched(client, study)
    wait_until_drawing(study)
    cluster.stop_dagster()
    time.sleep(2.0)
    cluster.start_daemon()
    cluster.start_webserver()
    until(client.is_loaded, "the web server to be back")
    assert_ended_well(client, backfill, study, expected)


def test_a_failed_run_says_why(cluster, study):
    backfills = Backfills(cluster.url)
    backfill = backfills.launch({"verdicts": [Range("cnn", "cnn")]})
    until(lambda: backfills.state(backfill).has_ended, "the backfill to end")
    assert not backfills.state(backfill).is_good
    [reason] = backfills.failures(backfill)
    assert reason.startswith("verdicts: LookupError: verdicts: expected evidence of cnn"), reason
    assert not study.table("verdicts").size


def test_a_worker_that_ends_by_itself_is_told(cluster):
    ended = cluster._started("worker9", ["sh", "-c", "echo no such queue"])
    cluster.refuse_ended()
    cluster.workers["worker9"] = ended
    until(lambda: not ended.running(), "it to end")
    with pytest.raises(ChildProcessError, match=r"worker9 to run, .* ended \(no such queue\)"):
        cluster.await_workers()
    del cluster.workers["worker9"]
