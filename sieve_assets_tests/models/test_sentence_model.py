"""Sentences' vectors against the mean of the network's tokens, one text at a time."""

import shutil

import numpy as np
import pytest
import torch
from transformers import MPNetModel, MPNetTokenizer

from sieve_assets.models.sentence_model import load_sentence_model
from sieve_assets_tests.text_checkpoints import save_language_model, save_sentence_model

TEXTS = ["cat", "a dog on grass", "fish penguin water sky brick", "cat", "zeppelin"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_sentence_model(tmp_path_factory.mktemp("sentences"))


def load(folder, batch_size=3):
    return load_sentence_model(folder, device="cpu", batch_size=batch_size)


@torch.inference_mode()
def by_hand(folder, text):
    """The mean over all of a text's tokens, at length 1."""
    network = MPNetModel.from_pretrained(folder).eval()
    tokens = MPNetTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    mean = network(**tokens).last_hidden_state[0].mean(0)
    return (mean / mean.norm()).numpy()


def test_a_vector_is_the_mean_over_the_tokens_at_length_one(folder):
    found = load(folder).embed_texts(TEXTS)

    expected = np.stack([by_hand(folder, text) for text in TEXTS])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.dtype == np.float32
    apart = np.abs(found[:, None] - found[None]).max(2)
    assert (apart < 1e-5).sum() == len(TEXTS) + 2, "only the two cats are alike"


@pytest.mark.parametrize("batch_size", [1, 100])
def test_a_vector_does_not_depend_on_the_texts_beside_it(folder, batch_size):
    found, again = (load(folder, size).embed_texts(TEXTS) for size in (batch_size, 3))
    np.testing.assert_allclose(found, again, atol=1e-6)


def test_no_text_has_no_vector(folder):
    assert load(folder).embed_texts([]).shape == (0, 16)


def test_the_hash_is_of_the_files(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    assert load(copy).weights_hash == load(folder).weights_hash
    pooling = copy / "1_Pooling" / "config.json"
    pooling.write_text(pooling.read_text().replace("mean_tokens", "max_tokens"))
    assert load(copy).weights_hash != load(folder).weights_hash


def test_a_vector_that_is_not_finite_is_refused_with_its_text(folder):
    model = load(folder)
    place = model._model.tokenizer.convert_tokens_to_ids("fish")
    with torch.no_grad():
        model._model[0].auto_model.embeddings.word_embeddings.weight[place] = torch.nan

    with pytest.raises(ValueError, match=r"expected a finite embedding, got .* 'fish penguin"):
        model.embed_texts(TEXTS)


def test_a_network_that_does_not_say_how_its_tokens_are_pooled_is_refused(tmp_path):
    folder = save_language_model(tmp_path / "words")
    with pytest.raises(ValueError, match=r"sentence-transformers saved, got .*no modules\.json\."):
        load(folder)


def test_a_folder_that_lacks_a_part_is_refused(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "config.json").unlink()
    with pytest.raises(ValueError, match=r"expected a model that .*copy.* Correct text_model"):
        load(copy)


def test_an_absent_folder_is_refused(tmp_path):
    with pytest.raises(LookupError, match="nowhere, where there is none"):
        load(tmp_path / "nowhere")
