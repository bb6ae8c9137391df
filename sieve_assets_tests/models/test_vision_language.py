"""Embeddings against open_clip's own encoders, and how folders that do not fit are refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from sieve_assets import study
from sieve_assets.models.vision_language import load_vision_language, split_name

TEXTS = ["red circle", "", "zebra é", "a large blue square " * 9, "striped texture"]


def load(folder, batch_size=2):
    settings = study.VisionLanguage(model=folder)
    return load_vision_language(settings, device="cpu", batch_size=batch_size)


@pytest.fixture
def copied(clip_folder, tmp_path) -> Path:
    return Path(shutil.copytree(clip_folder, tmp_path / "copied"))


@torch.inference_mode()
def test_texts_are_embedded_as_the_text_tower_does(clip, tokenizer, clip_folder):
    ids = tokenizer(TEXTS, padding="max_length", truncation=True, return_tensors="pt").input_ids
    expected = clip.encode_text(ids)

    embeddings = load(clip_folder).embed_texts(TEXTS)

    expected = expected / expected.norm(dim=1, keepdim=True)
    np.testing.assert_allclose(embeddings, expected, rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_pictures_are_embedded_as_the_image_tower_does(clip, clip_folder, images):
    transform = v2.Compose(
        [
            v2.RGB(),
            v2.Resize(32, v2.InterpolationMode.BICUBIC),
            v2.CenterCrop(32),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize((0.5, 0.4, 0.3), (0.2, 0.25, 0.3)),
        ]
    )
    kinds = [images[position] for position in (0, 1, 3, 6)]
    expected = clip.encode_image(torch.stack([transform(image.convert("RGB")) for image in kinds]))

    embeddings = load(clip_folder).embed_images(kinds)

    expected = expected / expected.norm(dim=1, keepdim=True)
    np.testing.assert_allclose(embeddings, expected, rtol=1e-4, atol=1e-4)


def test_embeddings_are_unit_vectors(clip_folder, images):
    model = load(clip_folder)

    for embeddings in (model.embed_images(images), model.embed_texts(TEXTS)):
        assert embeddings.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_a_row_does_not_depend_on_the_others(clip_folder, images, batch_size):
    model, alone = load(clip_folder, batch_size), load(clip_folder, 1)

    pictures, texts = model.embed_images(images), model.embed_texts(TEXTS)

    for position, image in enumerate(images):
        expected = alone.embed_images([image])[0]
        np.testing.assert_allclose(pictures[position], expected, rtol=1e-5, atol=1e-5)
    for position, text in enumerate(TEXTS):
        expected = alone.embed_texts([text])[0]
        np.testing.assert_allclose(texts[position], expected, rtol=1e-5, atol=1e-5)


def test_frames_prepared_before_give_the_embeddings_of_their_pictures(clip_folder, images):
    model = load(clip_folder)
    frames = [model.frame(image) for image in images]
    np.testing.assert_array_equal(model.embed_frames(frames), model.embed_images(images))


def test_nothing_gives_no_rows(clip_folder):
    model = load(clip_folder)

    assert model.embed_images([]).shape == (0, 24)
    assert model.embed_texts([]).shape == (0, 24)


def test_the_model_is_in_evaluation_mode(clip_folder):
    model = load(clip_folder)._model

    assert not any(module.training for module in model.modules())
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_the_hash_does_not_depend_on_the_place(clip_folder, copied):
    assert load(copied).weights_hash == load(clip_folder).weights_hash


@pytest.mark.parametrize("file", ["open_clip_config.json", "tokenizer_config.json"])
def test_the_hash_changes_with_any_file(clip_folder, copied, file):
    values = json.loads((copied / file).read_text())
    (copied / file).write_text(json.dumps(values | {"note": 1}))

    assert load(copied).weights_hash != load(clip_folder).weights_hash


def test_a_tokenizer_with_more_words_than_the_model_is_refused(copied):
    file = copied / "open_clip_config.json"
    config = json.loads(file.read_text())
    del config["model_cfg"]["text_cfg"]["hf_tokenizer_name"]
    file.write_text(json.dumps(config))

    with pytest.raises(ValueError, match=r"at most \d+ tokens, got 49408.*hf_tokenizer_name"):
        load(copied)


@pytest.mark.parametrize("missing", ["open_clip_config.json", "open_clip_model.safetensors"])
def test_a_folder_without_a_file_is_refused(copied, missing):
    (copied / missing).unlink()

    with pytest.raises(ValueError, match=r"expected configuration, weights and .*copied: "):
        load(copied)


def test_a_folder_without_its_tokenizer_is_refused(copied):
    (copied / "tokenizer.json").unlink()
    (copied / "tokenizer_config.json").unlink()

    with pytest.raises(ValueError, match=r"expected .*tokenizer"):
        load(copied)


def test_weights_of_another_size_are_refused(copied):
    file = copied / "open_clip_config.json"
    file.write_text(file.read_text().replace('"embed_dim": 24', '"embed_dim": 25'))

    with pytest.raises(ValueError, match=r"that fit, got .*copied: .*size mismatch"):
        load(copied)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(LookupError, match=r"expected an open_clip folder, got .*nowhere"):
        load(tmp_path / "nowhere")


def test_an_unknown_name_is_refused():
    with pytest.raises(LookupError, match=r'expected "hf-hub:.*" or ".*", got ViT-Z-99:mine'):
        load("ViT-Z-99:mine")


def test_an_embedding_that_is_not_finite_names_its_input(clip_folder, images):
    model = load(clip_folder)
    ids = model._tokenizer(["texture"])[0]
    clip: Any = model._model
    clip.token_embedding.weight[ids[1]] = torch.nan

    with pytest.raises(ValueError, match=r"for input 2 of those given \('texture'\)"):
        model.embed_texts(["red circle", "", "texture"])
    assert np.isfinite(model.embed_images(images)).all()


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("hf-hub:laion/CLIP-ViT-B-16", ("hf-hub:laion/CLIP-ViT-B-16", None)),
        ("ViT-B-16-quickgelu:openai", ("ViT-B-16-quickgelu", "openai")),
        ("ViT-B-16", ("ViT-B-16", None)),
    ],
)
def test_names_as_open_clip_takes_them(name, parts):
    assert split_name(name) == parts


def test_weights_that_are_cut_short_are_refused_with_their_folder(copied):
    weights = copied / "open_clip_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])

    with pytest.raises(ValueError, match=r"load_vision_language: expected .* got /.*header"):
        load(copied)
