"""What ships: trainings in miniature, exported and read by the loaders of the pipeline."""

import tomllib

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from sieve_assets import study, study_targets
from sieve_assets.models.generator import load_generator
from sieve_assets.models.target import load_target
from sieve_assets.models.vision_language import load_vision_language
from sieve_assets.terrarium import (
    autoencoder,
    denoiser,
    specificity,
    targets,
    train,
    vision_language,
)
from sieve_assets.terrarium.fitting import Schedule, to_unit
from sieve_assets.terrarium.world import DATA

SETTINGS = tomllib.loads((DATA.parents[1] / "sieve.toml").read_text(encoding="utf-8"))


@pytest.fixture
def ships(tmp_path, monkeypatch):
    """A place to ship to, and everything so small that a training takes a second."""
    for part in (autoencoder, denoiser, targets, vision_language):
        monkeypatch.setattr(part, "N_SCENES", 6)
    for name in train.SCHEDULES:
        monkeypatch.setitem(train.SCHEDULES, name, Schedule(1, 3, 1e-3, 0.0))
    monkeypatch.setattr(train, "DATA", tmp_path / "ships")
    return tmp_path / "ships"


@pytest.fixture
def images():
    noise = np.random.default_rng(0).integers(256, size=(3, 64, 64, 3), dtype=np.uint8)
    return [Image.fromarray(one) for one in noise]


def pixels_of(images):
    return to_unit(torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2))


def test_a_shipped_clip_embeds_as_the_trained_one(ships, tmp_path, images):
    texts = ["dog on grass", "an apple"]
    train.ship_vision_language(tmp_path)
    settings = study.VisionLanguage(model=ships / "clip")
    shipped = load_vision_language(settings, device="cpu", batch_size=2)

    trained, tokenizer = train._vision_language(tmp_path)
    last = train.SCHEDULES["specificity"]
    specificity.sharpen_vision_language(
        trained, tokenizer, schedule=last, seed=train.SEED + 2, checkpoints=tmp_path
    )
    with torch.inference_mode():
        seen = trained.encode_image(pixels_of(images), normalize=True)
        tokens = vision_language.tokens_of(tokenizer, texts)
        read = trained.encode_text(tokens, normalize=True)
    np.testing.assert_allclose(shipped.embed_images(images), seen, atol=0.01)
    np.testing.assert_allclose(shipped.embed_texts(texts), read, atol=0.01)
    assert (ships / "concepts.txt").read_bytes() == (DATA / "concepts.txt").read_bytes()


@pytest.mark.parametrize("name", list(targets.RECIPES))
def test_shipped_targets_are_those_of_the_study_file(ships, tmp_path, images, name):
    train.ship_target(name, tmp_path)
    weights = ships / name / "model.safetensors"
    settings = study_targets.Target.model_validate(SETTINGS["targets"][name] | {"weights": weights})
    shipped = load_target(name, settings, device="cpu", batch_size=2)

    trained = targets.train_target(
        name, schedule=train.SCHEDULES[name], seed=train.SEED, checkpoints=tmp_path
    )
    with torch.inference_mode():
        features = trained.forward_features(pixels_of(images))
    expected = features[:, 0] if settings.reducer == "class_token" else features.mean((2, 3))
    np.testing.assert_allclose(shipped.activations(images), expected, rtol=0.02, atol=0.02)


def test_a_shipped_generator_draws_with_the_study_file_s_settings(ships, tmp_path):
    train.ship_generator(tmp_path)

    settings = study.Generator(**SETTINGS["generator"] | {"pipeline": ships / "generator"})
    generator = load_generator(settings, device="cpu", batch_size=2)
    first, second, other = generator.draw(["dog", "dog", "dog"], [0, 0, 1])

    assert first.size == (64, 64)
    assert first.tobytes() == second.tobytes() != other.tobytes()
    assert generator.identity["pipeline_class"] == "StableDiffusionXLPipeline"


def test_weights_ship_in_half_precision_and_counters_as_they_are():
    model = torch.nn.BatchNorm1d(3)

    kept = {key: value.dtype for key, value in train.halved(model).items()}

    assert kept.pop("num_batches_tracked") == torch.int64
    assert set(kept.values()) == {torch.float16}
    assert model.weight.dtype == torch.float32


def test_what_ships_is_small():
    assert sum(file.stat().st_size for file in DATA.rglob("*") if file.is_file()) < 40e6


def test_an_unknown_part_is_refused_with_the_known_ones():
    result = CliRunner().invoke(train.main, ["poetry"])

    assert result.exit_code != 0
    assert "'vision_language'" in result.output


def test_parts_are_trained_one_by_one_with_their_own_checkpoints(ships, tmp_path):
    arguments = ["targets", "decoder", "--checkpoints", str(tmp_path / "kept")]
    result = CliRunner().invoke(train.main, [*arguments, "--threads", "1"])

    assert result.exit_code == 0, result.output
    kept = {file.stem for file in (tmp_path / "kept").iterdir()}
    assert kept == {"terrarium_resnet", "terrarium_vit", "autoencoder", "decoder"}
    assert {file.name for file in ships.iterdir()} == {"terrarium_resnet", "terrarium_vit"}
