"""Models that go on with a text, by transformers: they make concepts of captions."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any, Protocol

from transformers import AutoModelForCausalLM, AutoTokenizer

from sieve_assets.models.batches import Batches, loading
from sieve_assets.models.checkpoint_folders import checkpoint_folder, checkpoint_hash
from sieve_assets.models.precision import full_precision

MOST_TOKENS = 24
"""Of an answer: a name of a few words."""

_LONGEST_REASON = 400
_REFUSALS = (OSError, ValueError, TypeError, RuntimeError, AttributeError, KeyError, IndexError)
"""What transformers raises for what it cannot load."""
_REMEDY = "Use another SIEVE_DEVICE, free the memory of this one, or use a smaller language model."


class LanguageModel(Protocol):
    """A model that answers."""

    @property
    def weights_hash(self) -> str:
        """Hash of everything that an answer depends on besides its prompt."""
        ...

    def answers(self, prompts: Sequence[str]) -> list[str]:
        """An answer to each prompt, in their order."""
        ...


class TransformersLanguageModel:
    """A causal language model of transformers. Made by `load_language_model`.

    Always the most probable word next: a prompt has one answer. Where the tokenizer has a template
    of conversations, a prompt is a message of the user; elsewhere a text to go on with.
    """

    def __init__(self, model: Any, tokenizer: Any, *, weights_hash: str, batch_size: int) -> None:
        """Take over a loaded model with its tokenizer."""
        self.weights_hash = weights_hash
        self._model = model.requires_grad_(requires_grad=False).eval()
        self._tokenizer = tokenizer
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        self._batches = Batches(batch_size, where="language_model", remedy=_REMEDY)

    def answers(self, prompts: Sequence[str]) -> list[str]:
        """What the model writes after each prompt; it may be empty.

        Raises:
            MemoryError: A single prompt is too much for the device.
        """
        batches = self._batches.over(len(prompts), lambda batch: self._written(prompts[batch]))
        return [text for _, texts in batches for text in texts]

    def _written(self, prompts: Sequence[str]) -> list[str]:
        is_chat = self._tokenizer.chat_template is not None
        texts = [self._as_message(prompt) if is_chat else prompt for prompt in prompts]
        asked = self._tokenizer(
            texts, return_tensors="pt", padding=True, add_special_tokens=not is_chat
        ).to(self._model.device)
        with full_precision():
            tokens = self._model.generate(
                input_ids=asked["input_ids"],
                attention_mask=asked["attention_mask"],
                do_sample=False,
                max_new_tokens=MOST_TOKENS,
                pad_token_id=self._tokenizer.pad_token_id,
            )
        answers = tokens[:, asked["input_ids"].shape[1] :]
        found = self._tokenizer.batch_decode(answers, skip_special_tokens=True)
        return [text.strip() for text in found]

    def _as_message(self, prompt: str) -> str:
        """The prompt as the model's template has a message; special tokens are in the template."""
        message = [{"role": "user", "content": prompt}]
        return self._tokenizer.apply_chat_template(
            message, add_generation_prompt=True, tokenize=False
        )


def load_language_model(
    name: Path | str, *, device: str, batch_size: int
) -> TransformersLanguageModel:
    """The language model on `device`, in the precision it was saved in, tried on a word.

    Args:
        name: transformers' folder or a name on its hub.
        device: torch's name of it, for example "cpu" or "cuda".
        batch_size: Prompts answered together, fewer if memory runs out.

    Raises:
        LookupError: There is no such folder, or the hub does not give the name.
        ValueError: It is no model that goes on with a text.
        MemoryError: The weights do not fit on the device.
    """
    folder, weights = checkpoint_folder(name), checkpoint_hash(name)
    try:
        with loading("load_language_model", _REMEDY):
            model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype="auto")
            model.to(device)
        tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        found = TransformersLanguageModel(
            model, tokenizer, weights_hash=weights, batch_size=batch_size
        )
        found.answers(["a"])
    except _REFUSALS as error:
        raise ValueError(
            f"load_language_model: expected a model of transformers that goes on with a text, got "
            f"{name}: {shorten(str(error), _LONGEST_REASON)} Correct language_model in the study "
            "file, or what lies there."
        ) from error
    return found
