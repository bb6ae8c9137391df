import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from sieve_assets.stores.arrays import ArrayStore

DTYPES = ("bool", "int8", "uint8", "int32", "int64", "float16", "float32", "float64")


@pytest.fixture
def store(tmp_path):
    return ArrayStore(tmp_path / "arrays")


def files_of(store):
    return [path for path in store.root.rglob("*") if path.is_file()]


GROUPS = st.dictionaries(
    st.text("abc", min_size=1, max_size=3),
    st.sampled_from(DTYPES).flatmap(
        lambda dtype: arrays(dtype, array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
    ),
    max_size=3,
)


@settings(max_examples=30)  # each is written to disk for sure
@given(GROUPS)
def test_arrays_come_back_as_they_were(tmp_path_factory, group):
    store = ArrayStore(tmp_path_factory.mktemp("arrays"))
    found = store.open(store.put(group), verify=True)
    assert found.keys() == group.keys()
    for name, array in group.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()


@pytest.mark.parametrize(
    "view",
    [
        lambda array: array.T,
        lambda array: array[::-1, ::2],
        lambda array: np.broadcast_to(array[0], (3, *array[0].shape)),
        lambda array: array.astype(">f4"),
        np.asfortranarray,
    ],
)
def test_memory_layout_does_not_matter(store, view):
    array = view(np.arange(12, dtype=np.float32).reshape(3, 4))
    plain = np.array(array.tolist(), np.float32)
    uri = store.put({"x": array})
    np.testing.assert_array_equal(store.open(uri)["x"], plain)
    assert uri == store.put({"x": plain})


def test_putting_twice_leaves_one_copy_in_any_order(store):
    one, two = np.zeros(3), np.ones((2, 2), np.float32)
    assert store.put({"one": one, "two": two}) == store.put({"two": two, "one": one})
    assert len(files_of(store)) == 1
    assert store.put({"one": two, "two": one}) != store.put({"one": one, "two": two})


def test_what_is_put_is_left_as_it_was(store):
    array = np.arange(6.0).reshape(2, 3).T
    before = array.copy()
    store.put({"x": array})
    np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (np.array(["a"]), "<U1 for 'bad'"),
        (np.array([None]), "object for 'bad'"),
        ([1, 2], "list for 'bad'"),
        (None, "NoneType for 'bad'"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(store, value, got):
    with pytest.raises(TypeError, match=f"expected arrays of numbers or booleans, got {got}"):
        store.put({"good": np.zeros(1), "bad": value})
    assert not store.root.exists()


@pytest.mark.parametrize("n_bytes", [0, 5, 30, -1])
def test_a_truncated_file_is_found_without_being_asked(store, n_bytes):
    uri = store.put({"x": np.arange(100)})
    path = store.root / uri
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(ValueError, match=f"{uri}: .* safetensors cannot read .*Run `sieve mend`"):
        store.open(uri)


def test_a_changed_number_is_found_when_asked(store):
    uri = store.put({"x": np.zeros(10)})
    path = store.root / uri
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    store.open(uri)
    with pytest.raises(ValueError, match=f"{uri}: .* with SHA-256"):
        store.open(uri, verify=True)


def test_arrays_that_are_not_there_are_named(store):
    with pytest.raises(FileNotFoundError, match="expected a stored file, got none"):
        store.open(f"ab/ab{'0' * 62}.safetensors")


def test_a_uri_of_another_store_is_refused(store):
    with pytest.raises(ValueError, match="expected a uri like"):
        store.open(f"ab/ab{'0' * 62}.png")
