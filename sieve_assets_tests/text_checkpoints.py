"""Tiny checkpoints of models that write or embed text, random, as their libraries save them."""

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    BertTokenizer,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessor,
    BlipProcessor,
    LlamaConfig,
    LlamaForCausalLM,
    MPNetConfig,
    MPNetModel,
    MPNetTokenizer,
    PreTrainedTokenizerFast,
)

WORDS = ["cat", "dog", "penguin", "fish", "grass", "sky", "fruit", "brick", "water", "apple"]
SIZE = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
}
TEMPLATE = "{% for m in messages %}dog {{ m['content'] }}{% endfor %} sky"
"""Of conversations: a word before a message and one after it."""


def save_captioner(folder: Path, *, is_silent: bool = False) -> Path:
    """BLIP: words of the pixels, or nothing at all."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = BertTokenizer(vocab={word: at for at, word in enumerate([*special, *WORDS])})
    tokenizer.add_special_tokens({"bos_token": "[DEC]"})
    text = {
        "vocab_size": len(tokenizer),
        "encoder_hidden_size": 16,
        "max_position_embeddings": 64,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": 3,
        "sep_token_id": 3,
        "pad_token_id": 0,
    }
    vision = {"image_size": 32, "patch_size": 8}
    network = BlipForConditionalGeneration(
        BlipConfig(text_config=text | SIZE, vision_config=vision | SIZE)
    )
    _spread(network)
    bias = network.text_decoder.cls.predictions.bias
    with torch.no_grad():
        bias[:] = 0
        bias[[*range(3), 4, tokenizer.bos_token_id]] = -1e4
        bias[1] = 1e4 if is_silent else -1e4  # a special token, which no caption shows
    network.save_pretrained(folder)
    size = {"height": 32, "width": 32}
    BlipProcessor(BlipImageProcessor(size=size), tokenizer).save_pretrained(folder)
    return folder


def save_language_model(folder: Path, *, template: str | None = None) -> Path:
    """Llama, which goes on with words."""
    vocabulary = {word: at for at, word in enumerate(["<eos>", "<unk>", *WORDS])}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))  # noqa: S106 (no password)
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words,
        unk_token="<unk>",  # noqa: S106 (as above)
        eos_token="<eos>",  # noqa: S106 (as above)
    )
    tokenizer.chat_template = template
    network = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            num_key_value_heads=2,
            max_position_embeddings=256,
            bos_token_id=None,
            eos_token_id=0,
            pad_token_id=None,
            **SIZE,
        )
    )
    _spread(network)
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


SENTENCE_MODULES = {"": "Transformer", "1_Pooling": "Pooling", "2_Normalize": "Normalize"}
POOLING = {
    "word_embedding_dimension": 16,
    "pooling_mode_cls_token": False,
    "pooling_mode_mean_tokens": True,
    "pooling_mode_max_tokens": False,
    "pooling_mode_mean_sqrt_len_tokens": False,
}


def save_sentence_model(folder: Path) -> Path:
    """MPNet with the mean over tokens, in the files that all-mpnet-base-v2 has."""
    special = ["<s>", "<pad>", "</s>", "<unk>", "[UNK]"]
    words = {word: at for at, word in enumerate([*special, *WORDS, "on", "a", "<mask>"])}
    network = MPNetModel(MPNetConfig(vocab_size=len(words), max_position_embeddings=66, **SIZE))
    _spread(network)
    network.save_pretrained(folder)
    MPNetTokenizer(vocab=words).save_pretrained(folder)
    modules = [
        {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for at, (path, kind) in enumerate(SENTENCE_MODULES.items())
    ]
    (folder / "1_Pooling").mkdir()
    for name, said in {
        "modules.json": modules,
        "1_Pooling/config.json": POOLING,
        "sentence_bert_config.json": {"max_seq_length": 64, "do_lower_case": False},
    }.items():
        (folder / name).write_text(json.dumps(said))
    return folder


def _spread(network: torch.nn.Module) -> None:
    """Weights large enough that every input matters."""
    torch.manual_seed(3)
    for name, value in network.named_parameters():
        torch.nn.init.normal_(value, std=2.8 if "crossattention" in name else 0.7)
