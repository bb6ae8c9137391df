"""Pandas frames to Arrow tables that fit the schema, or refused; and results back to frames.

Not here: connections, and any table by its name.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.types as kinds

from sieve_assets.stores.schema import Table, nearest

_MOST_VALUES = np.iinfo(np.int32).max  # Arrow's lists count their values in 32 bits


def rows_for(table: Table, frame: pd.DataFrame) -> pa.Table:
    """The frame as rows of a table: columns matched by name, types as declared, keys unique.

    A frame without rows and columns stands for no rows. NaN means NULL, except inside a list.

    Raises:
        ValueError: Columns are missing, unknown or double; a value does not fit its column; a
            required value is NULL; two rows have the same key.
        TypeError: A column's values are of another kind, e.g. text for a number.
    """
    if frame.shape == (0, 0):
        return table.columns.empty_table()
    _check_columns(table.name, frame, table.columns.names)
    columns = [_column(table.name, field, frame) for field in table.columns]
    rows = pa.Table.from_arrays(columns, schema=table.columns)
    _check_filled(table.name, rows, [name for name in rows.column_names if name in table.required])
    _check_unique(table, rows)
    return rows


def scope_for(table: Table, scope: pd.DataFrame, rows: pa.Table) -> pa.Table:
    """The distinct key values that a replacement covers.

    Args:
        table: The table whose rows are replaced.
        scope: Some of the table's key columns; the same values may come again.
        rows: The new rows, all inside the scope.

    Raises:
        ValueError: The columns are not key columns, a value is NULL or does not fit, or a row
            lies outside.
        TypeError: A column's values are of another kind.
    """
    where = f"{table.name}, scope"
    names = [name for name in table.key if name in scope.columns]
    _check_columns(where, scope, names or table.key)
    columns = [_column(where, table.columns.field(name), scope) for name in names]
    covered = pa.table(columns, names=names).group_by(names).aggregate([])
    _check_filled(where, covered, names)
    outside = rows.select(names).join(covered, keys=names, join_type="left anti")
    if outside.num_rows:
        raise ValueError(
            f"{table.name}: expected rows inside the scope, got {outside.num_rows} outside, e.g. "
            f"{outside.slice(0, 1).to_pylist()[0]}. Add their keys to the scope."
        )
    return covered


def frame_of(result: pa.Table) -> pd.DataFrame:
    """A query's result. Lists of numbers become read-only NumPy arrays, other lists Python's.

    NULL is NaN among numbers, which makes integers float64, and None for a whole list.

    Raises:
        ValueError: Two columns have the same name.
    """
    names = result.column_names
    if len(set(names)) < len(names):
        raise ValueError(
            f"Warehouse.read: expected distinct column names, got {names}. Rename with AS."
        )
    return pd.DataFrame({name: _series(result[name]) for name in names})


def _check_columns(where: str, frame: pd.DataFrame, expected: Sequence[str]) -> None:
    got = [str(name) for name in frame.columns]
    faults = {
        "missing": [name for name in expected if name not in got],
        "unknown": [name for name in got if name not in expected],
        "double": sorted({name for name in got if got.count(name) > 1}),
    }
    named = "; ".join(f"{fault}: {', '.join(names)}" for fault, names in faults.items() if names)
    if named:
        near = [nearest(name, faults["missing"] or expected) for name in faults["unknown"]]
        remedy = f"Did you mean {near[0]}?" if near else "Give each column once."
        raise ValueError(f"{where}: expected columns {list(expected)}, got {named}. {remedy}")


def _check_filled(where: str, rows: pa.Table, names: Sequence[str]) -> None:
    for name in names:
        n_empty = rows[name].null_count
        if n_empty:
            first = rows[name].is_null().index(True).as_py()
            raise ValueError(
                f"{where}: expected a value in every row of {name}, got NULL or NaN in {n_empty}, "
                f"first in row {first}. Fill them, or leave these rows out."
            )


def _check_unique(table: Table, rows: pa.Table) -> None:
    keys = rows.select(list(table.key)).to_pandas()
    is_again = keys.duplicated()
    if is_again.any():
        raise ValueError(
            f"{table.name}: expected each key once, got {int(is_again.sum())} again, e.g. "
            f"{keys[is_again].iloc[0].to_dict()}. Drop or merge rows with the same {table.key}."
        )


def _column(where: str, field: pa.Field, frame: pd.DataFrame) -> pa.Array | pa.ChunkedArray:
    where, values = f"{where}, column {field.name}", pd.Series(frame[field.name])
    if values.empty:  # then Pandas does not know of which kind they are
        return pa.array([], field.type)
    try:
        if _is_number_list(field.type):
            return _number_lists(where, field.type, list(values))
        if kinds.is_list(field.type):
            return _lists_of_names(where, field.type, list(values))
        found = pa.array(values, from_pandas=True)
        if not _is_kin(found.type, field.type):
            raise TypeError(
                f"{where}: expected {field.type}, got {found.type}, e.g. {values.iloc[0]!r}. "
                "Convert it where the frame is made."
            )
        return found.cast(field.type)
    except pa.ArrowException as error:
        raise ValueError(
            f"{where}: expected {field.type}, got values that do not fit: {error}. "
            "Convert them where the frame is made."
        ) from error


def _is_kin(found: pa.DataType, declared: pa.DataType) -> bool:
    """Whether to cast at all: Arrow by itself would read numbers out of text."""
    if kinds.is_null(found):
        return True
    families = (_is_number, _is_text, kinds.is_boolean, kinds.is_timestamp)
    return any(is_one(found) and is_one(declared) for is_one in families)


def _is_number(kind: pa.DataType) -> bool:
    return kinds.is_integer(kind) or kinds.is_floating(kind)


def _is_text(kind: pa.DataType) -> bool:
    return kinds.is_string(kind) or kinds.is_large_string(kind)


def _is_number_list(kind: pa.DataType) -> bool:
    return kinds.is_list(kind) and _is_number(kind.value_type)


def _lists_of_names(where: str, kind: pa.ListType, values: list[Any]) -> pa.Array:
    for row, value in enumerate(values):
        if not isinstance(value, Sequence) or isinstance(value, str):  # one name is a list to Arrow
            raise TypeError(
                f"{where}: expected a list in every row, got {value!r} in row {row}. "
                "Put a single value in a list."
            )
    return pa.array(values, type=kind)


def _number_lists(where: str, kind: pa.ListType, values: list[Any]) -> pa.Array:
    """One array after the other in one buffer: no Python object a number."""
    arrays = [np.asarray(value) for value in values]
    for row, array in enumerate(arrays):
        if array.ndim != 1 or array.dtype.kind not in "fiu":
            raise TypeError(
                f"{where}: expected a 1-D array of numbers in every row, got {array.dtype} of "
                f"shape {array.shape} in row {row}. Give each row its own array."
            )
    ends = np.cumsum([0, *(array.size for array in arrays)])
    if ends[-1] > _MOST_VALUES:
        raise ValueError(
            f"{where}: expected at most {_MOST_VALUES} numbers at once, got {ends[-1]}. "
            "Write fewer rows at a time."
        )
    flat = _flat(arrays, kind.value_type.to_pandas_dtype())
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(flat), type=kind)


def _flat(arrays: list[np.ndarray], dtype: type[np.number]) -> np.ndarray:
    """The arrays end to end; without a copy if they are the rows of one matrix in their order."""
    matrix = arrays[0].base
    if matrix is not None and matrix.shape == (len(arrays), arrays[0].size):
        is_as_stored = matrix.dtype == dtype and matrix.flags.c_contiguous
        if is_as_stored and all(map(_is_same, arrays, matrix)):
            return matrix.reshape(-1)
    return np.concatenate(arrays, dtype=dtype, casting="same_kind")


def _is_same(array: np.ndarray, row: np.ndarray) -> bool:
    """Whether two views see the same memory in the same way."""
    seen = [(one.ctypes.data, one.dtype, one.shape, one.strides) for one in (array, row)]
    return seen[0] == seen[1]


def _series(column: pa.ChunkedArray) -> pd.Series:
    if kinds.is_decimal(column.type):  # what DuckDB makes of sum(integer)
        return column.cast(pa.float64()).to_pandas()
    if not kinds.is_list(column.type):
        return column.to_pandas()
    cells = np.empty(len(column), dtype=object)
    for row, value in enumerate(_lists(column)):  # by row: arrays of one length would be stacked
        cells[row] = value
    return pd.Series(cells)


def _lists(column: pa.ChunkedArray) -> list[Any]:
    if not _is_number_list(column.type):
        return column.to_pylist()
    return [array for chunk in column.chunks for array in _arrays(chunk)]


def _arrays(lists: pa.ListArray) -> list[np.ndarray | None]:
    """Views of one buffer: no copy a row."""
    values = lists.values.to_numpy(zero_copy_only=False)  # noqa: PD011 (Arrow's, not Pandas')
    values.flags.writeable = False
    offsets = lists.offsets.to_numpy()
    is_there = lists.is_valid().to_numpy(zero_copy_only=False)
    spans = zip(offsets[:-1], offsets[1:], is_there, strict=True)
    return [values[start:end] if there else None for start, end, there in spans]
