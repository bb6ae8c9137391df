"""How well crops find what is known to be there: `python -m sieve_assets.terrarium.crop_overlap`.

Decides which maps a vision transformer is cropped by (docs/method.md, decision 7).
"""

from pathlib import Path

import click
import numpy as np
import torch
from PIL import Image

from sieve_assets.method.patch_embeddings import crop_box
from sieve_assets.method.probe_pass import StrongestSamples, merge_strongest
from sieve_assets.models.target import load_target
from sieve_assets.study import Hypothesize, Target
from sieve_assets.study_file import load_study, study_path
from sieve_assets.terrarium.renderer import Picture, draw_scene
from sieve_assets.terrarium.scenes import FRAME_PX, OBJECT_SHARE, biased_scenes

MAPS = ("class_token_contributions", "patch_tokens")
BATCH = 64


def strongest_samples(
    name: str, target: Target, pictures: list[Picture], *, count: int
) -> StrongestSamples:
    """Each neuron's strongest pictures, with the maps that `target` asks for."""
    network = load_target(name, target, device="cpu", batch_size=BATCH)
    kept = None
    for start in range(0, len(pictures), BATCH):
        images = [Image.fromarray(one.image) for one in pictures[start : start + BATCH]]
        seen = network.observe(images)
        positions = torch.arange(start, start + len(images))
        kept = merge_strongest(kept, seen.activations, seen.maps, positions, count=count)
    if kept is None:
        raise ValueError("strongest_samples: expected pictures, got none. Render some.")
    return kept


def overlaps(
    kept: StrongestSamples, pictures: list[Picture], how: Hypothesize
) -> tuple[float, float, float]:
    """Mean share of the object inside the crop, of the crop that is object, and of the frame.

    Over all neurons' samples that show an object.
    """
    shares = []
    for positions, maps in zip(kept.positions.tolist(), kept.maps.numpy(), strict=True):
        for position, one in zip(positions, maps, strict=True):
            mask = pictures[position].mask
            if mask.any():
                box = crop_box(
                    one,
                    frame_px=FRAME_PX,
                    level=how.crop_level,
                    padding=how.crop_padding,
                    min_side=how.crop_min_side,
                )
                x0, y0, x1, y1 = (round(edge) for edge in box)
                inside = mask[y0:y1, x0:x1]
                shares.append((inside.sum() / mask.sum(), inside.mean(), inside.size / mask.size))
    found, exact, area = np.mean(shares, axis=0)
    return float(found), float(exact), float(area)


@click.command()
@click.argument("name", default="terrarium_vit")
@click.option("--n-scenes", default=3000, show_default=True)
def main(name: str, n_scenes: int) -> None:
    """Print the overlap of the target's crops with the objects, for each kind of maps."""
    study = load_study(Path(study_path()))
    scenes = biased_scenes(n_scenes, seed=study.seed + 1, object_share=OBJECT_SHARE)
    pictures = [draw_scene(scene) for scene in scenes]
    for maps in MAPS:
        target = study.targets[name].model_copy(update={"maps": maps})
        kept = strongest_samples(name, target, pictures, count=study.select.n_samples)
        found, exact, area = overlaps(kept, pictures, study.hypothesize)
        click.echo(
            f"{maps}: {found:.2f} of the object in the crop, {exact:.2f} of the crop is object, "
            f"crop {area:.2f} of the picture"
        )


if __name__ == "__main__":
    main()
