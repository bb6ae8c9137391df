"""The figures are read back: points, curves and labels against the rows they are drawn of."""

import io

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from PIL import Image

from sieve_assets.assets.shown import COMPARISON_BYTES
from sieve_assets.reports import comparison_figures as figures
from sieve_assets.reports.canvas import TAKEN
from sieve_assets.reports.compared_methods import compared_methods, judged_scores
from sieve_assets.stores.connections import DuckDBFile
from sieve_assets.stores.warehouse import Warehouse
from sieve_assets_tests.compared_rows import (
    METHODS,
    TWENTY,
    comparison_of,
    scores_of,
    store_comparison,
)

OF_ALL = [figures.methods_figure, figures.coverage_figure]
OF_TRUTH = [figures.recall_figure, figures.scores_figure]


def warehouse_of(tmp_path, explainers, *, is_known=True):
    warehouse = Warehouse(DuckDBFile(tmp_path / "sieve.duckdb", 5.0))
    rows = comparison_of("net", explainers, is_known=is_known)
    store_comparison(warehouse, rows, scores_of("net", None if is_known else {}))
    return warehouse


@pytest.fixture
def warehouse(tmp_path):
    return warehouse_of(tmp_path, METHODS)


@pytest.fixture
def rows(warehouse):
    return compared_methods(warehouse, "net")


def texts_of(axes):
    return [text.get_text() for text in axes.texts]


def lines_of(axes, **look):
    """Lines of a marker or style."""
    return [
        line
        for line in axes.lines
        if all(getattr(line, f"get_{name}")() == value for name, value in look.items())
    ]


@pytest.mark.parametrize("explainers", [["sieve"], ["www"], TWENTY], ids=["own", "other", "many"])
@pytest.mark.parametrize("figure_of", [*OF_ALL, *OF_TRUTH])
def test_a_figure_of_one_method_and_of_twenty_fits_and_is_the_same_each_time(
    tmp_path, figure_of, explainers
):
    warehouse = warehouse_of(tmp_path, explainers)

    made = figure_of(warehouse, "net", max_bytes=COMPARISON_BYTES)

    assert 0 < len(made.content) <= COMPARISON_BYTES
    image = Image.open(io.BytesIO(made.content))
    assert image.format == "WEBP"
    assert image.width == 460
    assert made == figure_of(warehouse, "net", max_bytes=COMPARISON_BYTES)
    assert figure_of(warehouse, "net", max_bytes=500) is None
    assert figure_of(warehouse, "other", max_bytes=COMPARISON_BYTES) is None


def test_without_truth_there_are_figures_of_rates_alone(tmp_path):
    warehouse = warehouse_of(tmp_path, METHODS, is_known=False)

    assert all(one(warehouse, "net", max_bytes=COMPARISON_BYTES) for one in OF_ALL)
    assert not any(one(warehouse, "net", max_bytes=COMPARISON_BYTES) for one in OF_TRUTH)
    saved = figures.save_figures(warehouse, "net", tmp_path / "out")
    assert [file.name for file in saved] == ["net_methods.png", "net_coverage.png"]


def test_rates_before_and_after_the_filter_are_in_the_row_of_their_method(rows):
    [axes] = figures.draw_methods(rows, "net").axes

    names = [tick.get_text() for tick in axes.get_yticklabels()]
    assert names == rows["called"].tolist()
    places = np.arange(len(rows))[::-1]
    for marker, name in (("o", "mean_ar"), ("D", "kept_ar")):
        [points] = lines_of(axes, marker=marker)
        np.testing.assert_allclose(points.get_xdata(), rows[name])
        np.testing.assert_allclose(points.get_ydata(), places)
    assert texts_of(axes) == ["kept", *(f"{share:.0%}" for share in rows["kept_coverage"])]


def test_sieve_others_and_controls_are_parted(rows):
    [axes] = figures.draw_methods(rows, "net").axes
    heights = [line.get_ydata()[0] for line in lines_of(axes, marker="None", linewidth=0.5)]
    assert heights == [6.5, 2.5]


def test_each_curve_is_its_methods_and_ends_in_a_point_that_a_label_names(rows):
    [axes] = figures.draw_coverage(rows, "net").axes

    curves = [line for line in axes.lines if len(line.get_xdata()) > 3]
    assert len(curves) == len(rows)
    for curve, row in zip(curves, rows.to_dict("records"), strict=True):
        np.testing.assert_allclose(curve.get_xdata(), row["curve_coverage"])
        np.testing.assert_allclose(curve.get_ydata(), row["curve_ar"])
    ends = [tuple(line.get_xydata()[0]) for line in lines_of(axes, marker="o")]
    assert ends == [(row["curve_coverage"][-1], row["curve_ar"][-1]) for _, row in rows.iterrows()]
    assert texts_of(axes) == [*rows["called"], "★ SIEVE, verified"]


def test_sieve_stands_out_and_its_verified_names_are_where_they_reach(rows):
    [axes] = figures.draw_coverage(rows, "net").axes
    own = rows.set_index("explainer").loc["sieve"]

    wide = [line for line in axes.lines if line.get_linewidth() == 2 and len(line.get_xdata()) > 3]
    assert [to_rgba(line.get_color()) for line in wide] == [to_rgba(TAKEN)]
    [star] = lines_of(axes, marker="*")
    assert star.get_xydata().tolist() == [[own["verified_coverage"], own["verified_ar"]]]


def test_without_sieve_or_a_verified_name_there_is_no_star(rows):
    others = rows[rows["explainer"] != "sieve"]
    unverified = rows.assign(verified_ar=np.nan)
    for some in (others, unverified):
        [axes] = figures.draw_coverage(some, "net").axes
        assert lines_of(axes, marker="*") == []
        assert texts_of(axes) == some["called"].tolist()


def test_fifteen_other_methods_look_different(tmp_path):
    warehouse = warehouse_of(tmp_path, [f"method_{number}" for number in range(15)])
    [axes] = figures.draw_coverage(compared_methods(warehouse, "net"), "net").axes

    curves = [line for line in axes.lines if len(line.get_xdata()) > 3]
    looks = {(line.get_color(), line.get_linestyle()) for line in curves}
    assert len(looks) == len(curves) == 15


def test_truth_of_first_and_verified_names_is_joined_and_labelled(rows):
    [axes] = figures.draw_recall(rows, "net").axes

    points = [line.get_xydata()[0].tolist() for line in lines_of(axes, marker="o")]
    firsts, verified = points[::2], points[1::2]
    np.testing.assert_allclose(firsts, rows[["recall_first", "true_first"]])
    np.testing.assert_allclose(verified, rows[["recall_verified", "true_verified"]])
    assert texts_of(axes) == rows["called"].tolist()


def test_a_method_without_verified_names_has_one_point(rows):
    none = rows.assign(true_verified=np.nan).head(1)
    [axes] = figures.draw_recall(none, "net").axes

    points = [line.get_xydata()[0] for line in lines_of(axes, marker="o")]
    assert [np.isfinite(point).all() for point in points] == [True, False]


def test_each_score_has_its_row_and_each_set_of_names_its_marker(warehouse):
    scores = judged_scores(warehouse, "net")
    [axes] = figures.draw_scores(scores, "net").axes

    assert [tick.get_text() for tick in axes.get_yticklabels()] == [
        *("score", "AR", "CoSy's AUC", "verdict"),
    ]
    for labels, marker in (("words and controls", "s"), ("words", "o"), ("sieve", "D")):
        [points] = lines_of(axes, marker=marker)
        expected = scores.loc[scores["labels"] == labels, "auroc"]
        np.testing.assert_allclose(points.get_xdata(), expected)
        assert np.rint(points.get_ydata()).tolist() == [3, 2, 1, 0]
    said = [text.get_text() for text in axes.get_legend().get_texts()]
    assert said == ["words and controls, 90 names", "words, 60 names", "SIEVE, 20 names"]


def test_a_score_that_one_set_alone_has_keeps_its_row(warehouse):
    scores = judged_scores(warehouse, "net").query("labels == 'sieve' or score != 'auc'")
    [axes] = figures.draw_scores(scores, "net").axes

    [points] = lines_of(axes, marker="D")
    names = [tick.get_text() for tick in axes.get_yticklabels()]
    by_height = sorted(zip(np.rint(points.get_ydata()), points.get_xdata(), strict=True))
    areas = scores[scores["labels"] == "sieve"].set_index("called")["auroc"]
    np.testing.assert_allclose([area for _, area in by_height], areas[names[::-1]])


def test_figures_are_saved_large_by_name(warehouse, tmp_path):
    saved = figures.save_figures(warehouse, "net", tmp_path / "not" / "there")

    assert [file.name for file in saved] == [
        f"net_{name}.png" for name in ("methods", "coverage", "recall", "scores")
    ]
    for file in saved:
        with Image.open(file) as image:
            assert image.width == 1150
    assert figures.save_figures(warehouse, "other", tmp_path / "none") == []


@pytest.mark.parametrize("draw", [figures.draw_methods, figures.draw_coverage, figures.draw_recall])
def test_rows_are_left_as_they_were_and_any_name_is_drawn(rows, draw):
    named = rows.assign(called=["$\\frac{" + "x" * 60, *rows["called"][1:]])
    before = named.copy(deep=True)

    draw(named, "$\\frac{" + "x" * 90).savefig(io.BytesIO())

    assert named.drop(columns=["curve_ar", "curve_coverage"]).equals(
        before.drop(columns=["curve_ar", "curve_coverage"])
    )
