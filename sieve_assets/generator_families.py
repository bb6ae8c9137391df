"""How families of text-to-image pipelines draw best, told by a pipeline's files or its name.

Fills in what a study file leaves out, and what `sieve init` writes. Reads small JSON files only.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from sieve_assets.study import Generator


class Drawing(NamedTuple):
    """What every picture of a generator is drawn with."""

    steps: int
    """Denoising steps."""
    guidance: float
    """Scale of classifier-free guidance."""
    size_px: int
    """Side of a picture."""


@dataclass(frozen=True)
class Family:
    """Pipelines that are drawn with alike.

    Attributes:
        name: As people call it.
        drawing: What the makers' own examples draw with.
        architecture: Pattern of the pipeline's class or, before its files are here, of its name.
        distilled: Pattern in the name or the scheduler's class of one taught to need few steps.
        more: Further settings that `sieve init` writes.
    """

    name: str
    drawing: Drawing
    architecture: str = ""
    distilled: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


_SD3 = r"stablediffusion3|stable-diffusion-3|sd3"
_BFLOAT16 = {"precision": "bfloat16"}
_TRAILING = {
    "scheduler": "EulerDiscreteScheduler",
    "scheduler_args": {"timestep_spacing": "trailing"},
}
FAMILIES = (
    Family("Stable Diffusion 3.5 Turbo", Drawing(4, 0.0, 1024), _SD3, "turbo", _BFLOAT16),
    Family("Z-Image Turbo", Drawing(9, 0.0, 1024), r"z-?image", "turbo", _BFLOAT16),
    Family("SD-Turbo and SDXL-Turbo", Drawing(1, 0.0, 512), "", "turbo"),
    Family("SDXL-Lightning", Drawing(4, 0.0, 1024), "", "lightning", _TRAILING),
    Family("FLUX schnell", Drawing(4, 0.0, 1024), "", "schnell", _BFLOAT16 | {"memory": "offload"}),
    Family("Latent consistency", Drawing(4, 8.5, 768), r"latentconsistency|lcm_dreamshaper"),
    Family("LCM-LoRA", Drawing(4, 1.0, 1024), "", "lcm"),
    Family("FLUX", Drawing(28, 3.5, 1024), "flux", "", _BFLOAT16 | {"memory": "offload"}),
    Family("PixArt", Drawing(20, 4.5, 1024), "pixart", "", _BFLOAT16),
    Family("Sana", Drawing(20, 4.5, 1024), "sana", "", _BFLOAT16),
    Family("Stable Diffusion 3 and 3.5", Drawing(28, 3.5, 1024), _SD3, "", _BFLOAT16),
    Family("Stable Diffusion XL", Drawing(30, 5.0, 1024), r"xl"),
    Family("Stable Diffusion 1 and 2", Drawing(30, 7.5, 512)),
)
"""The first that fits; the last fits all. Sources: the models' own cards."""


def family_of(pipeline: Path | str, folder: Path | None = None) -> Family:
    """The family of a pipeline: by its class and its name, or by its name alone.

    Args:
        pipeline: diffusers' folder, or a name on its hub.
        folder: Where its files are, if they are here.
    """
    names = _names(pipeline)
    architecture = names
    if folder is not None:
        index, scheduler = _read(folder / "model_index.json"), _scheduler(folder)
        architecture = str(index.get("_class_name", "")).lower() or names
        names += f" {_names(Path(str(index.get('_name_or_path', ''))))}"
        names += f" {str(scheduler.get('_class_name', '')).lower()}"
        # Only FLUX schnell was distilled to do without guidance.
        if architecture.startswith("flux") and _config(folder).get("guidance_embeds") is False:
            names += " schnell"
    return next(
        one
        for one in FAMILIES
        if re.search(one.architecture, architecture) and re.search(one.distilled, names)
    )


def drawing_of(settings: Generator, folder: Path) -> Drawing:
    """Steps, guidance and size: as the study says, or else as the pipeline's family draws.

    Args:
        settings: What the study says.
        folder: Of the pipeline's files.
    """
    usual = family_of(settings.pipeline, folder).drawing
    steps, guidance = settings.steps, settings.guidance
    return Drawing(
        usual.steps if steps is None else steps,
        usual.guidance if guidance is None else guidance,
        settings.size_px or native_size_px(folder) or usual.size_px,
    )


def settings_to_write(pipeline: Path | str) -> dict[str, Any]:
    """What `sieve init` writes for a pipeline: all that suits it, to be seen and changed."""
    folder = Path(pipeline).expanduser()
    if not folder.is_dir():
        folder = None
    family = family_of(folder or pipeline, folder)
    said = family.drawing._asdict()
    if folder is not None:
        said["size_px"] = native_size_px(folder) or said["size_px"]
    return {**said, "precision": "float32", **family.more}


def native_size_px(folder: Path) -> int | None:
    """Side of the pictures a pipeline was trained on; None if its files do not say it.

    Latents are smaller than pictures: each stage of the autoencoder but the first halves them.
    """
    side = _config(folder).get("sample_size")
    autoencoder = _read(folder / "vae" / "config.json")
    stages = autoencoder.get("block_out_channels") or autoencoder.get("encoder_block_out_channels")
    if isinstance(side, list) and len(set(side)) == 1:
        side = side[0]
    return side * 2 ** (len(stages) - 1) if isinstance(side, int) and stages else None


def _names(pipeline: Path | str) -> str:
    """What a name says of a pipeline; of a folder, whose place says nothing, its last part."""
    is_folder = isinstance(pipeline, Path) or Path(pipeline).is_dir()
    return (Path(pipeline).name if is_folder else str(pipeline)).lower()


def _config(folder: Path) -> Mapping[str, Any]:
    """The denoiser's configuration."""
    return _read(folder / "unet" / "config.json") or _read(folder / "transformer" / "config.json")


def _scheduler(folder: Path) -> Mapping[str, Any]:
    return _read(folder / "scheduler" / "scheduler_config.json")


def _read(path: Path) -> Mapping[str, Any]:
    """A configuration; empty where there is none, which whoever loads the pipeline will say."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, Mapping) else {}
