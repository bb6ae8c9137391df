"""Captions against the model's own most probable words, found one by one."""

import shutil

import pytest
import torch
from transformers import BlipForConditionalGeneration, BlipProcessor

from sieve_assets.models.captioner import TransformersCaptioner, load_captioner
from sieve_assets_tests.text_checkpoints import WORDS, save_captioner, save_language_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_captioner(tmp_path_factory.mktemp("captioner"))


def load(folder, batch_size=2):
    return load_captioner(folder, device="cpu", batch_size=batch_size)


@torch.inference_mode()
def by_hand(folder, image):
    """The most probable token after those so far, without a cache, until one says that it ends."""
    network = BlipForConditionalGeneration.from_pretrained(folder).eval()
    processor = BlipProcessor.from_pretrained(folder)
    pixels = processor(images=image.convert("RGB"), return_tensors="pt").pixel_values
    seen = network.vision_model(pixels).last_hidden_state
    tokens = [network.config.text_config.bos_token_id]
    while len(tokens) < 33:
        logits = network.text_decoder(
            input_ids=torch.tensor([tokens]), encoder_hidden_states=seen, use_cache=False
        ).logits[0, -1]
        if len(tokens) < 5:
            logits[3] = -torch.inf
        tokens.append(int(logits.argmax()))
        if tokens[-1] == 3:
            break
    words = processor.tokenizer.convert_ids_to_tokens(tokens[1:])
    return " ".join(word for word in words if word in WORDS)


def test_a_caption_is_made_of_the_most_probable_words(folder, images):
    found = load(folder).captions(images)
    assert found == [by_hand(folder, image) for image in images]
    assert len(set(found)) > 1


@pytest.mark.parametrize("batch_size", [1, 100])
def test_a_caption_does_not_depend_on_the_pictures_beside_it(folder, images, batch_size):
    assert load(folder, batch_size).captions(images) == load(folder).captions(images)


def test_no_picture_has_no_caption(folder):
    assert load(folder).captions([]) == []


def test_a_model_that_says_nothing_gives_empty_captions(tmp_path, images):
    silent = load(save_captioner(tmp_path / "silent", is_silent=True))
    assert silent.captions(images[:2]) == ["", ""]


def test_the_hash_is_of_the_files(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    assert load(copy).weights_hash == load(folder).weights_hash
    (copy / "generation_config.json").write_text("{}")
    assert load(copy).weights_hash != load(folder).weights_hash


def test_a_model_that_sees_no_pictures_is_refused(tmp_path):
    folder = save_language_model(tmp_path / "words")
    with pytest.raises(ValueError, match=r"expected .* describes a picture .*words.* Correct capt"):
        load(folder)


def test_a_model_that_wants_a_question_is_refused(folder, monkeypatch):
    def ask(_captioner, _images):
        raise ValueError("You need to specify text")

    monkeypatch.setattr(TransformersCaptioner, "captions", ask)
    with pytest.raises(ValueError, match=r"without a question .*You need to specify text"):
        load(folder)


def test_an_absent_folder_is_refused(tmp_path):
    with pytest.raises(LookupError, match="nowhere, where there is none"):
        load(tmp_path / "nowhere")
