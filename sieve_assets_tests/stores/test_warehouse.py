import threading
import time

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sieve_assets.stores.connections import DuckDBFile, WarehouseBusyError
from sieve_assets.stores.warehouse import Replacement, Warehouse


def samples(model="m", neuron=0, names=("a", "b"), activation=1.0):
    ranked = pd.DataFrame({"rank": range(len(names)), "image_id": list(names)})
    return ranked.assign(model=model, neuron=neuron, activation=np.float32(activation))


def images(probe="p", names=("a", "b"), positions=(0, 1)):
    placed = pd.DataFrame({"image_id": list(names), "position": positions})
    known = {"uri": "u", "label": "l", "sha256": "s", "width_px": 1, "height_px": 1}
    return placed.assign(probe=probe, is_held_out=False, **known)


def pictures(*names, seconds=1.0):
    known = {"generator": "g", "prompt": "p", "seed": 0, "uri": "u", "sha256": "s"}
    named = pd.DataFrame({"picture_id": list(names)})
    return named.assign(drawn_by_run="r", seconds=seconds, **known)


def neurons(*keys):
    return pd.DataFrame(keys, columns=["model", "neuron"])


def replacing(rows, *keys):
    return Replacement("selected_samples", rows, neurons(*keys))


def stored(warehouse):
    found = warehouse.read("SELECT * FROM selected_samples ORDER BY model, neuron, rank")
    return list(found[["model", "neuron", "image_id"]].itertuples(index=False, name=None))


def test_a_new_warehouse_has_empty_tables_with_their_columns(warehouse):
    found = warehouse.read("SELECT * FROM selected_samples")
    assert list(found.columns) == ["model", "neuron", "rank", "image_id", "activation"]
    assert len(found) == 0


def test_rows_come_back_as_they_were_and_once(warehouse):
    rows = samples(activation=0.1)
    for _ in range(2):
        warehouse.replace(replacing(rows, ("m", 0)))
    found = warehouse.read("SELECT * FROM selected_samples ORDER BY rank")
    pd.testing.assert_frame_equal(found, rows, check_dtype=False, check_like=True)
    assert found["activation"].dtype == np.float32


def test_only_what_is_in_scope_is_replaced(warehouse):
    before = pd.concat([samples("m", 0), samples("m", 1), samples("n", 0)])
    warehouse.replace(replacing(before, ("m", 0), ("m", 1), ("n", 0)))
    warehouse.replace(replacing(samples("m", 0, names=("c",)), ("m", 0)))
    assert stored(warehouse) == [
        ("m", 0, "c"),
        *(("m", 1, name) for name in "ab"),
        *(("n", 0, name) for name in "ab"),
    ]


def test_a_scope_of_pairs_is_not_their_product(warehouse):
    before = pd.concat([samples(model, neuron, "a") for model in "mn" for neuron in (0, 1)])
    warehouse.replace(replacing(before, *(("mn"[i], j) for i in (0, 1) for j in (0, 1))))
    warehouse.replace(replacing(pd.DataFrame(), ("m", 0), ("n", 1)))
    assert stored(warehouse) == [("m", 1, "a"), ("n", 0, "a")]


@pytest.mark.parametrize("empty", [pd.DataFrame(), samples().iloc[:0]])
def test_no_rows_with_a_scope_only_delete(warehouse, empty):
    warehouse.replace(replacing(pd.concat([samples(), samples(neuron=1)]), ("m", 0), ("m", 1)))
    warehouse.replace(replacing(empty, ("m", 0)))
    warehouse.replace(replacing(empty))
    warehouse.replace()
    assert stored(warehouse) == [("m", 1, "a"), ("m", 1, "b")]


def test_one_column_of_the_key_is_scope_enough(warehouse):
    warehouse.replace(replacing(pd.concat([samples(), samples(neuron=1)]), ("m", 0), ("m", 1)))
    scope = pd.DataFrame({"model": ["m"]})
    warehouse.replace(Replacement("selected_samples", samples(neuron=2), scope))
    assert stored(warehouse) == [("m", 2, "a"), ("m", 2, "b")]


KEYS = st.tuples(st.sampled_from("mn"), st.integers(0, 2))
STEPS = st.lists(st.dictionaries(KEYS, st.text("ab", max_size=3), max_size=4), max_size=4)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_any_sequence_of_replacements_ends_like_a_dictionary(warehouse, steps):
    every = [(model, neuron) for model in "mn" for neuron in range(3)]
    warehouse.replace(replacing(pd.DataFrame(), *every))
    expected = {}
    for step in steps:
        parts = [samples(model, neuron, names) for (model, neuron), names in step.items()]
        rows = pd.concat([pd.DataFrame(), *parts])
        warehouse.replace(replacing(rows[::-1], *step))
        expected.update(step)
    assert stored(warehouse) == [(*key, name) for key in sorted(expected) for name in expected[key]]


BAD = [
    (samples().drop(columns="rank"), ValueError),
    (samples().assign(neuron=[0, None]), ValueError),
    (samples().assign(rank=0), ValueError),
    (samples(neuron=1), ValueError),
    (samples().assign(image_id=[1, 2]), TypeError),
]


@pytest.mark.parametrize(("rows", "error"), BAD)
def test_bad_rows_are_refused_before_the_file_is_touched(in_file, hold, rows, error):
    in_file.replace(replacing(samples(), ("m", 0)))
    hold(in_file.at.path)
    impatient = Warehouse(DuckDBFile(in_file.at.path, 0))
    with pytest.raises(WarehouseBusyError):
        impatient.replace(replacing(samples(), ("m", 0)))
    good = Replacement("probe_images", images(), pd.DataFrame({"probe": ["p"]}))
    with pytest.raises(error, match="selected_samples"):
        impatient.replace(good, replacing(rows, ("m", 0)))


def test_a_write_that_fails_half_way_changes_no_table(warehouse):
    scope = pd.DataFrame({"probe": ["p"]})
    warehouse.replace(replacing(samples(), ("m", 0)), Replacement("probe_images", images(), scope))
    twice_there = images(names=("c", "d"), positions=[0, 0])
    with pytest.raises(ValueError, match=r"^probe_images: expected rows within the constraints"):
        warehouse.replace(
            replacing(samples(names=("c",)), ("m", 0)),
            Replacement("probe_images", twice_there, scope),
        )
    assert stored(warehouse) == [("m", 0, "a"), ("m", 0, "b")]
    assert list(warehouse.read("FROM probe_images ORDER BY position")["image_id"]) == ["a", "b"]


def test_it_is_closed_after_a_failed_write_and_a_failed_read(in_file, is_free):
    scope = pd.DataFrame({"probe": ["p"]})
    with pytest.raises(ValueError, match="constraints") as write:
        in_file.replace(Replacement("probe_images", images(positions=[0, 0]), scope))
    assert is_free(in_file.at.path)
    with pytest.raises(duckdb.BinderException) as read:
        in_file.read("SELECT no_such_column FROM clusters")
    assert is_free(in_file.at.path)
    assert write.traceback
    assert read.traceback


def test_a_process_killed_in_a_transaction_leaves_the_old_rows(in_file, start_process):
    in_file.replace(replacing(samples(), ("m", 0)))
    code = """
import os, sys
from pathlib import Path
from sieve_assets.stores.connections import DuckDBFile
from sieve_assets.stores.warehouse import Replacement, Warehouse
Warehouse._insert = lambda *arguments: os.kill(os.getpid(), 9)
import pandas as pd
scope = pd.DataFrame({"model": ["m"]})
replacement = Replacement("selected_samples", pd.DataFrame(), scope)
Warehouse(DuckDBFile(Path(sys.argv[1]), 30)).replace(replacement)
"""
    assert start_process(code, in_file.at.path).wait(timeout=60) == -9
    assert stored(in_file) == [("m", 0, "a"), ("m", 0, "b")]


def test_one_table_twice_is_refused(warehouse):
    with pytest.raises(ValueError, match="expected each table once"):
        warehouse.replace(replacing(samples(), ("m", 0)), replacing(samples(), ("m", 0)))


@pytest.mark.parametrize(
    "table", ["probe_activations", "selected_sample", "x; DROP TABLE clusters"]
)
def test_what_is_no_table_is_refused(in_file, table):
    with pytest.raises(LookupError, match="expected a table, got"):
        in_file.replace(Replacement(table, samples(), neurons(("m", 0))))
    with pytest.raises(LookupError, match="expected a table, got"):
        in_file.add_missing(table, samples())
    assert not in_file.at.path.exists()


def test_what_is_there_is_left_and_the_rest_added(warehouse):
    assert warehouse.add_missing("pictures", pictures("a", "b", seconds=1)) == 2
    assert warehouse.add_missing("pictures", pictures("c", "b", "a", seconds=2)) == 1
    assert warehouse.add_missing("pictures", pictures("c", "b", "a", seconds=3)) == 0
    assert warehouse.add_missing("pictures", pd.DataFrame()) == 0
    found = warehouse.read("SELECT picture_id, seconds FROM pictures ORDER BY picture_id")
    assert found.to_numpy().tolist() == [["a", 1], ["b", 1], ["c", 2]]


def test_lists_can_be_added(warehouse):
    rows = pd.DataFrame(
        {
            "model": "m",
            "picture_id": ["a", "b"],
            "weights_hash": "w",
            "activation": list(np.arange(6, dtype=np.float32).reshape(2, 3)),
        }
    )
    assert warehouse.add_missing("picture_activations", rows) == 2
    assert warehouse.add_missing("picture_activations", rows[::-1]) == 0
    found = warehouse.read("SELECT activation FROM picture_activations ORDER BY picture_id")
    np.testing.assert_array_equal(np.stack(list(found["activation"])), np.arange(6).reshape(2, 3))


def test_bad_rows_are_not_added(in_file):
    with pytest.raises(ValueError, match="expected each key once"):
        in_file.add_missing("pictures", pictures("a", "a"))
    with pytest.raises(ValueError, match="every row of seconds"):
        in_file.add_missing("pictures", pictures("a").assign(seconds=None))
    assert not in_file.at.path.exists()


def test_a_second_process_waits_and_succeeds(in_file, hold, start_process):
    in_file.replace(replacing(samples(), ("m", 0)))
    holder = hold(in_file.at.path, "UPDATE selected_samples SET image_id = 'held'")
    code = """
import sys
from pathlib import Path
import pandas as pd
from sieve_assets.stores.connections import DuckDBFile
from sieve_assets.stores.warehouse import Replacement, Warehouse
print("writing", flush=True)
scope = pd.DataFrame({"model": ["m"], "neuron": [0]})
rows = scope.assign(rank=0, image_id="second", activation=1.0)
Warehouse(DuckDBFile(Path(sys.argv[1]), 60)).replace(Replacement("selected_samples", rows, scope))
"""
    writer = start_process(code, in_file.at.path)
    assert writer.stdout.readline() == "writing\n"
    time.sleep(0.5)
    assert writer.poll() is None
    assert holder.communicate("\n", timeout=60)[0] == "free\n"
    assert writer.wait(timeout=60) == 0
    assert stored(in_file) == [("m", 0, "second")]


def test_a_reader_waits_for_a_write_and_sees_all_of_it(in_file, hold):
    in_file.replace(replacing(samples(), ("m", 0)))
    holder = hold(in_file.at.path, "UPDATE selected_samples SET image_id = 'new'")
    found = []
    reader = threading.Thread(target=lambda: found.extend(stored(in_file)))
    reader.start()
    time.sleep(0.5)
    assert found == []
    holder.communicate("\n", timeout=60)
    reader.join(timeout=60)
    assert found == [("m", 0, "new"), ("m", 0, "new")]


def test_parameters_can_be_lists_and_names(warehouse):
    rows = pd.concat([samples(neuron=neuron, names="a") for neuron in range(5)])
    warehouse.replace(Replacement("selected_samples", rows, pd.DataFrame({"model": ["m"]})))
    some = "SELECT neuron FROM selected_samples WHERE neuron IN (SELECT unnest($some)) ORDER BY 1"
    assert warehouse.read(some, {"some": [1, 3, 9]})["neuron"].tolist() == [1, 3]
    more = "SELECT neuron FROM selected_samples WHERE neuron > ? ORDER BY 1"
    assert warehouse.read(more, [2])["neuron"].tolist() == [3, 4]


def test_reading_writes_nothing(warehouse):
    with pytest.raises(duckdb.Error, match="read-only"):
        warehouse.read("DELETE FROM clusters")


def test_several_questions_are_answered_by_one_state(warehouse):
    writer = threading.Thread(target=lambda: warehouse.replace(replacing(samples(), ("m", 0))))

    def ask(read):
        before = read("SELECT * FROM selected_samples")
        writer.start()
        writer.join(0.5)
        return before, read("SELECT * FROM selected_samples")

    assert [len(one) for one in warehouse.together(ask)] == [0, 0]
    writer.join(60)
    assert len(stored(warehouse)) == 2


def test_an_unknown_table_lists_the_nearest_names(warehouse):
    with pytest.raises(LookupError, match=r"'neuron_ratio'\. Did you mean neuron_ratios"):
        warehouse.read("SELECT * FROM neuron_ratio")
    with pytest.raises(duckdb.CatalogException, match="no_such_function"):
        warehouse.read("SELECT no_such_function(1)")


def test_many_long_lists_come_back_bit_by_bit(warehouse):
    values = np.random.default_rng(0).normal(size=(16, 12_000)).astype(np.float32)
    rows = pd.DataFrame({"model": "m", "neuron": range(16), "activation": list(values)})
    warehouse.replace(Replacement("neuron_activations", rows, rows.filter(["model"])))
    found = warehouse.read("SELECT activation FROM neuron_activations ORDER BY neuron")
    assert np.stack(list(found["activation"])).tobytes() == values.tobytes()
