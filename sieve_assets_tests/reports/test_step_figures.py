"""The figures are read back: points and curves against the rows they are drawn of."""

import io

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from PIL import Image

from sieve_assets.assets.shown import COMPARISON_BYTES
from sieve_assets.reports import step_figures as figures
from sieve_assets.reports.canvas import LEFT, TAKEN
from sieve_assets.stores.connections import DuckDBFile
from sieve_assets.stores.warehouse import Warehouse
from sieve_assets_tests.step_rows import BETAS, OWN, ablation_of, store_steps, sweep_of


@pytest.fixture
def warehouse(tmp_path):
    warehouse = Warehouse(DuckDBFile(tmp_path / "sieve.duckdb", 5.0))
    store_steps(warehouse, ablation_of("net"), sweep_of("net"))
    return warehouse


def curve(axes, color, line):
    [found] = [
        one
        for one in axes.lines
        if (one.get_color(), one.get_linestyle()) == (color, line) and len(one.get_xdata()) > 2
    ]
    return found


@pytest.mark.parametrize("column", [one[0] for one in figures.CURVES])
def test_each_curve_has_a_point_at_every_threshold(column):
    rows = sweep_of("net")
    [axes] = figures.draw_sweep(rows, "net").axes
    [(_, _, color, line, _)] = [one for one in figures.CURVES if one[0] == column]
    found = curve(axes, color, line)
    np.testing.assert_allclose(found.get_xdata(), BETAS)
    np.testing.assert_allclose(found.get_ydata(), rows[column])


def test_every_curve_is_named_and_the_studys_own_threshold_marked():
    figure = figures.draw_sweep(sweep_of("net"), "net")
    [axes] = figure.axes
    said = [text.get_text() for text in axes.texts]
    assert {one[1] for one in figures.CURVES} | {"the study's"} == set(said)
    [own] = [one for one in axes.lines if set(one.get_xdata()) == {OWN}]
    assert own.get_linestyle() == ":"
    assert "ratio rule" in axes.get_xlabel()


def test_intervals_are_those_of_the_rows():
    rows = sweep_of("net")
    [axes] = figures.draw_sweep(rows, "net").axes
    ends = {
        tuple(to_rgba(one.get_color()[0])): [path[:, 1].tolist() for path in one.get_segments()]
        for one in axes.collections
    }
    for name, color in (("names_ar", LEFT), ("kept_names_ar", TAKEN)):
        expected = rows[[f"{name}_low", f"{name}_high"]].to_numpy()
        np.testing.assert_allclose(ends[to_rgba(color)], expected)


def test_a_threshold_that_selects_nothing_ends_the_curves_of_means():
    rows = sweep_of("net", [4.0, 6.0, 1e7])
    [axes] = figures.draw_sweep(rows, "net").axes
    assert np.isnan(curve(axes, LEFT, "-").get_ydata()).tolist() == [False, False, True]


def test_the_ablation_has_a_row_a_variant_with_both_means_and_both_shares():
    rows = ablation_of("net")
    [axes] = figures.draw_ablation(rows, "net").axes
    assert [text.get_text() for text in axes.get_yticklabels()] == rows["variant"].tolist()
    notes = [text.get_text() for text in axes.texts]
    shares = {
        heading: [f"{share:.0%}" for share in rows[name]]
        for heading, name in (("left", "coverage"), ("verif.", "verified_coverage"))
    }
    assert notes == [one for heading in shares for one in (heading, *shares[heading])]
    points = {box[0].get_color(): box[0].get_xdata() for box in axes.containers}
    np.testing.assert_allclose(points[LEFT], rows["mean_ar"])
    np.testing.assert_allclose(points[figures.VERIFIED], rows["verified_ar"])


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_of_each_kind_the_neuron_with_the_middle_contrast_is_shown(finished, model):
    ratios = finished.table("neuron_ratios", model=model)
    images = finished.table("probe_images", probe="scenes").sort_values("position")
    expected = []
    for status in ("selected", "low_contrast"):
        some = ratios[ratios["status"] == status].sort_values(["ratio", "neuron"])
        expected += some["neuron"].tolist()[(len(some) - 1) // 2 : (len(some) - 1) // 2 + 1]

    rows = figures.middle_neurons(finished.bench().warehouse, model)

    assert len(expected) == 2
    assert rows["neuron"].tolist() == expected
    for row in rows.to_dict("records"):
        [stored] = finished.table("neuron_activations", model=model, neuron=row["neuron"])[
            "activation"
        ]
        used = stored[~images["is_held_out"].to_numpy()]
        np.testing.assert_array_equal(np.sort(row["activations"]), np.sort(used))


def test_a_histogram_counts_every_image_and_marks_median_and_percentile(finished):
    rows = figures.middle_neurons(finished.bench().warehouse, "vit")
    drawn = figures.draw_distributions(rows, "vit").axes
    assert len(drawn) == len(rows)
    for axes, row in zip(drawn, rows.to_dict("records"), strict=True):
        assert sum(bar.get_height() for bar in axes.patches) == len(row["activations"])
        marks = {one.get_label(): one.get_xdata()[0] for one in axes.lines}
        assert marks == {"median": row["median"], "p99": row["p99"]}
        assert f"neuron {row['neuron']}\n" in axes.get_xlabel()


def test_with_neurons_of_one_kind_alone_one_is_drawn(finished):
    rows = figures.middle_neurons(finished.bench().warehouse, "vit").head(1)
    assert len(figures.draw_distributions(rows, "vit").axes) == 1


@pytest.mark.parametrize("figure_of", [figures.sweep_figure, figures.ablation_figure])
def test_a_figure_fits_and_is_the_same_each_time(warehouse, figure_of):
    found = figure_of(warehouse, "net", max_bytes=COMPARISON_BYTES)
    assert found == figure_of(warehouse, "net", max_bytes=COMPARISON_BYTES)
    assert Image.open(io.BytesIO(found.content)).format == "WEBP"
    assert figure_of(warehouse, "net", max_bytes=100) is None
    assert figure_of(warehouse, "other", max_bytes=COMPARISON_BYTES) is None


def test_distributions_fit_and_of_no_target_there_are_none(finished):
    warehouse = finished.bench().warehouse
    found = figures.distributions_figure(warehouse, "cnn", max_bytes=COMPARISON_BYTES)
    assert Image.open(io.BytesIO(found.content)).format == "WEBP"
    assert figures.distributions_figure(warehouse, "none", max_bytes=COMPARISON_BYTES) is None


def test_what_there_is_is_saved_large(warehouse, tmp_path):
    files = figures.save_step_figures(warehouse, "net", tmp_path / "new")
    assert [file.name for file in files] == ["net_ablation.png", "net_betas.png"]
    for file in files:
        with Image.open(file) as image:
            assert image.width > 1000
    assert figures.save_step_figures(warehouse, "other", tmp_path / "new") == []
