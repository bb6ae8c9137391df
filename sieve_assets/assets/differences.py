"""What has changed between two recipes of a stage, in words."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

_HASH = re.compile(r"[0-9a-f]{64}")
_LONGEST = 60
"""Characters of a value that is still shown."""


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Each setting that differs, by its name: "beta: 10.0 → 12.0", "concepts: 2 added".

    Args:
        before: Settings by name, as JSON has them; settings within settings get dotted names.
        after: The same, now.
    """
    return [text for name in {**before, **after} for text in _of(name, before, after)]


def _of(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    old, new = before.get(name), after.get(name)
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from (f"{name}.{text}" for text in differences(old, new))
    elif isinstance(old, list) and isinstance(new, list) and not _are_numbers(old + new):
        yield f"{name}: {_of_lists(old, new)}"
    elif _is_shown(old) and _is_shown(new):
        yield f"{name}: {_shown(old)} → {_shown(new)}"
    else:
        yield f"{name} changed"


def _of_lists(old: list[Any], new: list[Any]) -> str:
    before, after = (Counter(map(str, some)) for some in (old, new))
    added, removed = (after - before).total(), (before - after).total()
    counts = [f"{n} {what}" for n, what in ((added, "added"), (removed, "removed")) if n]
    return ", ".join(counts) or "another order"


def _are_numbers(values: list[Any]) -> bool:
    return all(isinstance(one, int | float) for one in values)


def _is_shown(value: object) -> bool:
    text = str(value)
    return len(text) <= _LONGEST and not _HASH.fullmatch(text)


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value)
