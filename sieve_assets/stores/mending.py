"""Finds stored files that are damaged or gone, and forgets what was made of them.

What is forgotten counts as never made: the next run makes it again, the same as it was.
"""

import shutil
import time
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rich.progress import track

from sieve_assets.stores.arrays import ArrayStore
from sieve_assets.stores.content_files import has_content, remove
from sieve_assets.stores.images import ImageStore
from sieve_assets.stores.warehouse import Replacement, Warehouse

LEFTOVER_AGE_S = 3600.0
"""Unfinished files and folders younger than this (s) may belong to a run at work."""
_LEFTOVERS = (".*.tmp", ".*.tmp.wal", "*.unfinished")

# Which notes of provenance, and which rows of tables by key, rest on a file.
_NOTES = """
SELECT DISTINCT 'generated_image_sets' AS stage, model, neuron FROM generated_image_sets
WHERE uri IN (SELECT unnest($pictures))
UNION ALL
SELECT DISTINCT 'patch_embeddings', model, neuron FROM patch_embeddings
WHERE uri IN (SELECT unnest($pictures))
UNION ALL
SELECT DISTINCT 'reference_pictures', model, -1 FROM reference_pictures
WHERE uri IN (SELECT unnest($pictures))
UNION ALL
SELECT DISTINCT 'compared_pictures', model, -1 FROM compared_pictures
WHERE uri IN (SELECT unnest($pictures))
UNION ALL
SELECT DISTINCT 'probe_embeddings', model, -1 FROM probe_embeddings
WHERE list_has_any(embeddings_uri, $arrays)
UNION ALL
SELECT 'probe_pass', model, -1 FROM probe_passes
WHERE strongest_uri IN (SELECT unnest($arrays)) OR list_has_any(activations_uri, $arrays)
UNION ALL
SELECT DISTINCT 'neuron_atlas', model, -1 FROM atlas_pages
WHERE path IN (SELECT unnest($pages))
UNION ALL
SELECT DISTINCT 'target_report', model, -1 FROM target_reports
WHERE path IN (SELECT unnest($pages))
"""
_PICTURE_URIS = "SELECT uri FROM pictures UNION SELECT uri FROM patch_embeddings"
_ARRAY_URIS = """
SELECT uri FROM probe_shards UNION SELECT strongest_uri FROM probe_passes
UNION SELECT unnest(activations_uri) FROM probe_passes
UNION SELECT uri FROM scene_activations UNION SELECT uri FROM text_embeddings
"""

_PAGES = """
SELECT path, list(DISTINCT sha256) AS known FROM (
    SELECT path, sha256 FROM atlas_pages UNION ALL SELECT path, sha256 FROM target_reports
) GROUP BY path ORDER BY path
"""
"""What targets share has the content that one of them wrote last."""

_ARRAYS = (
    ("probe_shards", "shard_id"),
    ("scene_activations", "scenes_id"),
    ("text_embeddings", "texts_id"),
)
"""Tables that say where arrays are, with their keys."""


@dataclass(frozen=True)
class Mended:
    """What was found and forgotten.

    Attributes:
        n_files: Files that were compared with their names or with what is listed.
        damaged: Uris of those that were damaged or gone.
        n_notes: Stages by target and neuron that are to be made again.
        leftovers: What interrupted writes had left and is removed now.
    """

    n_files: int
    damaged: list[str]
    n_notes: int
    leftovers: list[str]


def mend(
    warehouse: Warehouse, images: ImageStore, arrays: ArrayStore, *, rendered: Path, atlas: Path
) -> Mended:
    """Compare every stored file with the hash in its name; forget the damaged ones.

    A damaged file is deleted, and so are the rows that say that it is there and the notes of what
    was made of it: the stages that made it run again. A rendered probe set of which an image is
    damaged is deleted as a whole; a user's own images are never touched.

    Args:
        warehouse: The tables.
        images: The store of pictures and patches.
        arrays: The store of arrays.
        rendered: Folder of the probe sets that the project rendered itself.
        atlas: Folder of the neuron atlas.

    Raises:
        OSError: A damaged file cannot be deleted.
    """
    pictures = _damaged(images, warehouse.read(_PICTURE_URIS)["uri"], "pictures")
    parts = _damaged(arrays, warehouse.read(_ARRAY_URIS)["uri"], "arrays")
    scenes = warehouse.read(
        "SELECT uri, sha256 FROM probe_images WHERE starts_with(uri, $1)", [f"{rendered}/"]
    )
    lost = [
        uri
        for uri, sha256 in zip(scenes["uri"], scenes["sha256"], strict=True)
        if not has_content(Path(uri), [sha256])
    ]
    pages = warehouse.read(_PAGES)
    bad_pages = [
        path
        for path, known in pages.itertuples(index=False)
        if not has_content(atlas / path, known)
    ]
    notes = warehouse.read(
        _NOTES, {"pictures": pictures.bad, "arrays": parts.bad, "pages": bad_pages}
    )
    if pictures.bad or parts.bad or bad_pages:
        places = ((images.root, pictures.bad), (arrays.root, parts.bad), (atlas, bad_pages))
        for root, names in places:
            for name in names:
                remove(root / name)
        warehouse.replace(
            _without("provenance", notes),
            _without("pictures", _keys(warehouse, "picture_id", "pictures", pictures.bad)),
            *(_without(table, _keys(warehouse, key, table, parts.bad)) for table, key in _ARRAYS),
        )
    for folder in {_set_of(Path(uri), rendered) for uri in lost}:
        if folder.exists():
            shutil.rmtree(folder)
    # At an address nothing is left over: it shows a file when all of it is there.
    local = [root for root in (images.root, arrays.root, rendered, atlas) if isinstance(root, Path)]
    leftovers = [_removed(one) for one in _leftovers(local)]
    return Mended(
        n_files=pictures.n_files + parts.n_files + len(scenes) + len(pages),
        damaged=[*pictures.bad, *parts.bad, *lost, *bad_pages],
        n_notes=len(notes),
        leftovers=leftovers,
    )


@dataclass(frozen=True)
class _Found:
    n_files: int
    bad: list[str]


def _damaged(store: ImageStore | ArrayStore, uris: Collection[str], what: str) -> _Found:
    """Which of a store's files are not what was put there."""
    with ThreadPoolExecutor() as pool:
        checks = pool.map(store.is_whole, uris)
        shown = track(checks, f"check {what}", total=len(uris), transient=True)
        return _Found(len(uris), [uri for uri, ok in zip(uris, shown, strict=True) if not ok])


def _keys(warehouse: Warehouse, key: str, table: str, uris: list[str]) -> pd.DataFrame:
    return warehouse.read(
        f"SELECT {key} FROM {table} WHERE uri IN (SELECT unnest($uris))",  # noqa: S608 (our names)
        {"uris": uris},
    )


def _without(table: str, keys: pd.DataFrame) -> Replacement:
    return Replacement(table, pd.DataFrame(), keys)


def _set_of(image: Path, rendered: Path) -> Path:
    """The folder of the probe set that an image is in."""
    return rendered / image.relative_to(rendered).parts[0]


def _leftovers(roots: Iterable[Path]) -> Iterator[Path]:
    latest = time.time() - LEFTOVER_AGE_S
    for root in roots:
        for pattern in _LEFTOVERS:
            found = root.rglob(pattern) if root.is_dir() else ()
            yield from [one for one in found if one.stat().st_mtime < latest]


def _removed(path: Path) -> str:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    return str(path)
