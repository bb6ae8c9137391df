"""The world's probe set: biased scenes as an image folder, like one that a user would bring."""

import hashlib
import os
import shutil
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from sieve_assets.terrarium.renderer import draw_scene
from sieve_assets.terrarium.scenes import OBJECT_SHARE, biased_scenes
from sieve_assets.terrarium.world import DATA

EMPTY = "empty"
"""Label of a scene without an object."""
RENDERER_VERSION = "1"
"""Raised whenever the same scene gives other pixels."""


def render_probe(root: Path, *, n_images: int, seed: int) -> Path:
    """Render the probe set below `root`, unless it is there; its folder.

    One folder a label, one PNG a scene. The folder's name says what the pictures depend on.
    """
    content = [RENDERER_VERSION, f"{n_images} {seed} {OBJECT_SHARE}"]
    content += [
        hashlib.sha256((DATA / name).read_bytes()).hexdigest()
        for name in ("objects.csv", "sprites.png")
    ]
    folder = root / f"terrarium-{hashlib.sha256(' '.join(content).encode()).hexdigest()[:16]}"
    if folder.exists():
        return folder
    unfinished = folder.with_name(f"{folder.name}.{os.getpid()}.unfinished")
    scenes = biased_scenes(n_images, seed=seed, object_share=OBJECT_SHARE)
    for number, scene in enumerate(tqdm(scenes, desc="render probe scenes")):
        label = unfinished / (EMPTY if scene.thing is None else scene.thing.name)
        label.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(draw_scene(scene).image)
        image.save(label / f"scene-{number:06d}.png", compress_level=1)
    if folder.exists():
        shutil.rmtree(unfinished)
    else:
        unfinished.rename(folder)
    return folder
