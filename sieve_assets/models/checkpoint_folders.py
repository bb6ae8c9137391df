"""Where the files of a model of texts are, as transformers saves them, and which model it is."""

from functools import lru_cache
from pathlib import Path
from textwrap import shorten

from sieve_assets.models.file_hashes import content_hash

_LONGEST_REASON = 300
_SETTINGS = ["*.json", "*.txt", "*.model", "*.jinja"]
"""Configuration, vocabulary, template of conversations."""
_WEIGHTS = ("*.safetensors", "*.bin")
"""In the order in which they are looked for; others are for other libraries."""


def checkpoint_folder(name: Path | str) -> Path:
    """The folder of a checkpoint; a name on the hub is fetched, or found in its cache.

    Args:
        name: A folder as transformers saves one, or a name on Hugging Face's hub.

    Raises:
        LookupError: There is no such folder, or the hub does not give the name.
    """
    if Path(name).is_dir():
        return Path(name)
    if isinstance(name, str):
        return _fetched(name)
    raise LookupError(
        f"checkpoint: expected a folder that transformers saved, got {name}, where there is none. "
        "Correct the path in the study file."
    )


def checkpoint_hash(name: Path | str) -> str:
    """Hash of all files of a checkpoint: weights, configuration, vocabulary.

    Raises:
        LookupError: As `checkpoint_folder`.
        ValueError: The folder is empty.
    """
    return content_hash(checkpoint_folder(name))


@lru_cache(maxsize=16)
def _fetched(name: str) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415 (seconds to import)

    try:
        for weights in _WEIGHTS:
            folder = Path(snapshot_download(name, allow_patterns=[*_SETTINGS, weights]))
            if any(folder.glob(weights)):
                return folder
    except (OSError, ValueError, RuntimeError) as error:
        raise LookupError(
            f"checkpoint: expected a folder, or a name on Hugging Face's hub or in its cache "
            f"(HF_HOME), got {name!r} ({shorten(str(error), _LONGEST_REASON)}). Fetch it where "
            "there is a network, or correct the study file."
        ) from error
    raise LookupError(
        f"checkpoint: expected weights in {' or '.join(_WEIGHTS)}, got none of {name!r}. "
        "Name a model that transformers loads."
    )
