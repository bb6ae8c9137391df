"""Trains the world's models and ships them: `python -m sieve_assets.terrarium.train [part ...]`.

Parts, in the order they need each other: autoencoder, decoder, vision_language, targets, denoiser.
Training goes on from its checkpoints; a finished part is only exported again. `evaluate` measures
quality.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import click
import safetensors.torch
import torch
from torch import Tensor, nn

from sieve_assets.terrarium import autoencoder, denoiser, specificity, targets, vision_language
from sieve_assets.terrarium.captions import concept_set
from sieve_assets.terrarium.fitting import Schedule
from sieve_assets.terrarium.text_encoder import hf_text_encoder
from sieve_assets.terrarium.world import DATA

SEED = 0
SCHEDULES = {
    "autoencoder": Schedule(4381, batch=128, peak_rate=2e-3, weight_decay=0.0, is_mixed=True),
    "vision_language": Schedule(1600, batch=128, peak_rate=2e-3, weight_decay=0.05),
    "specificity": Schedule(420, batch=160, peak_rate=8e-4, weight_decay=0.05),
    "terrarium_resnet": Schedule(4591, batch=384, peak_rate=3e-3, weight_decay=0.02),
    "terrarium_vit": Schedule(2400, batch=128, peak_rate=1.5e-3, weight_decay=0.05),
    "decoder": Schedule(5116, batch=128, peak_rate=1.5e-3, weight_decay=0.0, is_mixed=True),
    "denoiser": Schedule(6240, batch=1024, peak_rate=1e-3, weight_decay=0.01, is_mixed=True),
}


def halved(model: nn.Module) -> dict[str, Tensor]:
    """Return the model's weights for shipping: floats in half precision."""
    return {
        key: (value.half() if value.is_floating_point() else value).contiguous()
        for key, value in model.state_dict().items()
    }


def ship_vision_language(checkpoints: Path) -> None:
    """Train the CLIP and write it as an open_clip folder, with the concept set beside it."""
    model, tokenizer = _vision_language(checkpoints)
    specificity.sharpen_vision_language(
        model,
        tokenizer,
        schedule=SCHEDULES["specificity"],
        seed=SEED + 2,
        checkpoints=checkpoints,
    )
    folder = DATA / "clip"
    folder.mkdir(parents=True, exist_ok=True)
    safetensors.torch.save_file(halved(model), folder / "open_clip_model.safetensors")
    half = [0.5, 0.5, 0.5]
    config = {
        "model_cfg": vision_language.model_config(len(tokenizer)),
        "preprocess_cfg": {
            "size": 64,
            "mean": half,
            "std": half,
            "interpolation": "bilinear",
            "resize_mode": "shortest",
        },
    }
    (folder / "open_clip_config.json").write_text(json.dumps(config, indent=2) + "\n")
    tokenizer.save_pretrained(folder)
    lines = [concept.text for concept in concept_set()]
    (DATA / "concepts.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def ship_target(name: str, checkpoints: Path) -> None:
    """Train one target network and write its weights."""
    model = targets.train_target(name, schedule=SCHEDULES[name], seed=SEED, checkpoints=checkpoints)
    folder = DATA / name
    folder.mkdir(parents=True, exist_ok=True)
    safetensors.torch.save_file(halved(model), folder / "model.safetensors")


def ship_targets(checkpoints: Path) -> None:
    """Train both target networks."""
    for name in targets.RECIPES:
        ship_target(name, checkpoints)


def ship_generator(checkpoints: Path) -> None:
    """Train the U-Net on what the CLIP and the autoencoder give, and write the whole pipeline."""
    clip, tokenizer = _vision_language(checkpoints)
    coder = _autoencoder(checkpoints)
    encoder = hf_text_encoder(clip, tokenizer)
    scale = denoiser.latent_scale(coder, seed=SEED)
    unet = denoiser.train_denoiser(
        coder,
        denoiser.encode_captions(encoder, tokenizer),
        scale=scale,
        schedule=SCHEDULES["denoiser"],
        seed=SEED,
        checkpoints=checkpoints,
    )
    _refined(coder, checkpoints)
    pipeline = denoiser.assemble_pipeline(coder, encoder, tokenizer, unet, scale=scale)
    shutil.rmtree(DATA / "generator", ignore_errors=True)
    pipeline.to(torch.float16).save_pretrained(DATA / "generator")


def _vision_language(checkpoints: Path) -> tuple[nn.Module, vision_language.CLIPTokenizer]:
    return vision_language.train_vision_language(
        schedule=SCHEDULES["vision_language"], seed=SEED, checkpoints=checkpoints
    )


def _autoencoder(checkpoints: Path) -> autoencoder.AutoencoderTiny:
    return autoencoder.train_autoencoder(
        schedule=SCHEDULES["autoencoder"], seed=SEED, checkpoints=checkpoints
    )


def _refined(coder: autoencoder.AutoencoderTiny, checkpoints: Path) -> autoencoder.AutoencoderTiny:
    return autoencoder.refine_decoder(
        coder, schedule=SCHEDULES["decoder"], seed=SEED + 1, checkpoints=checkpoints
    )


PARTS: dict[str, Callable[[Path], object]] = {
    "autoencoder": _autoencoder,
    "decoder": lambda folder: _refined(_autoencoder(folder), folder),
    "vision_language": ship_vision_language,
    "targets": ship_targets,
    "denoiser": ship_generator,
    **{name: lambda folder, name=name: ship_target(name, folder) for name in targets.RECIPES},
}


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(list(PARTS)))
@click.option(
    "--checkpoints",
    type=click.Path(path_type=Path),
    default=Path.home() / ".cache" / "sieve_assets" / "terrarium",
    show_default=True,
    help="Folder that training resumes from.",
)
@click.option("--device", default="cpu", show_default=True, help="What trains, such as cuda.")
@click.option("--threads", type=int, default=None, help="CPU threads; all by default.")
def main(parts: tuple[str, ...], checkpoints: Path, device: str, threads: int | None) -> None:
    """Train and ship PARTS of the world, or all of it."""
    torch.set_default_device(device)
    if threads:
        torch.set_num_threads(threads)
    for part in parts or ("autoencoder", "decoder", "vision_language", "targets", "denoiser"):
        PARTS[part](checkpoints)


if __name__ == "__main__":
    main()
