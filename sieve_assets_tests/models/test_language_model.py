"""Answers against the model's own most probable words, found one by one."""

import shutil

import pytest
import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from sieve_assets.models.language_model import load_language_model
from sieve_assets_tests.text_checkpoints import TEMPLATE, save_captioner, save_language_model

PROMPTS = ["cat", "dog on grass and sky", "fish penguin", "cat"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_language_model(tmp_path_factory.mktemp("language"))


def load(folder, batch_size=3):
    return load_language_model(folder, device="cpu", batch_size=batch_size)


@torch.inference_mode()
def by_hand(folder, text):
    """The most probable token after those so far, without padding and cache."""
    network = LlamaForCausalLM.from_pretrained(folder).eval()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    tokens = tokenizer(text).input_ids
    n_asked = len(tokens)
    while len(tokens) < n_asked + 24:
        tokens.append(int(network(torch.tensor([tokens])).logits[0, -1].argmax()))
        if tokens[-1] == 0:
            break
    return tokenizer.decode(tokens[n_asked:], skip_special_tokens=True).strip()


def test_an_answer_is_made_of_the_most_probable_words(folder):
    found = load(folder).answers(PROMPTS)
    assert found == [by_hand(folder, prompt) for prompt in PROMPTS]
    assert len(set(found)) == 3


@pytest.mark.parametrize("batch_size", [1, 100])
def test_an_answer_does_not_depend_on_the_prompts_beside_it(folder, batch_size):
    assert load(folder, batch_size).answers(PROMPTS) == load(folder).answers(PROMPTS)


def test_a_prompt_is_a_message_where_there_is_a_template(tmp_path):
    folder = save_language_model(tmp_path, template=TEMPLATE)
    found = load(folder).answers(PROMPTS)
    assert found == [by_hand(folder, f"dog {prompt} sky") for prompt in PROMPTS]
    assert found != [by_hand(folder, prompt) for prompt in PROMPTS]


def test_no_prompt_has_no_answer(folder):
    assert load(folder).answers([]) == []


def test_the_hash_is_of_the_files(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    assert load(copy).weights_hash == load(folder).weights_hash
    (copy / "generation_config.json").write_text("{}")
    assert load(copy).weights_hash != load(folder).weights_hash


def test_a_model_that_does_not_go_on_with_a_text_is_refused(tmp_path):
    folder = save_captioner(tmp_path / "pictures")
    with pytest.raises(ValueError, match=r"goes on with a text, got .*pictures.*Correct language"):
        load(folder)


def test_an_absent_folder_is_refused(tmp_path):
    with pytest.raises(LookupError, match="nowhere, where there is none"):
        load(tmp_path / "nowhere")
