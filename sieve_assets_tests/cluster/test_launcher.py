"""What is looked after before a run is sent off, and while a worker has it."""

import dagster as dg
import pytest
from dagster._core.errors import DagsterLaunchFailedError
from dagster._core.launcher import WorkerStatus
from dagster_celery.tags import DAGSTER_CELERY_QUEUE_TAG, DAGSTER_CELERY_TASK_ID_TAG

from sieve_assets.cluster import servers
from sieve_assets.cluster.launcher import N_SILENT, WatchingCeleryRunLauncher
from sieve_assets_tests.conftest import SECRET

pytestmark = pytest.mark.cluster


@dg.op(pool="gpu")
def draws():
    pass


@dg.op
def counts():
    pass


@dg.job
def drawing():
    draws()


@dg.job
def counting():
    counts()


@dg.job
def both():
    draws()
    counts()


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    """Address of a Redis that nobody listens to."""
    with servers.redis(tmp_path_factory.mktemp("redis"), servers.free_port()) as server:
        yield f"redis://{servers.HOST}:{server.port}/0"


@pytest.fixture
def instance(broker):
    with dg.DagsterInstance.ephemeral() as instance:
        instance._run_launcher = launcher_of(instance, broker)
        yield instance


def launcher_of(instance, broker):
    launcher = WatchingCeleryRunLauncher(default_queue="cpu", broker=broker, backend=broker)
    launcher.register_instance(instance)
    return launcher


def run_of(instance, job, **tags):
    return instance.create_run_for_job(
        job,
        tags=tags,
        remote_job_origin=None,
        status=dg.DagsterRunStatus.STARTED,
    )


@pytest.mark.parametrize(
    ("job", "queue"),
    [(drawing, "gpu"), (counting, "cpu"), (both, "gpu")],
    ids=["drawing", "counting", "both"],
)
def test_a_run_of_a_model_goes_to_the_gpus(instance, job, queue):
    assert instance.run_launcher._queue_of(run_of(instance, job)) == queue


@pytest.mark.parametrize("queue", ["gpu", "cpu"])
def test_without_a_worker_nothing_is_sent_off(instance, queue):
    with pytest.raises(
        DagsterLaunchFailedError, match=rf"expected a worker of the queue '{queue}', got .* none\."
    ):
        instance.run_launcher._require_worker(queue)


def test_a_broker_that_is_away_is_told_without_its_address(instance):
    away = f"redis://:{SECRET.replace('%', '%25')}@{servers.HOST}:{servers.free_port()}/0"
    with pytest.raises(DagsterLaunchFailedError, match="expected the broker to answer") as raised:
        launcher_of(instance, away)._require_worker("cpu")
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_run_that_no_worker_has_counts_as_lost_after_some_looks(instance, monkeypatch):
    task = {DAGSTER_CELERY_TASK_ID_TAG: "one", DAGSTER_CELERY_QUEUE_TAG: "cpu"}
    run, launcher = run_of(instance, counting, **task), instance.run_launcher
    launcher.celery.backend.store_result("one", None, "STARTED")

    found = [launcher.check_run_worker_health(run).status for _ in range(N_SILENT)]
    assert found == [*[WorkerStatus.RUNNING] * (N_SILENT - 1), WorkerStatus.FAILED]

    monkeypatch.setattr(type(launcher), "_is_at_work", lambda *_: True)
    found = {launcher.check_run_worker_health(run).status for _ in range(2 * N_SILENT)}
    assert found == {WorkerStatus.RUNNING}
