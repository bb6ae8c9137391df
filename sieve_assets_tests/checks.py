"""What the checks of a run said."""

from typing import Any

import dagster as dg


def failing_checks(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str, str], Any]:
    """Every check's failing partitions: evaluations by stage, check and partition.

    That of the whole run must fail just if there is one.
    """
    told = result.get_asset_check_evaluations()
    failing = {
        (one.asset_key.path[-1], one.check_name, one.partition): one
        for one in told
        if one.partition
    }
    assert not any(one.passed for one in failing.values())
    of_runs = {
        (one.asset_key.path[-1], one.check_name)
        for one in told
        if not (one.partition or one.passed)
    }
    assert of_runs == {key[:2] for key in failing}
    return failing
