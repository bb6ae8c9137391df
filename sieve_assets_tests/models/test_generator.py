"""Pictures: what they depend on, what they do not, and what says so."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    AutoencoderTiny,
    DDIMScheduler,
    EulerAncestralDiscreteScheduler,
    LatentConsistencyModelPipeline,
    LCMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
from diffusers.utils import logging as diffusers_logging
from transformers import CLIPConfig, CLIPImageProcessor

from sieve_assets import study
from sieve_assets.models.generator import load_generator
from sieve_assets.settings_hash import settings_hash

PROMPTS = ["red circle", "", "zebra é", "red circle"]
SEEDS = [3, 1, 4, 5]


def load(folder, batch_size=2, **settings):
    given = {"steps": 2, "guidance": 3.0, "size_px": 64} | settings
    generator = study.Generator(pipeline=folder, **given)
    return load_generator(generator, device="cpu", batch_size=batch_size)


@pytest.fixture(scope="module")
def drawer(pipeline_folder):
    """A generator for tests that leave it as it is."""
    return load(pipeline_folder)


def largest_difference(first, second):
    pairs = zip(first, second, strict=True)
    return max(int(np.abs(np.int16(one) - np.int16(other)).max()) for one, other in pairs)


@pytest.fixture
def copied(pipeline_folder, tmp_path) -> Path:
    return Path(shutil.copytree(pipeline_folder, tmp_path / "copied"))


def with_components(pipeline, folder, **components) -> Path:
    StableDiffusionXLPipeline(**pipeline.components | components).save_pretrained(folder)
    return folder


def test_pictures_are_those_of_the_pipeline_itself(pipeline, drawer):
    expected = [
        pipeline(
            prompt,
            generator=torch.Generator().manual_seed(seed),
            num_inference_steps=2,
            guidance_scale=3.0,
            height=64,
            width=64,
        ).images[0]
        for prompt, seed in zip(PROMPTS, SEEDS, strict=True)
    ]

    pictures = drawer.draw(PROMPTS, SEEDS)

    assert {(picture.size, picture.mode) for picture in pictures} == {((64, 64), "RGB")}
    assert largest_difference(pictures, expected) <= 2
    assert np.asarray(pictures[0]).std() > 5


@pytest.mark.parametrize(
    "scheduler",
    [
        None,
        DDIMScheduler(clip_sample=False, beta_schedule="scaled_linear"),
        EulerAncestralDiscreteScheduler(),
    ],
)
def test_a_picture_does_not_depend_on_its_batch(pipeline, tmp_path, scheduler):
    """The last scheduler adds noise at every step: it must be each picture's own."""
    components = {"scheduler": scheduler} if scheduler else {}
    folder = with_components(pipeline, tmp_path, **components)
    one_by_one = load(folder, 1).draw(PROMPTS, SEEDS)

    together = load(folder, 5).draw(PROMPTS, SEEDS)
    backwards = load(folder, 2).draw(PROMPTS[::-1], SEEDS[::-1])[::-1]

    assert largest_difference(together, one_by_one) <= 2
    assert largest_difference(backwards, one_by_one) <= 2


def test_drawing_does_not_touch_the_shared_random_state(drawer):
    before = torch.get_rng_state()

    drawer.draw(PROMPTS[:1], SEEDS[:1])

    assert torch.equal(torch.get_rng_state(), before)


def test_prompt_and_seed_both_change_a_picture(drawer):
    first, other_seed, other_prompt = drawer.draw(
        ["red circle", "red circle", "zebra é"], [1, 2, 1]
    )

    assert largest_difference([first], [other_seed]) > 2
    assert largest_difference([first], [other_prompt]) > 2


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 3},
        {"guidance": 4.0},
        {"size_px": 72},
        {"precision": "bfloat16"},
        {"negative_prompt": "striped"},
    ],
)
def test_a_changed_setting_changes_the_identity_and_the_picture(drawer, pipeline_folder, change):
    other = load(pipeline_folder, **change)

    assert settings_hash(drawer.identity) != settings_hash(other.identity)
    [before], [after] = (one.draw(["red circle"], [1]) for one in (drawer, other))
    assert before.tobytes() != after.tobytes()


def test_the_identity_is_plain_json(drawer):
    identity = drawer.identity

    assert json.loads(json.dumps(identity, allow_nan=False)) == identity
    assert identity["scheduler"]["lambda_min_clipped"] == "-Infinity"


def test_settings_that_do_not_change_a_picture_do_not_change_the_identity(drawer, copied):
    other = load(copied, 7, n_images=50, prompt="a photo of a {}")

    assert settings_hash(drawer.identity) == settings_hash(other.identity)


def test_another_scheduler_changes_the_identity(pipeline, drawer, tmp_path):
    scheduler = DDIMScheduler(clip_sample=False, beta_schedule="scaled_linear")
    other = load(with_components(pipeline, tmp_path, scheduler=scheduler))

    schedulers = [one.identity["scheduler"]["_class_name"] for one in (drawer, other)]
    assert schedulers == ["DPMSolverMultistepScheduler", "DDIMScheduler"]


@pytest.mark.parametrize("file", ["scheduler/scheduler_config.json", "unet/config.json", "notes"])
def test_any_changed_file_changes_the_identity(drawer, copied, file):
    with (copied / file).open("a") as stream:
        stream.write("\n")

    assert load(copied).identity != drawer.identity


def test_no_prompts_give_no_pictures(drawer):
    assert drawer.draw([], []) == []


def test_a_tiny_autoencoder_draws_too(pipeline, tmp_path):
    torch.manual_seed(0)
    stages: dict[str, Any] = {
        "encoder_block_out_channels": (8,) * 4,
        "decoder_block_out_channels": (8,) * 4,
    }
    counts: dict[str, Any] = {"num_encoder_blocks": (1,) * 4, "num_decoder_blocks": (1,) * 4}
    folder = with_components(pipeline, tmp_path, vae=AutoencoderTiny(**stages, **counts))

    assert load(folder).draw(["red circle"], [1])[0].size == (64, 64)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_lower_precision_draws_every_time(pipeline_folder, precision):
    """In float16 the pipeline lifts its autoencoder to float32 for the last step, and back."""
    generator = load(pipeline_folder, precision=precision)

    first, second = (generator.draw(["red circle"], [1]) for _ in range(2))

    assert largest_difference(first, second) == 0


def with_one_text_model(pipeline) -> dict[str, Any]:
    """The components as Stable Diffusion 1 and its kin have them."""
    changed = {"addition_embed_type": None, "projection_class_embeddings_input_dim": None}
    return {
        "vae": pipeline.vae,
        "text_encoder": pipeline.text_encoder_2.text_model,
        "tokenizer": pipeline.tokenizer_2,
        "unet": UNet2DConditionModel(**{**pipeline.unet.config, **changed}),
        "feature_extractor": CLIPImageProcessor(),
    }


def test_a_safety_checker_is_not_loaded(pipeline, tmp_path):
    size = {"hidden_size": 8, "intermediate_size": 8, "num_attention_heads": 2}
    vision = size | {"num_hidden_layers": 1, "image_size": 8, "patch_size": 4, "projection_dim": 8}
    components = with_one_text_model(pipeline) | {
        "scheduler": DDIMScheduler(clip_sample=False, steps_offset=1),
        "safety_checker": StableDiffusionSafetyChecker(CLIPConfig(vision_config=vision)),
    }
    StableDiffusionPipeline(**components).save_pretrained(tmp_path)

    generator = load(tmp_path)

    assert generator._pipeline.safety_checker is None
    assert np.asarray(generator.draw(["red circle"], [1])[0]).std() > 0


def test_a_pipeline_that_takes_no_negative_prompt_is_refused(pipeline, tmp_path):
    components = with_one_text_model(pipeline) | {
        "scheduler": LCMScheduler(),
        "safety_checker": None,
        "requires_safety_checker": False,
    }
    LatentConsistencyModelPipeline(**components).save_pretrained(tmp_path)

    load(tmp_path)
    with pytest.raises(ValueError, match="negative prompt, got LatentConsistencyModelPipeline"):
        load(tmp_path, negative_prompt="striped")


def test_loading_leaves_progress_bars_as_they_were(pipeline_folder, capfd):
    load(pipeline_folder).draw(["red circle"], [1])

    assert "it/s" not in capfd.readouterr().err
    assert diffusers_logging.is_progress_bar_enabled()


def test_seeds_and_prompts_must_pair_up(drawer):
    with pytest.raises(ValueError, match="got 2 prompts and 1 seeds"):
        drawer.draw(["a", "b"], [1])


def test_a_picture_of_another_size_is_refused(pipeline, tmp_path):
    """Five stages shrink by 16: 72 pixels cannot be drawn, 64 are."""
    vae = type(pipeline.vae)(
        **{
            **pipeline.vae.config,
            "block_out_channels": (8,) * 5,
            "down_block_types": ("DownEncoderBlock2D",) * 5,
            "up_block_types": ("UpDecoderBlock2D",) * 5,
        }
    )
    folder = with_components(pipeline, tmp_path, vae=vae)

    with pytest.raises(ValueError, match=r"of 72 x 72 pixels in colour, got \(64, 64, 3\)"):
        load(folder, size_px=72).draw(["red circle"], [1])


def test_pixels_that_are_not_finite_name_prompt_and_seed(pipeline_folder):
    generator = load(pipeline_folder)
    generator._pipeline.vae.decoder.conv_out.bias.data[0] = torch.nan

    with pytest.raises(ValueError, match=r"nan for 'red circle', seed 3\. .* than \"float32\""):
        generator.draw(PROMPTS, SEEDS)


def test_a_folder_without_a_pipeline_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"without a readable model_index\.json"):
        load(tmp_path)


def test_a_pipeline_that_lacks_weights_is_refused(copied):
    (copied / "unet" / "diffusion_pytorch_model.safetensors").unlink()

    with pytest.raises(ValueError, match=r"draws from text, got .*copied: .*Check its files"):
        load(copied)


def test_a_pipeline_of_another_kind_is_refused(copied):
    index = json.loads((copied / "model_index.json").read_text())
    index["_class_name"] = "DDPMPipeline"
    (copied / "model_index.json").write_text(json.dumps(index))

    with pytest.raises(ValueError, match=r"draws from text, got .*DDPMPipeline"):
        load(copied)


@pytest.mark.parametrize("kind", [Path, str])
def test_a_missing_pipeline_is_refused(tmp_path, kind):
    with pytest.raises(
        LookupError, match=r"a diffusers folder or a name on the hub, got .*nowhere"
    ):
        load(kind(tmp_path / "nowhere"))
