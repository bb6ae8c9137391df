"""Pictures of the tests of image sets, and what they are looked at with."""

import io

import numpy as np
from PIL import Image

from sieve_assets.image_sets.folders import Folder
from sieve_assets.image_sets.listing import list_images, open_image

FORMATS = {
    ".bmp": "BMP",
    ".gif": "GIF",
    ".jpg": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".webp": "WEBP",
}
WIDTH, HEIGHT = 37, 23


def content(suffix=".png", mode="RGB", seed=0, **options):
    """A small picture as a file."""
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, FORMATS[suffix], **options)
    return file.getvalue()


def put(path, data):
    """Write a file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def listing_of(path):
    """What a folder holds."""
    return list_images(Folder(path))


def opened(uri, **options):
    """An image of a folder."""
    return open_image(Folder("unused"), uri, **options)
