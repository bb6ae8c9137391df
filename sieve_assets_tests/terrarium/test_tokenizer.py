"""The embedded world's tokenizer: vocabulary, ids, and the folder read by both libraries."""

import itertools
import json
from collections import Counter

import open_clip
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from sieve_assets.terrarium.tokenizer import clip_tokenizer, learn_merges

TEXTS = ["red circle", "a large blue square", "it's 42 dogs", "grass"]


def test_merges_of_a_case_one_can_check_in_the_head():
    merges = learn_merges(Counter({"low": 3, "lot": 1, "tow": 1}), count=10)

    assert merges[:2] == [("l", "o"), ("lo", "w</w>")]
    assert merges[2:] == [("lo", "t</w>"), ("o", "w</w>"), ("t", "ow</w>")]


@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=6), st.integers(1, 3), max_size=6),
    st.integers(0, 12),
)
def test_merges_are_those_of_counting_anew_after_each(counts, n_merges):
    split = {word: [*word[:-1], word[-1] + "</w>"] for word in counts}
    expected = []
    for _ in range(n_merges):
        pairs = Counter()
        for word, parts in split.items():
            for pair in itertools.pairwise(parts):
                pairs[pair] += counts[word]
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        expected.append(best)
        for parts in split.values():
            at = 0
            while at < len(parts) - 1:
                if (parts[at], parts[at + 1]) == best:
                    parts[at : at + 2] = ["".join(best)]
                at += 1

    assert learn_merges(Counter(counts), count=n_merges) == expected


def test_words_that_were_learnt_are_one_token():
    tokenizer = clip_tokenizer(TEXTS, n_merges=500, context_length=16)

    tokens = tokenizer.convert_ids_to_tokens(tokenizer("Red  CIRCLE it's").input_ids)

    assert tokens == [
        "<|startoftext|>",
        "red</w>",
        "circle</w>",
        "it</w>",
        "'s</w>",
        "<|endoftext|>",
    ]


def test_no_text_is_out_of_the_vocabulary():
    tokenizer = clip_tokenizer(TEXTS, n_merges=500, context_length=16)

    ids = tokenizer("zèbre 7 \u2603").input_ids

    assert tokenizer.eos_token_id not in ids[:-1]
    assert tokenizer.decode(ids, skip_special_tokens=True) == "zèbre 7 \u2603"


def test_the_end_token_has_the_highest_id_and_pads():
    tokenizer = clip_tokenizer(TEXTS, n_merges=500, context_length=16)

    assert tokenizer.eos_token_id == tokenizer.pad_token_id == len(tokenizer) - 1
    assert tokenizer.bos_token_id == len(tokenizer) - 2


def test_the_same_texts_give_the_same_vocabulary_in_any_order():
    first = clip_tokenizer(TEXTS, n_merges=20, context_length=16)
    second = clip_tokenizer(TEXTS[::-1], n_merges=20, context_length=16)

    assert first.get_vocab() == second.get_vocab()


@pytest.mark.parametrize("text", ["red circle", "", "a large blue square " * 9, "zebra é"])
def test_its_folder_gives_the_same_ids_in_transformers_and_open_clip(tmp_path, text):
    tokenizer = clip_tokenizer(TEXTS, n_merges=500, context_length=16)
    tokenizer.save_pretrained(tmp_path)
    text_cfg = {"context_length": 16, "hf_tokenizer_name": "local"}
    config = {"model_cfg": {"text_cfg": text_cfg}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))

    padding = {"padding": "max_length", "truncation": True}
    expected = tokenizer([text], **padding).input_ids

    assert AutoTokenizer.from_pretrained(tmp_path)([text], **padding).input_ids == expected
    assert open_clip.get_tokenizer(f"local-dir:{tmp_path}")([text]).tolist() == expected
