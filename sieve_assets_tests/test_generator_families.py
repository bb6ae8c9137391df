"""Families of generators: told by files or by name, and what they draw with."""

import json

import pytest

from sieve_assets.generator_families import (
    FAMILIES,
    Drawing,
    drawing_of,
    family_of,
    native_size_px,
    settings_to_write,
)
from sieve_assets.study import Generator


def pipeline(folder, kind, **files):
    """A folder with the small files of a pipeline."""
    index = {"_class_name": kind, "_name_or_path": files.pop("origin", "")}
    for name, said in {"model_index": index, **files}.items():
        part, _, file = name.rpartition("/")
        (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / part / f"{file}.json").write_text(json.dumps(said))
    return folder


@pytest.mark.parametrize(
    ("name", "family", "drawing"),
    [
        ("stable-diffusion-v1-5/stable-diffusion-v1-5", "Stable Diffusion 1 and 2", (30, 7.5, 512)),
        ("stabilityai/stable-diffusion-xl-base-1.0", "Stable Diffusion XL", (30, 5.0, 1024)),
        ("stabilityai/sdxl-turbo", "SD-Turbo and SDXL-Turbo", (1, 0.0, 512)),
        ("someone/SDXL-Lightning-4step", "SDXL-Lightning", (4, 0.0, 1024)),
        ("stabilityai/stable-diffusion-3.5-large", "Stable Diffusion 3 and 3.5", (28, 3.5, 1024)),
        (
            "stabilityai/stable-diffusion-3.5-large-turbo",
            "Stable Diffusion 3.5 Turbo",
            (4, 0.0, 1024),
        ),
        ("black-forest-labs/FLUX.1-dev", "FLUX", (28, 3.5, 1024)),
        ("black-forest-labs/FLUX.1-schnell", "FLUX schnell", (4, 0.0, 1024)),
        ("PixArt-alpha/PixArt-Sigma-XL-2-1024-MS", "PixArt", (20, 4.5, 1024)),
        ("Efficient-Large-Model/Sana_1600M_1024px_diffusers", "Sana", (20, 4.5, 1024)),
        ("Tongyi-MAI/Z-Image-Turbo", "Z-Image Turbo", (9, 0.0, 1024)),
        ("SimianLuo/LCM_Dreamshaper_v7", "Latent consistency", (4, 8.5, 768)),
    ],
)
def test_a_name_on_the_hub_tells_the_family(name, family, drawing):
    found = family_of(name)

    assert (found.name, found.drawing) == (family, drawing)


@pytest.mark.parametrize(
    ("kind", "files", "family"),
    [
        ("StableDiffusionXLPipeline", {}, "Stable Diffusion XL"),
        ("StableDiffusionXLPipeline", {"origin": "x/sdxl-turbo"}, "SD-Turbo and SDXL-Turbo"),
        ("StableDiffusion3Pipeline", {}, "Stable Diffusion 3 and 3.5"),
        ("StableDiffusion3Pipeline", {"origin": "sd3-turbo"}, "Stable Diffusion 3.5 Turbo"),
        ("PixArtAlphaPipeline", {"origin": "PixArt-XL-2"}, "PixArt"),
        ("FluxPipeline", {"transformer/config": {"guidance_embeds": True}}, "FLUX"),
        ("FluxPipeline", {"transformer/config": {"guidance_embeds": False}}, "FLUX schnell"),
        ("StableDiffusionPipeline", {}, "Stable Diffusion 1 and 2"),
        (
            "StableDiffusionPipeline",
            {"scheduler/scheduler_config": {"_class_name": "LCMScheduler"}},
            "LCM-LoRA",
        ),
    ],
)
def test_a_folders_files_tell_the_family_and_its_place_does_not(tmp_path, kind, files, family):
    """A pipeline of another class may lie in a folder named after a family."""
    folder = pipeline(tmp_path / "turbo" / "my flux", kind, **files)

    assert family_of(folder, folder).name == family


def test_a_folder_may_be_named_after_what_was_distilled(tmp_path):
    folder = pipeline(tmp_path / "my-lightning", "StableDiffusionXLPipeline")

    assert family_of(folder, folder).name == family_of(str(folder), folder).name == "SDXL-Lightning"


def test_what_the_study_says_stands_and_what_is_absent_is_filled_in(tmp_path):
    sizes = {"unet/config": {"sample_size": 96}, "vae/config": {"block_out_channels": [1] * 4}}
    folder = pipeline(tmp_path, "StableDiffusionPipeline", **sizes)
    said = {"steps": 9, "guidance": 0.0, "size_px": 64}

    assert drawing_of(Generator(pipeline=folder, **said), folder) == Drawing(**said)
    assert drawing_of(Generator(pipeline=folder), folder) == Drawing(30, 7.5, 768)
    assert drawing_of(Generator(pipeline=folder, steps=9), folder) == Drawing(9, 7.5, 768)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"unet/config": {"sample_size": 128}}, None),
        ({"vae/config": {"block_out_channels": [1] * 4}}, None),
        (
            {
                "unet/config": {"sample_size": 8},
                "vae/config": {"block_out_channels": [1] * 3},
            },
            32,
        ),
        (
            {
                "transformer/config": {"sample_size": [32, 32]},
                "vae/config": {"encoder_block_out_channels": [1] * 6},
            },
            1024,
        ),
        (
            {
                "transformer/config": {"sample_size": [32, 16]},
                "vae/config": {"block_out_channels": [1] * 4},
            },
            None,
        ),
    ],
)
def test_the_native_size_is_the_latents_side_times_what_the_autoencoder_shrinks(
    tmp_path, files, expected
):
    assert native_size_px(pipeline(tmp_path, "X", **files)) == expected


def test_what_is_no_configuration_says_nothing(tmp_path):
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "config.json").write_text("[1")
    (tmp_path / "model_index.json").write_text("[1]")

    assert native_size_px(tmp_path) is None
    assert family_of(tmp_path, tmp_path) == FAMILIES[-1]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda one: one.name)
def test_all_that_is_written_for_a_family_is_valid(family):
    settings = Generator(pipeline="x", **family.drawing._asdict(), **family.more)

    assert settings.steps == family.drawing.steps


def test_what_is_written_for_a_folder_is_of_its_own_size(tmp_path):
    sizes = {
        "unet/config": {"sample_size": 64},
        "vae/config": {"block_out_channels": [1] * 4},
    }
    folder = pipeline(tmp_path / "lightning", "StableDiffusionXLPipeline", **sizes)

    written = settings_to_write(str(folder))

    assert (written["steps"], written["size_px"], written["precision"]) == (4, 512, "float32")
    assert written["scheduler_args"] == {"timestep_spacing": "trailing"}
    assert settings_to_write("black-forest-labs/FLUX.1-dev")["memory"] == "offload"
