"""Labels keep their distance and stray no further than they must."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sieve_assets.reports.canvas import canvas
from sieve_assets.reports.margin_labels import Label, draw_labels, spread


def test_labels_that_have_room_stay_where_they_are():
    heights = np.array([0.9, 0.1, 0.5])
    np.testing.assert_allclose(spread(heights, gap=0.1, low=0, high=1), heights)


def test_two_labels_of_one_point_part_evenly_the_first_above():
    np.testing.assert_allclose(spread(np.array([0.5, 0.5]), gap=0.2, low=0, high=1), [0.6, 0.4])


def test_labels_that_do_not_fit_share_the_room():
    found = spread(np.zeros(5), gap=1.0, low=0, high=1)
    np.testing.assert_allclose(sorted(found), [0, 0.25, 0.5, 0.75, 1])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_labels_keep_their_distance_their_order_and_the_limits(heights):
    values = np.array(heights)
    found = spread(values, gap=0.05, low=0.0, high=1.0)

    order = np.argsort(found)
    assert np.all(np.diff(found[order]) >= 0.05 - 1e-9)
    assert np.all(np.diff(values[order]) >= -1e-12)
    assert found.min() >= -1e-9
    assert found.max() <= 1 + 1e-9


@given(st.lists(st.floats(0.2, 0.8), min_size=2, max_size=4), st.integers(0, 9))
def test_no_other_way_to_place_them_strays_less(heights, seed):
    values, random = np.array(heights), np.random.default_rng(seed)
    found = spread(values, gap=0.05, low=0.0, high=1.0)
    strays = ((found - values) ** 2).sum()

    order = np.argsort(found)
    for scale in (1e-3, 1e-2, 0.1):
        other = found[order] + scale * random.normal(size=(200, len(values)))
        is_allowed = np.all(np.diff(other, axis=1) >= 0.05, axis=1)
        others = ((other[is_allowed] - values[order]) ** 2).sum(axis=1)
        assert np.all(others >= strays - 1e-9)


def test_each_label_is_beside_the_axes_and_a_line_leads_to_its_point():
    figure, axes = canvas("title", "x", "y")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    labels = [
        Label("a $", 0.3, 0.5, "#d55e00", "--"),
        Label("b", 0.6, 0.5, "#0072b2", is_bold=True),
    ]

    draw_labels(axes, labels, font_size=6.5, axes_inch=2.0)

    assert [text.get_text() for text in axes.texts] == ["a $", "b"]
    assert [text.get_fontweight() for text in axes.texts] == ["normal", "bold"]
    assert all(text.get_position()[0] > 1 for text in axes.texts)
    first, second = (text.get_position()[1] for text in axes.texts)
    assert first - second == pytest.approx(1.25 * 6.5 / 72 / 2.0)
    leaders = [line for line in axes.lines if line.get_linestyle() == ":"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in leaders] == [
        (0.3, 0.5),
        (0.6, 0.5),
    ]
    figure.canvas.draw()


def test_without_labels_nothing_is_drawn():
    _, axes = canvas("title", "x", "y")
    draw_labels(axes, [], font_size=6.5, axes_inch=2.0)
    assert not axes.texts
    assert not axes.lines
