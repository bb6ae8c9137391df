"""What a stage tries again by itself: what may pass, such as a locked store; nothing else."""

import contextlib
from collections.abc import Iterator

import dagster as dg

from sieve_assets.stores.connections import WarehouseBusyError

MOST_RETRIES = 3
WAIT_S = 20.0
"""Before another try (s)."""
_CLIENTS = {"httpx", "requests", "urllib3"}
_OF_THE_NETWORK = {
    *("TransportError", "ConnectionError", "Timeout", "ChunkedEncodingError"),  # httpx, requests
    *("ProtocolError", "TimeoutError", "MaxRetryError", "ProxyError"),  # urllib3
}
_OF_THE_ADDRESS = {"UnsupportedProtocol", "LocalProtocolError", "InvalidProxyURL", "InvalidURL"}


class InputsReplacedError(Exception):
    """Another run replaced what a stage had read before its rows were written."""


@contextlib.contextmanager
def retrying_what_may_pass() -> Iterator[None]:
    """Ask Dagster for another try if the cause may pass by itself.

    A store that another process held, inputs that another run replaced, a network that did not
    answer. What is wrong with settings, files or code would be wrong again.

    Raises:
        RetryRequested: The cause of what was raised inside may pass.
    """
    try:
        yield
    except Exception as error:
        if may_pass(error):
            raise dg.RetryRequested(MOST_RETRIES, WAIT_S) from error
        raise


def may_pass(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, may be gone in a while."""
    if error is None:
        return False
    known = [one for one in type(error).__mro__ if one.__module__.split(".")[0] in _CLIENTS]
    kinds = {one.__name__ for one in known}
    is_of_network = bool(kinds & _OF_THE_NETWORK) and not kinds & _OF_THE_ADDRESS
    is_passing = isinstance(error, WarehouseBusyError | InputsReplacedError | ConnectionError)
    return is_passing or is_of_network or may_pass(error.__cause__)
