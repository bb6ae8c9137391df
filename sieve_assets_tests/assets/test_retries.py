"""What is tried again by itself, and what is not."""

import importlib
import itertools

import dagster as dg
import pytest

from sieve_assets.assets import select, stages
from sieve_assets.assets.retries import (
    MOST_RETRIES,
    WAIT_S,
    InputsReplacedError,
    may_pass,
    retrying_what_may_pass,
)
from sieve_assets.stores.connections import WarehouseBusyError
from sieve_assets_tests.studies import QUIET

PASSING = [
    WarehouseBusyError("held"),
    InputsReplacedError("replaced"),
    ConnectionError("reset"),
    ConnectionRefusedError("refused"),
]
LASTING = [
    ValueError("expected a number"),
    LookupError("Materialize clusters first"),
    FileNotFoundError("no such file"),
    PermissionError("read-only"),
    TimeoutError("a deadline of our own"),
    MemoryError(),
    type("ConnectError", (Exception,), {"__module__": "sieve_assets.models"})("a name is not all"),
    type("ConnectError", (Exception,), {"__module__": "nothttpx"})("nor the start of a library"),
]
OF_THE_NETWORK = [
    "httpx.ConnectError",
    "httpx.ConnectTimeout",
    "httpx.ReadTimeout",
    "httpx.RemoteProtocolError",
    "httpx.ProxyError",
    "httpx.ReadError",
    "httpx.WriteError",
    "requests.exceptions.ConnectionError",
    "requests.exceptions.ReadTimeout",
    "requests.exceptions.ProxyError",
    "urllib3.exceptions.ProtocolError",
    "urllib3.exceptions.NewConnectionError",
    "urllib3.exceptions.MaxRetryError",
    "requests.exceptions.ChunkedEncodingError",
]
NOT_OF_THE_NETWORK = [
    "httpx.InvalidURL",
    "httpx.HTTPStatusError",
    "httpx.UnsupportedProtocol",
    "requests.exceptions.InvalidProxyURL",
    "httpx.TooManyRedirects",
    "requests.exceptions.HTTPError",
    "requests.exceptions.MissingSchema",
    "urllib3.exceptions.LocationParseError",
]


def error_of(name):
    """An error of a library, by the name it is imported by; not all of them take a text alone."""
    module, _, cls = name.rpartition(".")
    kind = getattr(importlib.import_module(module), cls)
    return kind.__new__(kind)


def caused_by(*errors):
    """The first of the errors, each raised from the next."""
    for error, cause in itertools.pairwise(errors):
        error.__cause__ = cause
    return errors[0]


def raised_inside(error):
    with pytest.raises(Exception) as found, retrying_what_may_pass():  # noqa: PT011 (which one is asked)
        raise error
    return found.value


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_what_may_pass_asks_for_another_try_in_a_while(error):
    asked = raised_inside(error)

    assert isinstance(asked, dg.RetryRequested)
    assert (asked.max_retries, asked.seconds_to_wait) == (MOST_RETRIES, WAIT_S)
    assert asked.__cause__ is error


@pytest.mark.parametrize("error", LASTING, ids=lambda error: type(error).__name__)
def test_what_would_be_wrong_again_is_raised_itself(error):
    assert raised_inside(error) is error


@pytest.mark.parametrize("name", OF_THE_NETWORK)
def test_a_network_that_did_not_answer_may_pass(name):
    assert may_pass(error_of(name))


@pytest.mark.parametrize("name", NOT_OF_THE_NETWORK)
def test_what_is_wrong_with_a_request_does_not_pass(name):
    assert not may_pass(error_of(name))


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_a_cause_that_may_pass_counts_however_deep_it_lies(depth):
    around = [OSError(f"loading, step {at}") for at in range(depth)]

    assert may_pass(caused_by(*around, WarehouseBusyError("held")))
    assert not may_pass(caused_by(*around, ValueError("wrong")))


def test_what_was_being_handled_when_something_else_went_wrong_is_no_cause():
    error = ValueError("wrong")
    error.__context__ = WarehouseBusyError("held")

    assert not may_pass(error)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_being_stopped_is_no_reason_to_try_again(stop):
    with pytest.raises(stop), retrying_what_may_pass():
        raise stop


def test_what_goes_well_is_left_alone():
    with retrying_what_may_pass():
        done = True

    assert done


def run_with(study, monkeypatch, *errors):
    """A stage whose first tries end in these errors: how often it was tried, and the run."""
    tries, pending = [], list(errors)
    original = select.read_activations

    def sometimes(*inputs):
        tries.append(inputs)
        if pending:
            raise pending.pop(0)
        return original(*inputs)

    monkeypatch.setattr(select, "read_activations", sometimes)
    monkeypatch.setattr("sieve_assets.assets.retries.WAIT_S", 0)
    study.forget("cnn", "neuron_ratios")
    result = study.of_model("cnn", "neuron_ratios", raise_on_error=False)
    return len(tries), result


def retries_of(result):
    return sum(event.is_step_up_for_retry for event in result.all_events)


def test_a_step_that_finds_the_warehouse_busy_once_succeeds_at_its_second_try(copied, monkeypatch):
    tries, result = run_with(copied, monkeypatch, WarehouseBusyError("held"))

    assert (tries, retries_of(result), result.success) == (2, 1, True)
    assert set(copied.table("provenance", stage="neuron_ratios", model="cnn")["run_id"]) == {
        result.run_id
    }


def test_a_step_that_stays_busy_gives_up(copied, monkeypatch):
    held = [WarehouseBusyError("held")] * (MOST_RETRIES + 5)

    tries, result = run_with(copied, monkeypatch, *held)

    assert (tries, retries_of(result)) == (MOST_RETRIES + 1, MOST_RETRIES)
    assert not result.success
    assert copied.table("provenance", stage="neuron_ratios", model="cnn").empty


def test_a_step_with_a_wrong_value_runs_once(copied, monkeypatch):
    tries, result = run_with(copied, monkeypatch, ValueError("expected a number"))

    assert (tries, retries_of(result), result.success) == (1, 0, False)
    assert "expected a number" in result.failure_data_for_node("neuron_ratios").error.to_string()


@pytest.mark.parametrize("by", ["model", "neuron"])
def test_every_stage_is_tried_again(finished, monkeypatch, by):
    """By the way that stages become assets, so none can forget it."""
    calls = []

    def whiskers(context: dg.AssetExecutionContext, _bench) -> None:
        calls.append(context.retry_number)
        if len(calls) == 1:
            raise ConnectionError("reset")

    monkeypatch.setattr("sieve_assets.assets.retries.WAIT_S", 0)
    made = stages.stage(group="faces", by=by, recipe=stages.without_settings, table="probe_images")
    job = dg.Definitions(
        assets=[made(whiskers).asset(finished.bench().study)],
        resources={"bench": finished.bench()},
        executor=dg.in_process_executor,
    ).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        key = "cnn" if by == "model" else "cnn|0000"
        result = job.execute_in_process(instance=instance, partition_key=key, run_config=QUIET)

    assert result.success
    assert calls == [0, 1]
