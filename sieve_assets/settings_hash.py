"""Settings as one canonical text, and its hash: the same on any machine."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel


def settings_hash(*parts: object) -> str:
    """SHA-256, in hex, of settings as canonical JSON: the same settings, the same hash, anywhere.

    Paths are left out, so that a study may move: what a path leads to is identified by its content,
    whose hash (of weights, of a picture) the caller adds as another part.

    Args:
        parts: Settings, or anything JSON can say; their order counts.

    Raises:
        TypeError: A part is neither.
        ValueError: A number is not finite.
    """
    return hashlib.sha256(settings_text(parts).encode()).hexdigest()


def settings_text(settings: object) -> str:
    """Settings as canonical JSON, without paths: what `settings_hash` hashes.

    Args:
        settings: Settings, or anything JSON can say.

    Raises:
        TypeError: It is neither.
        ValueError: A number is not finite.
    """
    plain = _without_paths(settings)
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _without_paths(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _without_paths(value.model_dump())
    if isinstance(value, Mapping):
        return {key: _without_paths(one) for key, one in value.items() if not isinstance(one, Path)}
    if isinstance(value, list | tuple):
        return [_without_paths(one) for one in value]
    return value
