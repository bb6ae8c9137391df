"""Says what a picture shows, without the vision-language model: a target's logits, and colours."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from PIL import Image, ImageFilter
from sklearn.ensemble import ExtraTreesClassifier
from torch import nn

from sieve_assets import study_targets
from sieve_assets.models.frames import input_frames
from sieve_assets.models.precision import full_precision
from sieve_assets.terrarium.renderer import draw_scene
from sieve_assets.terrarium.scenes import FRAME_PX, NARROW, Scene, unbiased_scenes
from sieve_assets.terrarium.world import BACKGROUNDS, world_objects

CELL_PX = 16
"""Side of the cells whose colours tell a background."""
N_TREES = 150
BATCH = 64
EMPTY_SHARE = 0.1


def draw_images(scenes: Sequence[Scene]) -> list[Image.Image]:
    """Return the scenes' pictures, as the pipeline's models take them."""
    return [Image.fromarray(draw_scene(scene).image) for scene in scenes]


def classes_seen(
    network: nn.Module, transform: study_targets.Transform, images: Sequence[Image.Image]
) -> Int[np.ndarray, " image"]:
    """Return the class that a target network gives to each picture."""
    device = next(network.parameters()).device
    classes = [np.empty(0, np.int64)]
    for start in range(0, len(images), BATCH):
        with full_precision():
            frames = input_frames(images[start : start + BATCH], transform, device=device)
            classes.append(network(frames).argmax(1).cpu().numpy())
    return np.concatenate(classes)


def colour_features(images: Sequence[Image.Image]) -> Float[np.ndarray, "image feature"]:
    """Return mean, spread and roughness of each colour in each cell of the pictures."""
    pixels = np.stack([np.asarray(image, np.float32) for image in images])
    n_cells = FRAME_PX // CELL_PX
    cells = pixels.reshape(len(images), n_cells, CELL_PX, n_cells, CELL_PX, 3)
    features = [
        cells.mean((2, 4)),
        cells.std((2, 4)),
        np.abs(np.diff(cells, axis=2)).mean((2, 4)),
        np.abs(np.diff(cells, axis=4)).mean((2, 4)),
    ]
    return np.concatenate([feature.reshape(len(images), -1) for feature in features], axis=1)


def fit_background_judge(n_scenes: int, *, seed: int) -> ExtraTreesClassifier:
    """Return a classifier of `colour_features`, fitted on scenes sharp and blurred.

    Blurred too, because a generator's textures are smoother than the renderer's.
    """
    scenes = unbiased_scenes(
        n_scenes, seed=seed, empty_share=EMPTY_SHARE, pose=NARROW, only_drawn=True
    )
    sharp = draw_images(scenes)
    blurred = [image.filter(ImageFilter.GaussianBlur(1)) for image in sharp]
    numbers = [BACKGROUNDS.index(scene.background) for scene in scenes]
    judge = ExtraTreesClassifier(N_TREES, random_state=seed)
    return judge.fit(colour_features(sharp + blurred), numbers + numbers)


class Judge:
    """What a target network and a judge of backgrounds see in pictures."""

    def __init__(
        self,
        network: nn.Module,
        transform: study_targets.Transform,
        backgrounds: ExtraTreesClassifier,
    ) -> None:
        """Take over a network that classifies the world's objects, and a fitted classifier."""
        self._network = network
        self._transform = transform
        self._backgrounds = backgrounds

    def seen_in(self, images: Sequence[Image.Image]) -> list[Scene]:
        """Return scenes with the objects and backgrounds seen; their poses mean nothing."""
        classes = classes_seen(self._network, self._transform, images)
        grounds = np.asarray(self._backgrounds.predict(colour_features(images)), int)
        things = [*world_objects(), None]
        return [
            Scene(things[number], BACKGROUNDS[ground], 0, 0, 0, 0, 1, 0)
            for number, ground in zip(classes, grounds, strict=True)
        ]
