"""The user's own images: what a folder holds, and one image by its uri. Nothing is written."""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from sieve_assets.stores.content_files import sha256_of

_SUFFIXES = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)
_SIDEWAYS = frozenset({5, 6, 7, 8})  # EXIF orientations that swap width and height
_DEEP_MODES = frozenset({"I", "F", "I;16", "I;16L", "I;16B", "I;16N"})  # Pillow's RGB clips them to white


class FolderListing(NamedTuple):
    """The images of a folder.

    Attributes:
        images: image_id (path within the folder), uri (absolute path), label (name of the image's own folder), sha256 (of the
            file), width_px and height_px (as `open_image` gives it); one row an image, sorted by image_id.
        problems: image_id and reason, for each image that is left out because it cannot be read.
    """

    images: pd.DataFrame
    problems: pd.DataFrame


def list_folder(path: Path) -> FolderListing:
    """All images below a folder, each read and decoded once to be sure that it can be.

    Sizes come from the headers. To find corrupt files a header is not enough: Pillow's `verify` checks the sums in a
    PNG and nothing in other formats, and only `load` finds that a file ends early. So both are done, JPEG at an eighth
    of its size, which reads the whole file and takes a third of the time. Damage inside a JPEG's data that still
    decodes goes unseen: the format has no sums.

    Hidden files and folders, and files without an image's suffix, are ignored; links are followed.

    Raises:
        FileNotFoundError: There is no such folder.
        NotADirectoryError: The path is not a folder.
        ValueError: The folder has no images, or none that can be read.
    """
    if not path.exists():
        raise FileNotFoundError(f"list_folder: expected a folder, got {path}, which does not exist. Check the path.")
    if not path.is_dir():
        raise NotADirectoryError(f"list_folder: expected a folder, got the file {path}. Name its folder.")
    path = path.absolute()
    paths = sorted(_image_paths(path, inside=()), key=lambda found: _image_id(path, found))
    with ThreadPoolExecutor() as pool:  # reading, hashing and decoding all release the interpreter's lock
        findings = list(pool.map(_examined, paths))
    images, problems = [], []
    for found, finding in zip(paths, findings, strict=True):
        if isinstance(finding, str):
            name = _image_id(path, found).encode(errors="backslashreplace").decode()
            problems.append((name, finding))
        else:
            images.append((_image_id(path, found), str(found), found.parent.name, *finding))
    _check_any(path, images, problems)
    columns = ["image_id", "uri", "label", "sha256", "width_px", "height_px"]
    return FolderListing(pd.DataFrame(images, columns=columns), pd.DataFrame(problems, columns=["image_id", "reason"]))


def open_image(uri: str) -> Image.Image:
    """An image as people see it: RGB, turned as its EXIF orientation says; of an animation the first frame.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file cannot be read as an image.
    """
    try:
        content = Path(uri).read_bytes()
    except FileNotFoundError as error:
        message = f"open_image: expected an image at {uri}, got no file."
        raise FileNotFoundError(f"{message} Put it back, or materialize probe_images again.") from error
    try:
        return _upright(Image.open(io.BytesIO(content)))
    except Exception as error:
        message = f"open_image: expected an image at {uri}, got {_reason(error)}."
        raise ValueError(f"{message} Repair it, or remove it and materialize probe_images again.") from error


def _image_paths(folder: Path, *, inside: tuple[tuple[int, int], ...]) -> Iterator[Path]:
    """Candidates below a folder; `inside` identifies the folders above it, so that no link leads in circles."""
    status = folder.stat()
    identity = (status.st_dev, status.st_ino)
    if identity in inside:
        return
    for child in folder.iterdir():
        if child.name.startswith("."):
            continue
        if child.is_dir():
            yield from _image_paths(child, inside=(*inside, identity))
        elif child.suffix.lower() in _SUFFIXES and (child.is_file() or not child.exists()):
            yield child  # also a link that leads nowhere: it shall be reported


def _image_id(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


def _examined(path: Path) -> tuple[str, int, int] | str:
    """SHA-256, width and height of an image, or the reason why it cannot be used."""
    try:
        str(path).encode()
        content = path.read_bytes()
        return sha256_of(content), *_upright_size(content)
    except Exception as error:  # noqa: BLE001 - decoders raise anything on corrupt bytes
        return _reason(error)


def _upright_size(content: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(content)) as image:
        image.verify()
    with Image.open(io.BytesIO(content)) as image:
        width, height = image.size
        image.draft(image.mode, (1, 1))
        image.load()
        _check_depth(image)
        is_sideways = image.getexif().get(ExifTags.Base.Orientation) in _SIDEWAYS
    return (height, width) if is_sideways else (width, height)


def _upright(image: Image.Image) -> Image.Image:
    _check_depth(image)
    image.load()
    return ImageOps.exif_transpose(image).convert("RGB")


def _check_depth(image: Image.Image) -> None:
    if image.mode in _DEEP_MODES:
        message = f"expected 8 bits a channel, got mode {image.mode}"
        raise ValueError(f"{message}; convert it with a scale of your choice")


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not an image of a known format"
    if isinstance(error, UnicodeEncodeError):
        return "its name is not UTF-8"
    return f"{type(error).__name__}: {error}"


def _check_any(folder: Path, images: list[tuple], problems: list[tuple]) -> None:
    if images:
        return
    if not problems:
        message = f"list_folder: expected images below {folder}, got none with a suffix of {sorted(_SUFFIXES)}."
        raise ValueError(f"{message} Check the path.")
    name, reason = problems[0]
    message = f"list_folder: expected readable images below {folder}, got {len(problems)} that are not, e.g. {name}: {reason}."
    raise ValueError(f"{message} Check how they were copied.")
