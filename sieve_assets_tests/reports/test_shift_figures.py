"""Recall on two kinds of images, and samples beside pictures."""

import numpy as np
import pytest
from PIL import Image

from sieve_assets.reports.shift_figures import (
    N_NEURONS,
    N_TILES,
    draw_samples,
    draw_shift,
    save_shift,
    shift_figure,
)
from sieve_assets_tests.shift_rows import nowhere_shown, shift_of, store_shift

PLAIN = Image.new("RGB", (8, 8), "red")


@pytest.fixture
def bench(finished, tmp_path):
    return finished.changed(tmp_path).bench()


def test_a_point_is_a_name_by_its_recall_on_both_kinds():
    [axes] = draw_shift(shift_of("cnn", 4), "cnn").axes

    others, verified = (one.get_offsets() for one in axes.collections)
    np.testing.assert_allclose(verified, [[1, neuron / 10] for neuron in range(4)])
    np.testing.assert_allclose(others, [[1, neuron / 10] for neuron in range(4)])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        *("other names", "verified names")
    ]


def test_a_row_has_a_name_and_images_of_three_kinds():
    rows = shift_of("cnn", 2).drop_duplicates("neuron")
    tiles = [[[PLAIN] * 2, [PLAIN] * 6, []] for _ in range(2)]

    axes = draw_samples(rows, "cnn", tiles).axes

    n_columns = 1 + 3 * (1 + N_TILES)
    first = axes[:n_columns]
    assert "0: verified 0\nfires on 100 / 0 / 90 %" in first[0].texts[0].get_text()
    shown = [len(one.images) for one in first[1:]]
    assert shown == [0, 1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0]


def test_the_small_figure_fits_and_there_is_none_without_images_that_show_names(bench):
    store_shift(bench.warehouse, shift_of("cnn"))
    store_shift(bench.warehouse, nowhere_shown(shift_of("vit")))

    found = shift_figure(bench.warehouse, "cnn", max_bytes=16_000)

    assert len(found.content) <= 16_000
    assert shift_figure(bench.warehouse, "vit", max_bytes=16_000) is None


def test_the_sheet_goes_from_the_name_that_loses_most_to_the_one_that_loses_least(bench, tmp_path):
    sets = bench.warehouse.read("SELECT neuron, concept FROM generated_image_sets")
    rows = shift_of("cnn", 9)
    neuron = int(sets["neuron"].iloc[0])
    concept = sets["concept"].iloc[0]
    rows.loc[(rows["neuron"] == neuron) & (rows["verdict"] == "verified"), "concept"] = concept
    store_shift(bench.warehouse, rows)
    opened = {"own": [], "other": [], "stored": []}

    def opens(kind):
        return lambda uri: opened[kind].append(uri) or PLAIN

    files = save_shift(
        bench.warehouse,
        "cnn",
        tmp_path / "out",
        open_probe_image=opens("own"),
        open_shifted_image=opens("other"),
        open_stored_image=opens("stored"),
    )

    assert [file.name for file in files] == ["cnn_shift.png", "cnn_samples_and_pictures.png"]
    for file in files:
        with Image.open(file) as image:
            assert image.format == "PNG"
    assert opened["own"] == ["own.png"] * N_TILES * N_NEURONS
    assert opened["other"] == ["other.png"] * N_TILES * N_NEURONS
    stored = bench.warehouse.read("SELECT uri FROM pictures")["uri"]
    assert {*opened["stored"]} <= {*stored}


def test_nothing_is_written_without_rows(bench, tmp_path):
    def refuse(_uri):
        pytest.fail("it opened an image")

    files = save_shift(
        bench.warehouse,
        "cnn",
        tmp_path / "out",
        open_probe_image=refuse,
        open_shifted_image=refuse,
        open_stored_image=refuse,
    )

    assert files == []
