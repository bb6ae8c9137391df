"""A set's images, each decoded once to be sure that it can be; and one image by its uri."""

from functools import partial
from itertools import pairwise
from typing import NamedTuple

import pandas as pd
from PIL import Image

from sieve_assets.image_sets.ahead import done_ahead
from sieve_assets.image_sets.image_set import SUFFIXES, ImageSet, Item
from sieve_assets.stores.content_files import sha256_of
from sieve_assets.stores.decoding import decoded, reason, upright_size

MOST_UNREADABLE_PCT = 1
"""Of a set's images: with more, something went wrong with the set and not with some files."""

_MOST_NAMED = 5
_N_AHEAD = 64


class Listing(NamedTuple):
    """The images of a set."""

    images: pd.DataFrame
    """image_id, uri, label (as in `Item`), sha256 (of the file), width_px, height_px (as
    `open_image` gives it); by image_id."""
    problems: pd.DataFrame
    """image_id, reason: the images that are left out because they cannot be read."""


def list_images(image_set: ImageSet) -> Listing:
    """All images of a set, each decoded once to be sure that it can be.

    Images that cannot be read are left out and named, up to 1 % of them. Images with the same
    content are as many images.

    Raises:
        FileNotFoundError: There is no such set.
        NotADirectoryError: It should be a folder, and is none.
        LookupError: A package that reads it is not installed, or a name in it is not known.
        ValueError: The set has no images, two of the same name, none that can be read, or more
            than 1 % that cannot.
    """
    items = sorted(image_set.items())
    _check_names(image_set, items)

    images, problems = [], []
    findings = done_ahead(
        partial(_examined, image_set), items, n_ahead=_N_AHEAD, threads=image_set.readers
    )
    for item, finding in zip(items, findings, strict=True):
        if isinstance(finding, str):
            problems.append((item.image_id.encode(errors="backslashreplace").decode(), finding))
        else:
            images.append((*item, *finding))
    _check_some(image_set, images, problems)
    columns = [*Item._fields, "sha256", "width_px", "height_px"]
    return Listing(
        images=pd.DataFrame(images, columns=columns),
        problems=pd.DataFrame(problems, columns=["image_id", "reason"]),
    )


def open_image(image_set: ImageSet, uri: str, *, sha256: str = "") -> Image.Image:
    """An image as people see it: RGB, turned as its EXIF orientation says, on white.

    Args:
        image_set: The set that it is of.
        uri: Where in the set the image is.
        sha256: What its SHA-256 must be, so that nothing is computed from an image that has
            changed since it was listed; not compared if empty.

    Raises:
        FileNotFoundError: There is no such image.
        ValueError: It cannot be read as an image, or has another content.
    """
    try:
        content = image_set.read(uri)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"open_image: expected an image at {uri}, got no file. "
            "Put it back, or materialize probe_images again."
        ) from error
    if sha256 and sha256_of(content) != sha256:
        raise ValueError(
            f"open_image: expected the image at {uri} as it was listed, got another content. "
            "Put it back, or materialize probe_images again."
        )
    try:
        return decoded(content)
    except Exception as error:
        raise ValueError(
            f"open_image: expected an image at {uri}, got {reason(error)}. "
            "Repair it, or remove it and materialize probe_images again."
        ) from error


def _examined(image_set: ImageSet, item: Item) -> tuple[str, int, int] | str:
    """SHA-256, width and height of an image, or the reason why it cannot be used."""
    try:
        item.uri.encode()
        content = image_set.read(item.uri)
        return sha256_of(content), *upright_size(content)
    except Exception as error:  # noqa: BLE001 (decoders raise anything on corrupt bytes)
        return reason(error)


def _check_names(image_set: ImageSet, items: list[Item]) -> None:
    for one, other in pairwise(items):
        if one.image_id == other.image_id:
            raise ValueError(
                f"list_images: expected each name once in {image_set.where}, got "
                f"{one.image_id!r} at {one.uri} and at {other.uri}. Rename one."
            )


def _check_some(image_set: ImageSet, images: list[tuple], problems: list[tuple]) -> None:
    where, n_found = image_set.where, len(images) + len(problems)
    if not n_found:
        raise ValueError(
            f"list_images: expected images in {where}, got none. Files are taken for images if "
            f"their names end in one of {sorted(SUFFIXES)}. Check what the study file says of it."
        )
    if not images:
        raise ValueError(
            f"list_images: expected readable images in {where}, got {n_found} that are not, e.g. "
            f"{problems[0][0]!r}: {problems[0][1]}. Check how they were copied."
        )
    if 100 * len(problems) > MOST_UNREADABLE_PCT * n_found:
        named = "; ".join(f"{name!r}: {why}" for name, why in problems[:_MOST_NAMED])
        more = f"; and {len(problems) - _MOST_NAMED} more" if len(problems) > _MOST_NAMED else ""
        raise ValueError(
            f"list_images: expected at most {MOST_UNREADABLE_PCT} % of the {n_found} images in "
            f"{where} to be unreadable, got {len(problems)} ({named}{more}). Repair these files or "
            "take them out."
        )
