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
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPImageProcessor

from sieve_assets.settings_hash import settings_hash
from sieve_assets_tests.tiny_pipelines import largest_difference, load

PROMPTS = ["red circle", "", "zebra é", "red circle"]
SEEDS = [3, 1, 4, 5]


@pytest.fixture(scope="module")
def drawer(pipeline_folder):
    """A generator for tests that leave it as it is."""
    return load(pipeline_folder)


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


def test_further_arguments_reach_the_pipeline(drawer, pipeline_folder):
    other = load(pipeline_folder, call_args={"guidance_rescale": 0.7})

    assert other.identity == drawer.identity | {"call_args": {"guidance_rescale": 0.7}}
    assert largest_difference(drawer.draw(["zebra"], [1]), other.draw(["zebra"], [1])) > 2


def test_an_argument_that_the_pipeline_does_not_take_is_refused(pipeline_folder):
    with pytest.raises(ValueError, match=r"of StableDiffusionXLPipeline, got 'clipskip'\. Did"):
        load(pipeline_folder, call_args={"clipskip": 2})


def test_a_negative_prompt_of_flux_needs_a_scale_of_its_own(folder_of):
    """FLUX is told its guidance; what is not to be drawn takes classifier-free guidance beside."""
    folder = folder_of("FluxPipeline")
    with pytest.raises(ValueError, match=r"true_cfg_scale = 4\.0} .* of FluxPipeline, got none"):
        load(folder, negative_prompt="striped")

    plain, against = (
        load(folder, negative_prompt=words, call_args={"true_cfg_scale": 4.0})
        for words in ("", "striped")
    )
    assert largest_difference(plain.draw(["zebra"], [1]), against.draw(["zebra"], [1])) > 2


def test_absent_settings_are_those_of_the_family(folder_of):
    """PixArt: 20 steps at 4.5, and the size that its files say."""
    folder = folder_of("PixArtSigmaPipeline")
    absent = dict.fromkeys(("steps", "guidance", "size_px"))

    generator = load(folder, **absent)

    assert generator.identity == load(folder, steps=20, guidance=4.5, size_px=256).identity
    assert generator.draw(["zebra"], [1])[0].size == (256, 256)
