"""Runs as Celery tasks by Dagster's own launcher; what it does not look after is looked after here.

That there is a worker before a run is sent off, that a run goes to the queue of its pool, and that
a worker that was killed is noticed, so that Dagster resumes the run. Not here: what a run does.
"""

from collections import Counter
from typing import Any

import dagster as dg
from celery.app.control import Inspect
from dagster._core.errors import DagsterLaunchFailedError
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_QUEUE_TAG, DAGSTER_CELERY_TASK_ID_TAG
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

GPU_QUEUE, CPU_QUEUE = "gpu", "cpu"
"""Of runs with a step in Dagster's pool `gpu`, and of all others."""
ANSWER_S = 3.0
"""How long workers may take to answer (s)."""
N_SILENT = 3
"""Looks in a row that find a run with no worker, before it counts as lost."""
AWAY = (OperationalError, RedisError, OSError)
"""What a broker that does not answer makes of a question."""


class WatchingCeleryRunLauncher(CeleryRunLauncher):
    """Dagster's launcher of runs as Celery tasks, which also looks after the workers."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._n_missed: Counter[str] = Counter()

    def launch_run(self, context: LaunchRunContext) -> None:
        """Send a run to a worker of its queue.

        Raises:
            DagsterLaunchFailedError: There is no such worker, or the broker does not answer.
        """
        run = context.dagster_run
        queue = run.tags.get(DAGSTER_CELERY_QUEUE_TAG) or self._queue_of(run)
        self._require_worker(queue)
        tags = {DAGSTER_CELERY_QUEUE_TAG: queue}
        self._instance.add_run_tags(run.run_id, tags)
        super().launch_run(context._replace(dagster_run=run.with_tags({**run.tags, **tags})))

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether a worker has the run. While the broker is away it counts as running."""
        try:
            found = super().check_run_worker_health(run)
            if found.status in {WorkerStatus.SUCCESS, WorkerStatus.FAILED}:
                return found
            is_waiting = found.status == WorkerStatus.UNKNOWN
            is_missed = not is_waiting and not self._is_at_work(run)
        except AWAY:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "The broker does not answer.")
        task = run.tags[DAGSTER_CELERY_TASK_ID_TAG]
        self._n_missed[task] = self._n_missed[task] + 1 if is_missed else 0
        if self._n_missed[task] < N_SILENT:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        del self._n_missed[task]
        return CheckRunHealthResult(WorkerStatus.FAILED, "No worker has it: it was killed.")

    def _queue_of(self, run: dg.DagsterRun) -> str:
        plan = run.execution_plan_snapshot_id
        steps = self._instance.get_execution_plan_snapshot(plan).steps if plan else ()
        return GPU_QUEUE if any(step.pool == GPU_QUEUE for step in steps) else CPU_QUEUE

    def _require_worker(self, queue: str) -> None:
        try:
            served = self._inspect().active_queues() or {}
        except AWAY as error:  # not told: the broker's address may have a secret in it
            raise DagsterLaunchFailedError(
                f"Celery: expected the broker to answer, got {type(error).__name__}. "
                "Start Redis, or check $SIEVE_CELERY_BROKER."
            ) from None
        names = {one["name"] for queues in served.values() for one in queues}
        if queue not in names:
            raise DagsterLaunchFailedError(
                f"Celery: expected a worker of the queue {queue!r}, got workers of "
                f"{', '.join(sorted(names)) or 'none'}. Start one: deploy/README.md."
            )

    def _is_at_work(self, run: dg.DagsterRun) -> bool:
        task = run.tags[DAGSTER_CELERY_TASK_ID_TAG]
        active = self._inspect().active() or {}
        return any(one["id"] == task for tasks in active.values() for one in tasks)

    def _inspect(self) -> Inspect:
        return self.celery.control.inspect(timeout=ANSWER_S)
