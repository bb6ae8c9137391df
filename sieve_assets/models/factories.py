"""Networks of a user's own: functions that make them, named "package.module:function"."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def made_by(name: str, arguments: dict[str, Any]) -> Any:
    """What the function returns.

    Raises:
        LookupError: There is no such module, or no such function in it.
    """
    module, _, function = name.partition(":")
    factory_file(name)
    found = import_module(module)
    if not hasattr(found, function):
        raise LookupError(
            f"network: expected a function {function!r} in module {module!r}, got none. Correct "
            "network in the study file."
        )
    return getattr(found, function)(**arguments)


def factory_file(name: str) -> Path:
    """The source file of a factory, "package.module:function", found without running it.

    Raises:
        LookupError: There is no such module.
    """
    module = name.partition(":")[0]
    try:
        spec = find_spec(module)
    except ImportError as error:
        raise _no_factory(module, str(error)) from error
    if spec is None or spec.origin is None:
        raise _no_factory(module, "nothing of that name")
    return Path(spec.origin)


def _no_factory(module: str, found: str) -> LookupError:
    return LookupError(
        f"network: expected an importable module {module!r}, got {found}. Install it, or add its "
        "folder to PYTHONPATH."
    )
