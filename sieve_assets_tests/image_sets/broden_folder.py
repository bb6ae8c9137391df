"""Folders in the format of Broden, made of pictures and of numbers by pixel."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from sieve_assets_tests.image_sets.test_broden import label_image


def make_broden(
    root: Path,
    images: Mapping[str, tuple[Image.Image, Sequence[Sequence[int]] | np.ndarray | None]],
    names: Sequence[str],
) -> None:
    """Write images with the numbers of their objects, from 1; 0 is none, None is no label image."""
    (root / "images").mkdir(parents=True, exist_ok=True)
    index = ["image,split,ih,iw,sh,sw,object"]
    for name, (image, numbers) in images.items():
        image.save(root / "images" / name)
        label = "" if numbers is None else f"{name}.object.png"
        high, wide = (image.height // 2, image.width // 2) if numbers is None else np.shape(numbers)
        if numbers is not None:
            label_image(numbers).save(root / "images" / label)
        index.append(f"{name},train,{image.height},{image.width},{high},{wide},{label}")
    (root / "index.csv").write_text("\n".join(index) + "\n")
    labels = [f"{number},{name},object(9)" for number, name in enumerate(names, start=1)]
    (root / "label.csv").write_text("\n".join(["number,name,category", *labels]) + "\n")
    (root / "category.csv").write_text("name\nobject\n")
