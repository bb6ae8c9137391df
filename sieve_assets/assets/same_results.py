"""Whether two places hold the same results of a study, whoever made them and when.

Not here: how they were made.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from sieve_assets.assets.pipeline import stages_of
from sieve_assets.assets.resources import Workbench
from sieve_assets.image_sets.ahead import done_ahead
from sieve_assets.stores.schema import tables

ROUNDING = 1e-3
"""How far floats may be apart, relative or absolute: models round otherwise in other batches."""
LEVELS = 2
"""How far pixels may be apart, of 255, for the same reason."""
BANK = ("pictures", "picture_activations", "picture_embeddings")
"""Tables of the picture bank, which no stage has for itself."""
_OF_A_RUN = ("run_id", "recorded_at", "seconds", "drawn_by_run")
_OF_CONTENT = ("uri", "uris", "input_hash", "output_hash")
"""Ends of the names of columns that tell content to the last bit."""


class Comparison(NamedTuple):
    """What was compared."""

    n_rows: Mapping[str, int]
    """Rows of each table that was expected."""
    n_pictures: int
    """Pictures whose pixels were compared, those of equal files among them."""
    differences: list[str]
    """What is otherwise than expected, a line each."""


def compared(found: Workbench, expected: Workbench) -> Comparison:
    """Compare all rows of the stages, and the pictures drawn; not pages, which show when it was.

    Raises:
        OSError, WarehouseBusyError, LakeLostError, OtherSchemaError: As for reading the stores.
    """
    stages = [one for one in stages_of(expected.study) if not one.shows]
    n_rows, differences = {}, []
    for name in sorted({one.table for one in stages} | {*BANK}):
        pair = [_rows(bench, name) for bench in (found, expected)]
        n_rows[name] = len(pair[1])
        differences += [f"{name}: {difference}" for difference in _differences(*pair)]
    pictures = _pictures(found, expected)
    differences += [
        f"picture {one.picture_id}: expected pixels within {LEVELS} of 255, got {one.apart} apart"
        for one in _compared_pictures(pictures, found, expected)
        if one.apart > LEVELS
    ]
    return Comparison(n_rows, len(pictures), differences)


def _rows(bench: Workbench, table: str) -> pd.DataFrame:
    key = ", ".join(tables()[table].key)
    rows = bench.warehouse.read(f"SELECT * FROM {table} ORDER BY {key}")  # noqa: S608 (our names)
    ends = (*_OF_CONTENT, *(["sha256"] if table == "pictures" else []))
    other = [name for name in rows.columns if name in _OF_A_RUN or name.endswith(ends)]
    return rows.drop(columns=other)


def _differences(found: pd.DataFrame, expected: pd.DataFrame) -> Iterator[str]:
    """How many rows, or values of a column, are others."""
    if len(found) != len(expected):
        yield f"expected {len(expected)} rows, got {len(found)}"
        return
    for name in expected.columns:
        pair = [_flat(rows.loc[:, name]) for rows in (found, expected)]
        if pair[0].shape != pair[1].shape:
            yield f"{name}: lists of other lengths"
        elif pair[1].dtype.kind == "f":
            is_other = ~np.isclose(*pair, rtol=ROUNDING, atol=ROUNDING, equal_nan=True)
            if is_other.any():
                apart = np.nanmax(np.abs(pair[0] - pair[1]))
                yield f"{name}: {is_other.sum()} of {is_other.size} others, up to {apart:.3g} apart"
        elif n_others := int((pair[0] != pair[1]).sum()):
            yield f"{name}: {n_others} of {pair[1].size} others"


def _flat(values: pd.Series) -> np.ndarray:
    """Values one after the other, those of lists too; nothing is a value of its own."""
    lists = [one for one in values if isinstance(one, np.ndarray)]
    if lists:
        return np.concatenate(lists)
    if values.dtype.kind in "fiub":
        return values.to_numpy()
    return values.astype(object).where(values.notna(), None).to_numpy()


def _pictures(found: Workbench, expected: Workbench) -> pd.DataFrame:
    pair = [
        bench.warehouse.read("SELECT picture_id, uri FROM pictures") for bench in (found, expected)
    ]
    return pair[0].merge(pair[1], on="picture_id", suffixes=("_found", "_expected"))


class _Pair(NamedTuple):
    picture_id: str
    apart: int


def _compared_pictures(
    pictures: pd.DataFrame, found: Workbench, expected: Workbench
) -> Iterator[_Pair]:
    """How far the pixels of each picture are apart, at most."""
    stores = found.images, expected.images

    def apart(row: tuple[str, str, str]) -> _Pair:
        picture_id, *uris = row
        if uris[0] == uris[1]:  # of the same content
            return _Pair(picture_id, 255 * (not stores[0].is_whole(uris[0])))
        pair = [
            np.asarray(store.open(uri), np.int16) for store, uri in zip(stores, uris, strict=True)
        ]
        is_same_size = pair[0].shape == pair[1].shape
        return _Pair(picture_id, int(abs(pair[0] - pair[1]).max()) if is_same_size else 255)

    yield from done_ahead(apart, pictures.itertuples(index=False, name=None), n_ahead=64)
