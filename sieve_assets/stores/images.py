"""Pictures and patches as PNG files named by their content.

Not here: the user's probe images, which stay where they are, and any table.
"""

import io
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image

from sieve_assets.stores.content_files import (
    Place,
    damaged,
    is_whole,
    put_content,
    read_content,
    sha256_of,
)

_SUFFIX = ".png"


class StoredImage(NamedTuple):
    """A picture in an image store."""

    uri: str
    """Where it is, relative to the store's root."""
    sha256: str
    """SHA-256 of its file."""


@dataclass(frozen=True)
class ImageStore:
    """Pictures below a folder, each once.

    Attributes:
        root: The folder, made on first use, or its address. It may be moved: uris are relative to
            it.
    """

    root: Place

    def put(self, image: Image.Image) -> StoredImage:
        """Store a picture's pixels, and nothing else the image carries (profiles, notes).

        Raises:
            ValueError: The image is not RGB.
            OSError: It could not be written; then there is no file of that name.
        """
        if image.mode != "RGB":
            raise ValueError(
                f"ImageStore.put: expected an RGB image, got mode {image.mode}. Convert it first."
            )
        file = io.BytesIO()
        Image.frombytes("RGB", image.size, image.tobytes()).save(file, format="PNG")
        content = file.getvalue()
        return StoredImage(put_content(self.root, content, _SUFFIX), sha256_of(content))

    def open(self, uri: str, *, verify: bool = False) -> Image.Image:
        """A stored picture, RGB, in memory.

        Args:
            uri: What `put` returned.
            verify: Whether to compare the file with the hash in its name. Without, only damage
                that keeps the picture from being decoded is found.

        Raises:
            ValueError: The uri is not one of an image store, or the file is damaged.
            FileNotFoundError: There is no such picture.
        """
        content = read_content(self.root, uri, _SUFFIX, verify=verify)
        try:
            image = Image.open(io.BytesIO(content), formats=["PNG"])
            image.load()
        except (OSError, SyntaxError) as error:
            finding = f"{len(content)} bytes that are no whole PNG ({error})"
            raise damaged(self.root / uri, finding) from error
        return image if image.mode == "RGB" else image.convert("RGB")

    def is_whole(self, uri: str) -> bool:
        """Whether the stored picture is there, as put."""
        return is_whole(self.root, uri, _SUFFIX)
