"""Pictures and patches as PNG files named by their content. Not here: the user's probe images, any table."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from sieve_assets.stores.content_files import damaged, put_content, read_content, sha256_of

_SUFFIX = ".png"


class StoredImage(NamedTuple):
    """A picture in an image store.

    Attributes:
        uri: Where it is, relative to the store's root.
        sha256: SHA-256 of its file.
    """

    uri: str
    sha256: str


@dataclass(frozen=True)
class ImageStore:
    """Pictures below a folder, each once.

    Attributes:
        root: The folder, made on first use. Move it as you like: uris are relative to it.
    """

    root: Path

    def put(self, image: Image.Image) -> StoredImage:
        """Store a picture's pixels, and nothing else the image carries (profiles, notes).

        Raises:
            ValueError: The image is not RGB.
            OSError: It could not be written; then there is no file of that name.
        """
        if image.mode != "RGB":
            message = f"ImageStore.put: expected an RGB image, got mode {image.mode}."
            raise ValueError(f"{message} Convert it first.")
        content = io.BytesIO()
        Image.frombytes("RGB", image.size, image.tobytes()).save(content, format="PNG")
        uri = put_content(self.root, content.getvalue(), _SUFFIX)
        return StoredImage(uri=uri, sha256=sha256_of(content.getvalue()))

    def open(self, uri: str, *, verify: bool = False) -> Image.Image:
        """A stored picture, RGB, in memory.

        Args:
            uri: What `put` returned.
            verify: Whether to compare the file with the hash in its name. Without, only damage that keeps the
                picture from being decoded is found.

        Raises:
            ValueError: The uri is not one of an image store, or the file is damaged.
            FileNotFoundError: There is no such picture.
        """
        content = read_content(self.root, uri, _SUFFIX, verify=verify)
        try:
            return Image.open(io.BytesIO(content), formats=["PNG"]).convert("RGB")
        except (OSError, SyntaxError) as error:
            raise damaged(self.root / uri, f"{len(content)} bytes that PNG cannot read ({error})") from error
