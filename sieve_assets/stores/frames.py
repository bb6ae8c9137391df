"""Pandas frames to Arrow tables that fit the schema, or refused, and back. No connection to a database."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.types as types

from sieve_assets.stores.schema import Table, nearest

_LARGEST_OFFSET = np.iinfo(np.int32).max  # Arrow's lists count their values in 32 bits


def rows_for(table: Table, frame: pd.DataFrame) -> pa.Table:
    """The frame as rows of a table: columns matched by name, types as declared, keys unique.

    A frame without rows and columns stands for no rows. NaN in a number that is not in a list becomes NULL.

    Raises:
        ValueError: Columns are missing, unknown or double; a value does not fit its column's type or range; a
            required value is NULL; two rows have the same key.
        TypeError: A column's values are of another kind, e.g. text for a number.
    """
    if frame.shape == (0, 0):
        return table.columns.empty_table()
    _check_columns(table.name, frame, table.columns.names)
    columns = [_column(table.name, field, frame[field.name]) for field in table.columns]
    rows = pa.Table.from_arrays(columns, schema=table.columns)
    _check_filled(
        table.name, rows, [name for name in table.columns.names if name in table.required]
    )
    _check_unique(table, rows)
    return rows


def scope_for(table: Table, scope: pd.DataFrame, rows: pa.Table) -> pa.Table:
    """The distinct key values a replacement covers.

    Args:
        table: The table whose rows are replaced.
        scope: Some of the table's key columns; a value may occur more than once.
        rows: The new rows, all inside the scope.

    Raises:
        ValueError: The columns are not key columns, a value is NULL or does not fit, or a row lies outside.
        TypeError: A column's values are of another kind.
    """
    where = f"{table.name}, scope"
    names = [name for name in table.key if name in scope.columns]
    if not names:
        message = f"{where}: expected some of the key columns {list(table.key)}, got {list(scope.columns)}."
        raise ValueError(f"{message} Name what is to be replaced.")
    _check_columns(where, scope, names)
    columns = [_column(where, table.columns.field(name), scope[name]) for name in names]
    covered = pa.table(columns, names=names).group_by(names).aggregate([])
    _check_filled(where, covered, names)
    outside = rows.select(names).join(covered, keys=names, join_type="left anti")
    if outside.num_rows:
        message = (
            f"{table.name}: expected rows inside the scope, got {outside.num_rows} outside, e.g."
        )
        raise ValueError(
            f"{message} {outside.slice(0, 1).to_pylist()[0]}. Add their keys to the scope."
        )
    return covered


def frame_of(result: pa.Table) -> pd.DataFrame:
    """A query's result. A list of numbers is a read-only NumPy array (a view), of anything else a Python list.

    NULL becomes NaN in a column of numbers, which makes integers float64, and None where a list is missing.

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
    missing = [name for name in expected if name not in got]
    unknown = [name for name in got if name not in expected]
    double = sorted({name for name in got if got.count(name) > 1})
    if missing or unknown or double:
        faults = {"missing": missing, "unknown": unknown, "double": double}
        named = "; ".join(f"{fault} {names}" for fault, names in faults.items() if names)
        hint = (
            f" Did you mean {nearest(unknown[0], missing or expected)} for {unknown[0]}?"
            if unknown
            else ""
        )
        raise ValueError(f"{where}: expected the columns {list(expected)}, got {named}.{hint}")


def _check_filled(where: str, rows: pa.Table, names: Sequence[str]) -> None:
    for name in names:
        if rows[name].null_count:
            position = rows[name].is_null().index(True).as_py()
            message = f"{where}: expected a value in {name}, got {rows[name].null_count} × NULL or NaN, first in row"
            raise ValueError(f"{message} {position}. Fill them or leave these rows out.")


def _check_unique(table: Table, rows: pa.Table) -> None:
    keys = rows.select(list(table.key)).to_pandas()
    is_double = keys.duplicated()
    if is_double.any():
        example = keys[is_double].iloc[0].to_dict()
        message = f"{table.name}: expected each key once, got {int(is_double.sum())} again, e.g. {example}."
        raise ValueError(f"{message} Drop or merge the rows with the same {', '.join(table.key)}.")


def _column(where: str, field: pa.Field, values: pd.Series) -> pa.Array:
    where = f"{where}, column {field.name}"
    if _is_number_list(field.type):
        return _number_lists(where, field.type, values)
    try:
        if types.is_list(field.type):
            return pa.array(values, type=field.type)
        found = pa.array(values, from_pandas=True)
        if not _is_kin(found.type, field.type):
            message = f"{where}: expected {field.type}, got {found.type}, e.g. {values.iloc[0]!r}."
            raise TypeError(f"{message} Convert it where the frame is made.")
        return found.cast(field.type)
    except pa.ArrowException as error:
        message = f"{where}: expected {field.type}, got values that do not fit ({error})."
        raise ValueError(f"{message} Convert them where the frame is made.") from error


def _is_kin(found: pa.DataType, declared: pa.DataType) -> bool:
    """Whether values may be cast. Arrow alone would read numbers from text and cut fractions off."""
    if types.is_null(found):
        return True
    if types.is_integer(declared) or types.is_floating(declared):
        return types.is_integer(found) or types.is_floating(found)
    kinds = (_is_text, types.is_boolean, types.is_timestamp)
    return any(is_kind(found) and is_kind(declared) for is_kind in kinds)


def _is_text(kind: pa.DataType) -> bool:
    return types.is_string(kind) or types.is_large_string(kind)


def _is_number_list(kind: pa.DataType) -> bool:
    if not (types.is_list(kind) or types.is_large_list(kind)):
        return False
    return types.is_floating(kind.value_type) or types.is_integer(kind.value_type)


def _number_lists(where: str, kind: pa.DataType, values: pd.Series) -> pa.Array:
    arrays = [np.asarray(value) for value in values]
    for row, array in enumerate(arrays):
        if array.ndim != 1 or array.dtype.kind not in "fiu":
            message = f"{where}: expected one 1-D array of numbers a row, got {type(values.iloc[row]).__name__}"
            raise TypeError(
                f"{message} of shape {array.shape} and type {array.dtype} in row {row}. Give one row a neuron."
            )
    ends = np.cumsum([0, *(array.size for array in arrays)])
    if ends[-1] > _LARGEST_OFFSET:
        message = f"{where}: expected at most {_LARGEST_OFFSET} values at once, got {ends[-1]}."
        raise ValueError(f"{message} Write fewer neurons at a time.")
    flat = np.concatenate(
        [*arrays, np.empty(0, np.float32)],
        dtype=kind.value_type.to_pandas_dtype(),
        casting="same_kind",
    )
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(flat), type=kind)


def _series(column: pa.ChunkedArray) -> pd.Series:
    if _is_number_list(column.type):
        values = [array for chunk in column.chunks for array in _arrays(chunk)]
    elif types.is_list(column.type):
        values = column.to_pylist()
    elif types.is_decimal(column.type):  # what DuckDB makes of sum(integer)
        return column.cast(pa.float64()).to_pandas()
    else:
        return column.to_pandas()
    series = pd.Series([None] * len(values), dtype=object)
    for row, value in enumerate(values):
        series.iat[row] = value
    return series


def _arrays(lists: pa.ListArray) -> list[np.ndarray | None]:
    offsets = lists.offsets.to_numpy()
    values = lists.values.to_numpy(zero_copy_only=False)
    values.flags.writeable = False
    is_valid = lists.is_valid().to_numpy(zero_copy_only=False)
    spans = zip(offsets[:-1], offsets[1:], is_valid, strict=True)
    return [values[start:end] if valid else None for start, end, valid in spans]
