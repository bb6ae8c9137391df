"""Models that embed sentences, by sentence-transformers: they tell how near two names are."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any, Protocol

import numpy as np
import torch
from jaxtyping import Float
from sentence_transformers import SentenceTransformer
from torch import nn

from sieve_assets.models.batches import Batches, loading
from sieve_assets.models.checkpoint_folders import checkpoint_folder, checkpoint_hash
from sieve_assets.models.precision import full_precision

MODULES = "modules.json"
"""Says what a checkpoint is put together from; without it the library would guess the pooling."""

_LONGEST_REASON = 400
_REFUSALS = (
    *(OSError, ValueError, TypeError, RuntimeError),
    *(AttributeError, KeyError, IndexError, ImportError),
)
"""What sentence-transformers raises for what it cannot load."""
_REMEDY = "Use another SIEVE_DEVICE, free the memory of this one, or use a smaller text_model."


class SentenceModel(Protocol):
    """A model that places texts so that those of like meaning are near each other."""

    @property
    def weights_hash(self) -> str:
        """Hash of everything that an embedding depends on besides its text."""
        ...

    def embed_texts(self, texts: Sequence[str]) -> Float[np.ndarray, "text feature"]:
        """Unit vectors of texts, float32, in their order."""
        ...


class SentenceTransformersModel:
    """A checkpoint of sentence-transformers. Made by `load_sentence_model`.

    An embedding does not depend on the texts beside it.
    """

    def __init__(self, model: SentenceTransformer, *, weights_hash: str, batch_size: int) -> None:
        """Take over a loaded model, and try it on a word."""
        self.weights_hash = weights_hash
        self._model = model.requires_grad_(requires_grad=False).eval()
        self._batches = Batches(batch_size, where="sentence_model", remedy=_REMEDY)
        self._n_features = self._units(["a"]).shape[1]

    def embed_texts(self, texts: Sequence[str]) -> Float[np.ndarray, "text feature"]:
        """Unit vectors of texts, float32; texts longer than the model reads are cut off.

        Raises:
            ValueError: An embedding is not finite; its text is named.
            MemoryError: A single text is too much for the device.
        """
        found = [np.empty((0, self._n_features), np.float32)]
        for batch, units in self._batches.over(len(texts), lambda one: self._units(texts[one])):
            is_finite = np.isfinite(units).all(axis=1)
            if not is_finite.all():
                position = batch.start + int(np.flatnonzero(~is_finite)[0])
                raise ValueError(
                    f"sentence_model: expected a finite embedding, got one with nan for "
                    f"{texts[position]!r}. Check the weights."
                )
            found.append(units)
        return np.concatenate(found)

    def _units(self, texts: Sequence[str]) -> Float[np.ndarray, "text feature"]:
        with full_precision():
            found: Any = self._model.encode(
                list(texts),
                batch_size=len(texts),
                convert_to_tensor=True,
                show_progress_bar=False,
            )
            return nn.functional.normalize(found.to(torch.float32), dim=-1).cpu().numpy()


def load_sentence_model(
    name: Path | str, *, device: str, batch_size: int
) -> SentenceTransformersModel:
    """The sentence model on `device`, tried on a word.

    Args:
        name: sentence-transformers' folder or a name on the hub, for example
            "sentence-transformers/all-mpnet-base-v2".
        device: torch's name of it, for example "cpu" or "cuda".
        batch_size: Texts embedded together, fewer if memory runs out.

    Raises:
        LookupError: There is no such folder, or the hub does not give the name.
        ValueError: It is no model of sentence-transformers.
        MemoryError: The weights do not fit on the device.
    """
    folder, weights = checkpoint_folder(name), checkpoint_hash(name)
    if not (folder / MODULES).is_file():
        raise ValueError(_refusal(name, f"no {MODULES}."))
    try:
        with loading("load_sentence_model", _REMEDY):
            model = SentenceTransformer(str(folder), device=device, local_files_only=True)
        return SentenceTransformersModel(model, weights_hash=weights, batch_size=batch_size)
    except _REFUSALS as error:
        raise ValueError(_refusal(name, shorten(str(error), _LONGEST_REASON))) from error


def _refusal(name: Path | str, reason: str) -> str:
    return (
        "load_sentence_model: expected a model that sentence-transformers saved, got "
        f"{name}: {reason} Correct text_model in the study file, or what lies there."
    )
