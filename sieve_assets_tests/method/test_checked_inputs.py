"""Every refusal has one form, names what is wrong, and lets right values pass."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sieve_assets.method import checked_inputs as checks


def test_a_refusal_says_where_what_came_and_what_to_do():
    message = checks.refusal("top_samples", "finite activations", "nan", "Check the transform.")
    assert message == "top_samples: expected finite activations, got nan. Check the transform."


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_first_row_that_is_not_finite_is_named(bad):
    values = np.zeros((4, 3))
    values[2, 1] = bad
    with pytest.raises(ValueError, match=rf"^f: expected finite maps, got {bad} for row 2\. Fix\."):
        checks.require_finite("f", "maps", values, row="row", remedy="Fix.")
    values[2, 1] = 0
    checks.require_finite("f", "maps", values, row="row", remedy="Fix.")


def test_an_empty_axis_is_refused():
    checks.require_some("f", "images", np.zeros((1, 0)), axis=0)
    with pytest.raises(ValueError, match=r"^f: expected at least one of the images, got none\. "):
        checks.require_some("f", "images", np.zeros((1, 0)), axis=1)


def test_different_lengths_are_listed_by_name():
    checks.require_same_length("f", rows=2, labels=2)
    with pytest.raises(ValueError, match=r"got 2 in rows, 3 in labels\. "):
        checks.require_same_length("f", rows=2, labels=3)


def test_a_count_may_be_the_minimum_and_not_less():
    checks.require_at_least("f", "count", 1, 1)
    with pytest.raises(ValueError, match=r"^f: expected count of at least 1, got 0\. Raise count"):
        checks.require_at_least("f", "count", 0, 1)


def test_a_setting_may_be_at_either_end_of_its_range_and_not_outside():
    for value in (0.0, 0.5, 1.0):
        checks.require_between("f", "share", value, 0.0, 1.0)
    for value in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match=r"^f: expected share between 0 and 1, got "):
            checks.require_between("f", "share", value, 0.0, 1.0)


def test_norms_of_half_precision_pass_and_others_are_named():
    rows = np.random.default_rng(0).standard_normal((5, 512))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    checks.require_unit_norm("f", "patches", unit.astype(np.float16))
    unit[3] *= 1.01
    with pytest.raises(ValueError, match=r"with norm 1, got norm 1\.01 for row 3\. "):
        checks.require_unit_norm("f", "patches", unit)
    unit[1, 0] = np.nan
    with pytest.raises(ValueError, match=r"got norm nan for row 1\. "):
        checks.require_unit_norm("f", "patches", unit)


ROWS = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    elements=st.sampled_from([0.0, -1.5, 1e300, np.nan, np.inf, -np.inf]),
)


@settings(max_examples=50)
@given(values=ROWS)
def test_exactly_what_a_loop_finds_not_finite_is_refused_by_its_row(values):
    bad = [row for row, entries in enumerate(values) if not all(map(math.isfinite, entries))]
    if not bad:
        checks.require_finite("f", "maps", values, row="row", remedy="Fix.")
        return
    with pytest.raises(ValueError, match=rf" for row {bad[0]}\. Fix\.$"):
        checks.require_finite("f", "maps", values, row="row", remedy="Fix.")


@settings(max_examples=50)
@given(value=st.floats(), low=st.floats(-1, 1), width=st.floats(0, 2))
def test_a_range_lets_pass_exactly_what_lies_in_it(value, low, width):
    if low <= value <= low + width:
        checks.require_between("f", "share", value, low, low + width)
    else:
        with pytest.raises(ValueError, match=r"^f: expected share between .* Change share\.$"):
            checks.require_between("f", "share", value, low, low + width)


@settings(max_examples=50)
@given(lengths=st.lists(st.integers(0, 3), min_size=1, max_size=4))
def test_lengths_pass_exactly_if_all_are_equal(lengths):
    named = {f"array{place}": length for place, length in enumerate(lengths)}
    if all(length == lengths[0] for length in lengths):
        checks.require_same_length("f", **named)
    else:
        with pytest.raises(ValueError, match=r"Pass rows of the same things\.$"):
            checks.require_same_length("f", **named)
