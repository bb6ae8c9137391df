"""Models that say in a sentence what a picture shows, by transformers."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any, Protocol

from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from sieve_assets.models.batches import Batches, loading
from sieve_assets.models.checkpoint_folders import checkpoint_folder, checkpoint_hash
from sieve_assets.models.precision import full_precision

MOST_TOKENS, LEAST_TOKENS = 32, 5
"""Of a caption. Source: Describe-and-Dissect's DnD_models.py."""

_LONGEST_REASON = 400
_REFUSALS = (OSError, ValueError, TypeError, RuntimeError, AttributeError, KeyError, IndexError)
"""What transformers raises for what it cannot load, or cannot use without a question."""
_REMEDY = "Use another SIEVE_DEVICE, free the memory of this one, or use a smaller captioner."


class Captioner(Protocol):
    """A model that describes pictures."""

    @property
    def weights_hash(self) -> str:
        """Hash of everything that a caption depends on besides its picture."""
        ...

    def captions(self, images: Sequence[Image.Image]) -> list[str]:
        """A sentence for each picture, in their order."""
        ...


class TransformersCaptioner:
    """A checkpoint of transformers that needs no question. Made by `load_captioner`.

    Always the most probable word next: a picture has one caption.
    """

    def __init__(self, model: Any, processor: Any, *, weights_hash: str, batch_size: int) -> None:
        """Take over a loaded model with its processor."""
        self.weights_hash = weights_hash
        self._model = model.requires_grad_(requires_grad=False).eval()
        self._processor = processor
        self._batches = Batches(batch_size, where="captioner", remedy=_REMEDY)

    def captions(self, images: Sequence[Image.Image]) -> list[str]:
        """A sentence for each picture of any size and mode; it may be empty.

        Raises:
            MemoryError: A single picture is too much for the device.
        """
        batches = self._batches.over(len(images), lambda batch: self._described(images[batch]))
        return [text for _, texts in batches for text in texts]

    def _described(self, images: Sequence[Image.Image]) -> list[str]:
        pictures = [image.convert("RGB") for image in images]
        seen = self._processor(images=pictures, return_tensors="pt")
        pixels = seen["pixel_values"].to(self._model.device, self._model.dtype)
        with full_precision():
            tokens = self._model.generate(
                pixel_values=pixels,
                do_sample=False,
                max_new_tokens=MOST_TOKENS,
                min_length=LEAST_TOKENS,
            )
        texts = self._processor.batch_decode(tokens, skip_special_tokens=True)
        return [text.strip() for text in texts]


def load_captioner(name: Path | str, *, device: str, batch_size: int) -> TransformersCaptioner:
    """The captioner on `device`, in the precision it was saved in, tried on a blank picture.

    Args:
        name: transformers' folder or a name on its hub, for example
            "Salesforce/blip-image-captioning-base".
        device: torch's name of it, for example "cpu" or "cuda".
        batch_size: Pictures looked at together, fewer if memory runs out.

    Raises:
        LookupError: There is no such folder, or the hub does not give the name.
        ValueError: It is no model that describes a picture without being asked.
        MemoryError: The weights do not fit on the device.
    """
    folder, weights = checkpoint_folder(name), checkpoint_hash(name)
    try:
        with loading("load_captioner", _REMEDY):
            model: Any = AutoModelForImageTextToText.from_pretrained(folder, dtype="auto")
            model.to(device)
        processor = AutoProcessor.from_pretrained(folder)
        found = TransformersCaptioner(model, processor, weights_hash=weights, batch_size=batch_size)
        found.captions([Image.new("RGB", (32, 32))])
    except _REFUSALS as error:
        raise ValueError(
            "load_captioner: expected a model of transformers that describes a picture without a "
            f"question (BLIP, BLIP-2, GIT), got {name}: {shorten(str(error), _LONGEST_REASON)} "
            "Correct captioner in the study file, or what lies there."
        ) from error
    return found
