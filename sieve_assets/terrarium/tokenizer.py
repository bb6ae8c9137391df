"""A small CLIP tokenizer learnt from texts: the embedded world's own vocabulary."""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from tokenizers import pre_tokenizers
from transformers import CLIPTokenizer

END_OF_WORD = "</w>"
START, END = "<|startoftext|>", "<|endoftext|>"


def clip_tokenizer(texts: Iterable[str], *, n_merges: int, context_length: int) -> CLIPTokenizer:
    """CLIP's byte-level tokenizer with a vocabulary learnt from `texts`.

    Its folder (`save_pretrained`) serves a diffusers pipeline and open_clip's `local-dir:` alike.
    Merges are learnt here and not by the tokenizers library, whose ties depend on a hash order:
    the same texts give the same vocabulary. The end token has the highest id, where open_clip
    looks for it. Every byte is a token, so that no text is out of the vocabulary.

    Args:
        texts: What the vocabulary is learnt from; letter case does not matter.
        n_merges: Merges at most; fewer once every word is one token.
        context_length: Tokens of a text, the two special ones included.

    Source: Sennrich et al. 2016, algorithm 1; byte-level and lower-cased as in CLIP.
    """
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges: Any = learn_merges(_count_words(texts), count=n_merges)
    tokens = [*letters, *(letter + END_OF_WORD for letter in letters)]
    tokens += [*(left + right for left, right in merges), START, END]
    vocabulary = {token: position for position, token in enumerate(dict.fromkeys(tokens))}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=context_length)


def learn_merges(words: Counter[str], *, count: int) -> list[tuple[str, str]]:
    """The most frequent neighbouring pairs, merged one after the other; ties in letter order."""
    split: dict[str, tuple[str, ...]] = {
        word: (*word[:-1], word[-1] + END_OF_WORD) for word in words
    }
    pairs: Counter[tuple[str, str]] = Counter()
    for word, parts in split.items():
        _count_pairs(pairs, parts, words[word])
    merges: list[tuple[str, str]] = []
    while pairs and len(merges) < count:
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        for word, parts in split.items():
            if best in pairwise(parts):
                split[word] = _merge(parts, best)
                _count_pairs(pairs, parts, -words[word])
                _count_pairs(pairs, split[word], words[word])
    return merges


def _count_pairs(pairs: Counter[tuple[str, str]], parts: tuple[str, ...], times: int) -> None:
    for pair in pairwise(parts):
        pairs[pair] += times
        if not pairs[pair]:
            del pairs[pair]


def _count_words(texts: Iterable[str]) -> Counter[str]:
    backend = CLIPTokenizer().backend_tokenizer
    return Counter(
        word
        for text in texts
        for word, _ in backend.pre_tokenizer.pre_tokenize_str(
            backend.normalizer.normalize_str(text)
        )
    )


def _merge(parts: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    merged: list[str] = []
    position = 0
    while position < len(parts):
        is_pair = parts[position : position + 2] == pair
        merged.append("".join(pair) if is_pair else parts[position])
        position += 2 if is_pair else 1
    return tuple(merged)
