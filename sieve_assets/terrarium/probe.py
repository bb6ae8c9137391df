"""The world's probe set: biased scenes as an image folder, like one that a user would bring."""

import hashlib
import shutil
import uuid
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from sieve_assets.terrarium.renderer import draw_scene, renderer_identity
from sieve_assets.terrarium.scenes import OBJECT_SHARE, Scene, biased_scenes
from sieve_assets.terrarium.styles import PLAIN, STYLES, STYLES_VERSION
from sieve_assets.terrarium.workers import in_parts
from sieve_assets.terrarium.world import world_objects

EMPTY = "empty"
"""Label of a scene without an object."""
_PREFIX = "scene-"
TOGETHER = 500
"""Scenes that a worker draws and writes at a time."""


def class_labels() -> list[str]:
    """Return the label of each class of the target networks, in their order."""
    return [*(thing.name for thing in world_objects()), EMPTY]


def scenes_of(image_ids: Sequence[str], *, n_images: int, seed: int) -> list[Scene]:
    """Return what images of a probe set show, by the numbers in their names."""
    scenes = biased_scenes(n_images, seed=seed, object_share=OBJECT_SHARE)
    return [scenes[int(Path(one).stem.removeprefix(_PREFIX))] for one in image_ids]


def scene_folder(n_images: int, seed: int, style: str) -> str:
    """Return the name of a probe set's folder, which says what its pictures depend on."""
    version, *files = renderer_identity()
    content = [version, f"{n_images} {seed} {OBJECT_SHARE}", *files]
    if style != PLAIN:
        content += [style, STYLES_VERSION]
    return f"terrarium-{hashlib.sha256(' '.join(content).encode()).hexdigest()[:16]}"


def render_probe(root: Path, *, n_images: int, seed: int, style: str) -> Path:
    """Render the probe set below `root`, unless it is there, and return its folder.

    One folder a label, one PNG a scene. It is there when it is complete, whatever interrupts or
    runs beside its making.
    """
    folder = root / scene_folder(n_images, seed, style)
    if folder.exists():
        return folder
    unfinished = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}.unfinished")
    try:
        scenes = biased_scenes(n_images, seed=seed, object_share=OBJECT_SHARE)
        _write_scenes(unfinished, scenes, style)
        unfinished.rename(folder)
    except OSError:
        # Another process may have been faster: its pictures are the same.
        if not folder.exists():
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _write_scenes(folder: Path, scenes: list[Scene], style: str) -> None:
    for label in {_label(scene) for scene in scenes}:
        (folder / label).mkdir(parents=True)
    written = in_parts(partial(_write_part, folder, style), list(enumerate(scenes)), size=TOGETHER)
    with tqdm(total=len(scenes), desc="render probe scenes") as bar:
        for count in written:
            bar.update(count)


def _write_part(folder: Path, style: str, scenes: Sequence[tuple[int, Scene]]) -> int:
    for number, scene in scenes:
        image = Image.fromarray(STYLES[style](draw_scene(scene).image))
        image.save(folder / _label(scene) / f"{_PREFIX}{number:06d}.png", compress_level=1)
    return len(scenes)


def _label(scene: Scene) -> str:
    return EMPTY if scene.thing is None else scene.thing.name
