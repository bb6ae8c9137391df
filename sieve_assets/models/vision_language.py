"""Vision-language models: pictures and texts as unit vectors in one space, by open_clip."""

from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any, Protocol

import numpy as np
import open_clip
import torch
from jaxtyping import Float
from PIL import Image
from safetensors import SafetensorError
from torch import Tensor, nn

from sieve_assets import study
from sieve_assets.models.batches import Batches, loading
from sieve_assets.models.file_hashes import content_hash
from sieve_assets.models.identity import vision_language_hash
from sieve_assets.models.precision import arithmetic
from sieve_assets.models.weights import state_hash
from sieve_assets.settings_hash import settings_hash
from sieve_assets.study_values import Precision

_LONGEST_REASON = 400
_REFUSALS = (RuntimeError, ValueError, OSError, TypeError, KeyError, SafetensorError)
"""What open_clip and its libraries raise for what they cannot load."""
_REMEDY = "Use another SIEVE_DEVICE, free the memory of this one, or use a smaller model."
_NAMES = '"hf-hub:<organisation>/<model>" or "<architecture>:<weights>"'


class VisionLanguage(Protocol):
    """A model that compares pictures with words."""

    @property
    def weights_hash(self) -> str:
        """Hash of everything that an embedding depends on besides its picture or text."""
        ...

    def embed_images(self, images: Sequence[Image.Image]) -> Float[np.ndarray, "image feature"]:
        """Unit vectors of pictures."""
        ...

    def frame(self, image: Image.Image) -> Tensor:
        """A picture as the model takes it in: threads prepare frames ahead of it."""
        ...

    def embed_frames(self, frames: Sequence[Tensor]) -> Float[np.ndarray, "image feature"]:
        """Unit vectors of the pictures that became the frames."""
        ...

    def embed_texts(self, texts: Sequence[str]) -> Float[np.ndarray, "text feature"]:
        """Unit vectors of texts."""
        ...


class OpenClipModel:
    """A model of open_clip, in evaluation mode. Made by `load_vision_language`.

    An embedding does not depend on the pictures or texts beside it.
    """

    def __init__(
        self,
        model: open_clip.CLIP | open_clip.CustomTextCLIP | open_clip.CoCa,
        transform: Callable[[Image.Image], Tensor],
        tokenizer: Callable[[list[str]], Tensor],
        *,
        weights_hash: str,
        precision: Precision,
        batch_size: int,
    ) -> None:
        """Take over a loaded model with its own transform and tokenizer, and try it on a word.

        Raises:
            ValueError: The tokenizer has words that the model does not know.
        """
        self.weights_hash = weights_hash
        self._model = model.requires_grad_(requires_grad=False).eval()
        self._transform = transform
        self._tokenizer = tokenizer
        self._batches = Batches(batch_size, where="vision_language", remedy=_REMEDY)
        self._precision: Precision = precision
        self._device = next(model.parameters()).device
        _require_one_vocabulary(model, tokenizer)
        self._n_features = self._embed(["a"], self._encode_texts).shape[1]

    def embed_images(self, images: Sequence[Image.Image]) -> Float[np.ndarray, "image feature"]:
        """Unit vectors of pictures of any size and mode, float32.

        Raises:
            ValueError: An embedding is not finite; its picture's position is named.
        """
        return self._embed(images, self._encode_images)

    def frame(self, image: Image.Image) -> Tensor:
        """A picture of any size and mode as the model takes it in, `[channel row column]`."""
        return self._transform(image)

    def embed_frames(self, frames: Sequence[Tensor]) -> Float[np.ndarray, "image feature"]:
        """The unit vectors that `embed_images` gives for the pictures that became the frames.

        Raises:
            ValueError: As `embed_images`.
        """
        return self._embed(frames, self._encode_frames)

    def embed_texts(self, texts: Sequence[str]) -> Float[np.ndarray, "text feature"]:
        """Unit vectors of texts, float32; texts longer than the model reads are cut off.

        Raises:
            ValueError: An embedding is not finite; its text's position is named.
        """
        return self._embed(texts, self._encode_texts)

    def _encode_images(self, images: Sequence[Image.Image]) -> Tensor:
        return self._encode_frames([self._transform(image) for image in images])

    def _encode_frames(self, frames: Sequence[Tensor]) -> Tensor:
        return self._model.encode_image(torch.stack(list(frames)).to(self._device))

    def _encode_texts(self, texts: Sequence[str]) -> Tensor:
        tokens = self._tokenizer(list(texts))
        return self._model.encode_text(tokens.to(self._device))

    def _embed(
        self, inputs: Sequence[Any], encode: Callable[[Sequence[Any]], Tensor]
    ) -> Float[np.ndarray, "input feature"]:
        batches = [np.empty((0, getattr(self, "_n_features", 0)), np.float32)]
        units: Tensor
        for batch, units in self._batches.over(
            len(inputs), lambda batch: self._units(inputs[batch], encode)
        ):
            is_finite = torch.isfinite(units).all(dim=1)
            if not is_finite.all():
                position = batch.start + int((~is_finite).nonzero()[0])
                raise ValueError(
                    "vision_language: expected a finite embedding, got one with nan for input "
                    f"{position} of those given ({inputs[position]!r}). Check the weights, and "
                    f"precision = {self._precision!r}."
                )
            batches.append(units.numpy())
        return np.concatenate(batches if len(inputs) == 0 else batches[1:])

    def _units(self, inputs: Sequence[Any], encode: Callable[[Sequence[Any]], Tensor]) -> Tensor:
        with arithmetic(self._precision, self._device):
            features = encode(inputs)
        with torch.inference_mode():
            return nn.functional.normalize(features.to(torch.float32), dim=-1).cpu()


def load_vision_language(
    settings: study.VisionLanguage, *, device: str, batch_size: int
) -> OpenClipModel:
    """The model with its own transform and tokenizer, on `device`.

    A folder holds open_clip_config.json, weights and the tokenizer's files. A name goes to
    open_clip, which may download it: on the hub, or an architecture with the tag of its weights.

    Args:
        settings: Which model.
        device: torch's name of it, for example "cpu" or "cuda".
        batch_size: Pictures or texts in one forward pass, fewer if memory runs out; results do not
            depend on it.

    Raises:
        LookupError: There is no such folder, or open_clip cannot resolve the name.
        ValueError: The folder's configuration, weights and tokenizer do not fit together.
        MemoryError: The weights do not fit on the device.
    """
    folder = Path(settings.model)
    is_folder = folder.is_dir()
    if not is_folder and isinstance(settings.model, Path):
        raise LookupError(
            f"load_vision_language: expected an open_clip folder, got {folder}, where there is "
            f"none. Correct model in the study file; a name is {_NAMES}."
        )
    source, tag = (f"local-dir:{folder}", None) if is_folder else split_name(str(settings.model))
    try:
        with loading("load_vision_language", _REMEDY):
            loaded: Any = open_clip.create_model_from_pretrained(source, tag, device=device)
        tokenizer = open_clip.get_tokenizer(source)
    except _REFUSALS as error:
        expected = "configuration, weights and tokenizer that fit" if is_folder else _NAMES
        raise (ValueError if is_folder else LookupError)(
            f"load_vision_language: expected {expected}, got {settings.model}: "
            f"{shorten(str(error), _LONGEST_REASON)} "
            "Correct model in the study file, or what lies there."
        ) from error
    model, transform = loaded
    weights = content_hash(folder) if is_folder else settings_hash(source, state_hash(model))
    return OpenClipModel(
        model,
        transform,
        tokenizer,
        weights_hash=vision_language_hash(settings, weights),
        precision=settings.precision,
        batch_size=batch_size,
    )


def split_name(name: str) -> tuple[str, str | None]:
    """A model's name as open_clip takes it: its source, and the tag of its weights if apart."""
    if name.startswith("hf-hub:") or ":" not in name:
        return name, None
    architecture, tag = name.split(":", maxsplit=1)
    return architecture, tag


def _require_one_vocabulary(model: nn.Module, tokenizer: Any) -> None:
    """A tokenizer with more words than the model would read past the end of its embedding."""
    n_known = getattr(getattr(model, "text", model), "vocab_size", None)
    inner = getattr(tokenizer, "tokenizer", None)
    n_words = len(inner) if inner is not None else getattr(tokenizer, "vocab_size", None)
    if n_known is not None and n_words is not None and n_words > n_known:
        raise ValueError(
            f"load_vision_language: expected a tokenizer of at most {n_known} tokens, got "
            f"{n_words}. Put the model's tokenizer into its folder and name it in "
            "open_clip_config.json (text_cfg.hf_tokenizer_name)."
        )
