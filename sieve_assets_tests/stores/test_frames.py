import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sieve_assets.stores.frames import frame_of, rows_for, scope_for
from sieve_assets.stores.schema import tables

SAMPLES = tables()["selected_samples"]
LISTS = tables()["neuron_activations"]
PASSES = tables()["probe_passes"]
PROVENANCE = tables()["provenance"]
CLUSTERS = tables()["clusters"]


def samples(**changes):
    columns = {
        "model": ["m", "m", "m"],
        "neuron": [0, 0, 1],
        "rank": [0, 1, 0],
        "image_id": ["a", "b", "c"],
        "activation": np.array([3, 2, 1], np.float32),
    }
    return pd.DataFrame(columns | changes)


def activations(values):
    return pd.DataFrame({"model": "m", "neuron": range(len(values)), "activation": values})


def test_columns_are_matched_by_name():
    frame = samples()
    shuffled = frame.filter(["activation", "image_id", "rank", "model", "neuron"])
    assert rows_for(SAMPLES, shuffled).equals(rows_for(SAMPLES, frame))
    assert rows_for(SAMPLES, frame).to_pydict() == frame.to_dict("list")


def test_the_frame_is_left_as_it_was():
    frame = activations([np.zeros(2, np.float32), np.ones(3)])
    before = frame.copy(deep=True)
    rows_for(LISTS, frame)
    pd.testing.assert_frame_equal(frame, before)


def test_the_index_does_not_matter():
    frame = samples()
    assert rows_for(SAMPLES, frame.set_index(pd.Index([7, 7, 7]))).equals(rows_for(SAMPLES, frame))


@pytest.mark.parametrize(
    ("frame", "finding"),
    [
        (samples().drop(columns="rank"), "got missing: rank. Give"),
        (samples(extra=1), "got unknown: extra. Did you mean"),
        (samples().rename(columns={"rank": "ranks"}), r"ranks\. Did you mean rank\?"),
        (samples().iloc[:, [0, 1, 2, 3, 4, 4]], "got double: activation"),
        (samples()[[]], "got missing: model, neuron, rank, image_id, activation"),
    ],
)
def test_a_frame_with_other_columns_is_refused(frame, finding):
    with pytest.raises(ValueError, match=f"^selected_samples: expected columns .*{finding}"):
        rows_for(SAMPLES, frame)


@pytest.mark.parametrize("nothing", [None, np.nan, pd.NA])
@pytest.mark.parametrize("column", ["model", "neuron", "image_id", "activation"])
def test_a_missing_value_is_refused_with_its_row(column, nothing):
    frame = samples(**{column: pd.Series([*samples()[column][:2], nothing], dtype=object)})
    with pytest.raises(
        ValueError, match=f"every row of {column}, got NULL .* in 1, first in row 2"
    ):
        rows_for(SAMPLES, frame)


def test_a_value_that_may_be_missing_may():
    frame = pd.DataFrame(
        {
            "model": "m",
            "neuron": 0,
            "rank": [0, 1],
            "cluster": 0,
            "n_clusters": 1,
            "silhouette": np.nan,
            "best_silhouette": [0.25, None],
            "null_silhouette": pd.Series([None, None], dtype=object),
        }
    )
    rows = rows_for(CLUSTERS, frame).to_pydict()
    assert rows["silhouette"] == rows["null_silhouette"] == [None, None]
    assert rows["best_silhouette"] == [0.25, None]


def test_a_key_that_comes_twice_is_refused():
    with pytest.raises(ValueError, match=r"each key once, got 2 again.*'neuron': 0.*'rank': 0"):
        rows_for(SAMPLES, samples(neuron=0, rank=0))


@pytest.mark.parametrize(
    ("changes", "got"),
    [
        ({"neuron": ["0000", "0001", "0002"]}, r"int32, got (large_)?string, e\.g\. '0000'"),
        ({"neuron": [True, False, True]}, "int32, got bool"),
        ({"image_id": [1, 2, 3]}, "string, got int64"),
        ({"activation": ["1", "2", "3"]}, "float, got (large_)?string"),
        ({"activation": [True, False, True]}, "float, got bool"),
    ],
)
def test_values_of_another_kind_are_refused(changes, got):
    with pytest.raises(TypeError, match=f"selected_samples, column .*: expected {got}"):
        rows_for(SAMPLES, samples(**changes))


@pytest.mark.parametrize("dtype", [None, object])
@pytest.mark.parametrize("values", [[0.5, 1, 2], [2**31, 1, 2], [np.inf, 1, 2]])
def test_numbers_that_do_not_fit_are_refused(values, dtype):
    frame = samples(neuron=pd.Series(values, dtype=dtype))
    with pytest.raises(ValueError, match="column neuron: expected int32, got values that do not"):
        rows_for(SAMPLES, frame)


@pytest.mark.parametrize("values", [[1, "a", 2], [[1], [2], [3]]])
def test_mixed_values_are_refused(values):
    with pytest.raises((TypeError, ValueError), match="selected_samples, column neuron"):
        rows_for(SAMPLES, samples(neuron=values))


def test_whole_numbers_kept_as_floats_are_integers():
    rows = rows_for(SAMPLES, samples(neuron=[0.0, 1.0, 2.0]))
    assert rows["neuron"].to_pylist() == [0, 1, 2]


def test_no_rows_need_no_columns():
    for frame in (pd.DataFrame(), samples().iloc[:0], pd.DataFrame(columns=LISTS.columns.names)):
        table = LISTS if "image_id" not in frame and len(frame.columns) else SAMPLES
        rows = rows_for(table, frame)
        assert rows.num_rows == 0
        assert rows.schema.equals(table.columns)


FLOATS = st.floats(width=32)
LENGTHS = st.integers(0, 5)


@given(st.lists(LENGTHS.flatmap(lambda n: arrays(np.float32, n, elements=FLOATS)), max_size=4))
def test_lists_come_back_bit_by_bit(values):
    rows = rows_for(LISTS, activations(values))
    found = frame_of(rows)["activation"]
    assert rows.schema.equals(LISTS.columns)
    assert [one.tobytes() for one in found] == [one.tobytes() for one in values]
    assert all(one.dtype == np.float32 and not one.flags.writeable for one in found)


MATRIX = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.mark.parametrize(
    "matrix", [MATRIX, MATRIX[::-1], MATRIX[:, :2], MATRIX[:, ::-1], MATRIX.astype(np.float64)]
)
def test_rows_of_a_matrix_come_back_as_they_were_given(matrix):
    back = frame_of(rows_for(LISTS, activations(list(matrix))))["activation"]
    np.testing.assert_array_equal(np.stack(list(back)), matrix)


def test_rows_of_a_whole_matrix_are_not_copied():
    matrix = np.ones((2, 3), np.float32)
    [column] = rows_for(LISTS, activations(list(matrix)))["activation"].chunks
    assert np.shares_memory(column.flatten().to_numpy(), matrix)


def test_lists_of_other_numbers_become_float32():
    rows = rows_for(LISTS, activations([[1, 2], np.array([0.1]), np.arange(2, dtype=np.int64)]))
    assert rows["activation"].to_pylist() == [[1, 2], [float(np.float32(0.1))], [0, 1]]


@pytest.mark.parametrize("bad", [None, 1.0, "text", np.zeros((2, 2)), ["a"], [True], [1 + 1j]])
def test_what_is_no_list_of_numbers_is_refused(bad):
    with pytest.raises(TypeError, match=r"neuron_activations, column activation: .* in row 1\. "):
        rows_for(LISTS, activations([np.zeros(2), bad]))


def test_more_numbers_than_arrow_can_count_are_refused():
    endless = np.broadcast_to(np.float32(0), 2**30)  # takes no memory
    with pytest.raises(ValueError, match=r"at most 2147483647 numbers at once, got 3221225472\."):
        rows_for(LISTS, activations([endless] * 3))


def test_lists_of_names_stay_lists():
    frame = pd.DataFrame(
        {
            "model": ["m0", "m1"],
            "probe": "p",
            "n_images": 3,
            "weights_hash": "w",
            "activations_uri": [["a", "b"], []],
            "strongest_uri": "s",
        }
    )
    assert frame_of(rows_for(PASSES, frame))["activations_uri"].tolist() == [["a", "b"], []]
    with pytest.raises(TypeError, match="expected a list in every row, got 'a' in row 0"):
        rows_for(PASSES, frame.assign(activations_uri="a"))
    with pytest.raises(ValueError, match="column activations_uri: expected list"):
        rows_for(PASSES, frame.assign(activations_uri=[[1], [2]]))


def test_times_are_kept_in_utc():
    noon = dt.datetime(2026, 1, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=5)))
    frame = pd.DataFrame(
        {
            "stage": ["clusters"],
            "model": "m",
            "neuron": -1,
            "run_id": "r",
            "settings_hash": "s",
            "weights_hash": None,
            "input_hash": "i",
            "output_hash": "o",
            "n_rows": 1,
            "recorded_at": [noon],
            "seconds": 0.5,
        }
    )
    assert rows_for(PROVENANCE, frame)["recorded_at"].to_pylist() == [dt.datetime(2026, 1, 1, 7)]  # noqa: DTZ001 (the column has no zone)


def keys(*columns):
    return samples().loc[:, list(columns)]


def test_a_scope_is_the_distinct_keys():
    rows = rows_for(SAMPLES, samples())
    scope = scope_for(SAMPLES, keys("neuron", "model"), rows)
    assert sorted(map(tuple, scope.to_pandas().to_numpy().tolist())) == [("m", 0), ("m", 1)]


def test_a_row_outside_the_scope_is_refused():
    rows = rows_for(SAMPLES, samples())
    with pytest.raises(ValueError, match=r"got 1 outside, e\.g\. .*'neuron': 1"):
        scope_for(SAMPLES, pd.DataFrame({"model": ["m", "m"], "neuron": [0, 7]}), rows)
    with pytest.raises(ValueError, match="got 3 outside"):
        scope_for(SAMPLES, pd.DataFrame({"model": [], "neuron": []}), rows)


@pytest.mark.parametrize(
    ("scope", "finding"),
    [
        (pd.DataFrame(), "got missing: model, neuron, rank"),
        (keys("image_id"), "unknown: image_id"),
        (keys("model", "activation"), "unknown: activation"),
        (keys("model", "model"), "double: model"),
        (pd.DataFrame({"model": ["m", None]}), "every row of model, got NULL"),
    ],
)
def test_a_scope_that_is_not_of_keys_is_refused(scope, finding):
    with pytest.raises(ValueError, match=f"^selected_samples, scope: .*{finding}"):
        scope_for(SAMPLES, scope, rows_for(SAMPLES, samples()))


def test_a_scope_of_another_kind_is_refused():
    with pytest.raises(TypeError, match="selected_samples, scope, column neuron: expected int32"):
        scope_for(SAMPLES, pd.DataFrame({"neuron": ["0"]}), rows_for(SAMPLES, samples()))


def test_results_keep_missing_lists_apart_from_empty_ones():
    lists = pa.array([[1, None], None, [], [2]], pa.list_(pa.float32()))
    chunked = pa.chunked_array([lists, lists.slice(2)])
    found = frame_of(pa.table({"x": chunked}))["x"].tolist()
    assert [None if one is None else one.tolist() for one in (*found[1:4], *found[4:])] == [
        None,
        [],
        [2],
        [],
        [2],
    ]
    np.testing.assert_array_equal(found[0], np.array([1, np.nan], np.float32))


def test_results_have_plain_numbers_and_their_columns_even_without_rows():
    result = pa.table(
        {
            "total": pa.array([3], pa.decimal128(38, 0)),
            "count": pa.array([None], pa.int32()),
            "name": pa.array(["a"]),
        }
    )
    found = frame_of(result)
    assert found["total"].dtype == found["count"].dtype == np.float64
    assert found["name"].tolist() == ["a"]
    assert list(frame_of(result.slice(1)).columns) == ["total", "count", "name"]


def test_results_with_one_name_twice_are_refused():
    result = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"])
    with pytest.raises(ValueError, match="expected distinct column names"):
        frame_of(result)
