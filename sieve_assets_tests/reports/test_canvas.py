"""A figure is encoded within its bytes, in its own colours, and written large."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from sieve_assets.reports.canvas import (
    FAINT,
    INK,
    PAGE,
    TAKEN,
    canvas,
    encoded,
    encoded_in,
    inline_figure,
    panels,
    save_large,
    short,
)

RARE = "#cc79a7"


@pytest.fixture
def figure():
    """A wide line, and one of a rare colour that is thin."""
    figure, axes = canvas("title $", "across", "up")
    axes.plot([0, 1], [0, 1], color=TAKEN, linewidth=6)
    axes.plot([0, 1], [0.3, 0.3], color=RARE, linewidth=1.5)
    return figure


def colors_in(content):
    image = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).reshape(-1, 3)
    return {tuple(one) for one in np.unique(image, axis=0).tolist()}


def rgb(color):
    return tuple(round(255 * part) for part in to_rgb(color))


def test_only_the_given_colours_are_there_and_all_that_were_drawn(figure):
    made = encoded_in([FAINT, TAKEN, RARE], figure, 100_000)

    found = colors_in(made.content)
    assert made.mime == "image/webp"
    assert {rgb(color) for color in (TAKEN, RARE, INK, PAGE)} <= found
    assert len(found) <= 8  # with white and two shades of ink


def test_neither_form_is_larger_than_it_may_be(figure):
    for encode in (encoded, lambda *given: encoded_in([TAKEN, RARE], *given)):
        size = len(encode(figure, 100_000).content)
        assert encode(figure, size) == encode(figure, 100_000)
        assert encode(figure, 300) is None
    assert encoded(figure, 100_000).mime == "image/png"


def test_encoding_leaves_the_figure_as_it_was(figure):
    first = encoded(figure, 100_000)
    encoded_in([TAKEN], figure, 100_000)
    assert encoded(figure, 100_000) == first


def test_a_large_file_has_the_figures_shape_with_more_pixels(figure, tmp_path):
    save_large(figure, tmp_path / "figure.png")
    with Image.open(tmp_path / "figure.png") as image:
        assert image.format == "PNG"
        assert image.size == (1050, 600)


def test_a_name_is_cut_only_if_it_must_be():
    assert short("abc", 3) == "abc"
    assert short("abcd", 3) == "ab…"


def test_panels_stand_side_by_side_each_with_what_it_shows():
    figure, [left, right] = panels("title", ["one $", "other"], "up", (4.0, 2.0))
    assert figure.axes == [left, right]
    assert [axes.get_xlabel() for axes in (left, right)] == ["one $", "other"]
    assert [axes.get_ylabel() for axes in (left, right)] == ["up", ""]
    assert figure.get_size_inches().tolist() == [4.0, 2.0]


def test_rows_are_drawn_and_encoded_in_their_own_colours(figure):
    asked = []
    rows = pd.DataFrame({"value": [1]})

    def draw(*given):
        asked.append(given)
        return figure

    made = inline_figure((TAKEN, RARE), draw, rows, "cnn", 8000)
    assert [(len(one), model) for one, model in asked] == [(1, "cnn")]
    assert made is not None
    assert made.content == encoded_in((TAKEN, RARE), figure, 8000).content


def test_nothing_is_drawn_of_no_rows():
    assert inline_figure((TAKEN,), lambda *_: 1 / 0, pd.DataFrame(), "cnn", 8000) is None
