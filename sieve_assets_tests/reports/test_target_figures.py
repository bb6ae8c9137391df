"""The figures are read back: bars, lines and points against the rows they are drawn of."""

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgba
from PIL import Image

from sieve_assets.reports.canvas import LEFT, TAKEN
from sieve_assets.reports.target_figures import (
    draw_rates,
    draw_ratios,
    draw_truth,
    rates_figure,
    ratio_edges,
    ratios_figure,
    truth_figure,
)
from sieve_assets.stores.connections import DuckDBFile
from sieve_assets.stores.warehouse import Replacement, Warehouse

FIGURES = [ratios_figure, rates_figure, truth_figure]
BUDGET = 8000


def neurons_of(ratios, beta=2.0):
    rows = pd.DataFrame({"ratio": ratios}, dtype=float).assign(rule="ratio", beta=beta)
    status = np.where(rows["ratio"] > beta, "selected", "low_contrast")
    return rows.assign(status=np.where(rows["ratio"].isna(), "dead", status))


def names_of(rates, *, is_complete=True):
    rows = pd.DataFrame({"activation_rate": rates}, dtype=float)
    mean = rows["activation_rate"].mean()
    return rows.assign(
        paper_kept=rows["activation_rate"] >= mean,
        initial_mean_ar=mean,
        is_complete=is_complete,
        oracle_ar=rows["activation_rate"] / 2,
    )


def heights(figure, color):
    bars = [bar for bar in figure.axes[0].patches if np.allclose(bar.get_facecolor(), color)]
    return sum(bar.get_height() for bar in bars)


def taken_and_left(figure):
    return heights(figure, to_rgba(TAKEN)), heights(figure, to_rgba(LEFT))


def decoded(made):
    return Image.open(io.BytesIO(made.content))


@pytest.fixture
def warehouse(tmp_path):
    """A target `net` with neurons, judged names and their truth; one name names nothing."""
    warehouse = Warehouse(DuckDBFile(tmp_path / "sieve.duckdb", 5.0))
    ratios = [1.1, 1.5, 2.5, 4.0, np.inf, np.nan]
    neurons = neurons_of(ratios).assign(
        model="net", neuron=range(len(ratios)), median=1.0, p99=2.0, is_sparse=np.isinf(ratios)
    )
    key = {"model": "net", "cluster": 0}
    names = names_of([0, 0.25, 0.5, 1.0]).assign(**key, neuron=range(4), concept="c")
    judged = names.drop(columns="oracle_ar").assign(final_mean_ar=0.75, n_hypotheses=4)
    truth = names[["model", "cluster", "neuron", "concept"]].assign(
        threshold=1.0,
        is_of_world=[True, True, True, False],
        n_scenes=[9, 9, 9, 0],
        oracle_ar=[0.0, 0.5, 0.5, None],
        oracle_f1=0.5,
        shuffled_f1=0.1,
        best_f1=0.5,
        best_concept="c",
        oracle_true=[True, True, True, False],
    )
    model = pd.DataFrame({"model": ["net"]})
    warehouse.replace(
        Replacement("neuron_ratios", neurons, model),
        Replacement("verified_concepts", judged, model),
        Replacement("oracle_rates", truth, model),
    )
    return warehouse


@pytest.mark.parametrize("figure_of", FIGURES)
def test_a_figure_is_a_small_png_and_the_same_each_time(warehouse, figure_of):
    made = figure_of(warehouse, "net", max_bytes=BUDGET)
    assert made.mime == "image/png"
    assert decoded(made).size == (420, 240)
    assert made == figure_of(warehouse, "net", max_bytes=BUDGET)


@pytest.mark.parametrize("figure_of", FIGURES)
def test_the_budget_is_never_exceeded(warehouse, figure_of):
    made = [figure_of(warehouse, "net", max_bytes=budget) for budget in range(500, 8500, 1000)]
    sizes = [len(one.content) for one in made if one]
    assert sizes == sorted(sizes)
    assert made[0] is None
    for budget, one in zip(range(500, 8500, 1000), made, strict=True):
        assert one is None or len(one.content) <= budget


@pytest.mark.parametrize("figure_of", FIGURES)
def test_there_is_no_figure_of_nothing(warehouse, figure_of):
    assert figure_of(warehouse, "other", max_bytes=BUDGET) is None


def test_neurons_that_are_all_dead_give_no_figure(warehouse):
    dead = warehouse.read("SELECT * FROM neuron_ratios WHERE status = 'dead'")
    warehouse.replace(Replacement("neuron_ratios", dead, pd.DataFrame({"model": ["net"]})))
    assert ratios_figure(warehouse, "net", max_bytes=BUDGET) is None


def test_every_neuron_with_a_contrast_is_in_a_bar_of_its_color():
    figure = draw_ratios(neurons_of([1.1, 1.5, 2.5, 4.0, 90.0, np.inf, np.nan]), "net")
    assert taken_and_left(figure) == (4, 2)
    said = figure.get_suptitle() + figure.axes[0].get_xlabel()
    assert "4 of 7 neurons selected (57%)" in said
    assert "1 infinite" in said
    assert "1 dead" in said


def test_beta_is_marked_and_no_bar_lies_on_both_sides_of_it():
    figure = draw_ratios(neurons_of([0.5, 1.9, 2.1, 300.0]), "net")
    line = figure.axes[0].lines[0]
    assert list(line.get_xdata()) == [2.0, 2.0]
    for bar in figure.axes[0].patches:
        assert bar.get_x() + bar.get_width() <= 2.0 + 1e-9 or bar.get_x() >= 2.0 - 1e-9


@given(st.lists(st.floats(0, 1e9) | st.just(np.inf), min_size=1, max_size=30), st.floats(0.01, 1e4))
def test_edges_hold_every_finite_ratio_and_rise_through_beta(ratios, beta):
    edges, _ = ratio_edges(np.array(ratios), beta)
    finite = [ratio for ratio in ratios if np.isfinite(ratio)]
    assert np.all(np.diff(edges) > 0)
    assert beta in edges
    assert len(edges) < 100
    if finite:
        assert edges[0] <= min(finite) * (1 + 1e-9)
        assert edges[-1] >= max(finite) * (1 - 1e-9)


def test_every_name_is_in_a_bar_of_its_verdict_and_the_mean_is_marked():
    figure = draw_rates(names_of([0, 0.1, 0.3, 0.9, 1.0, 1.0]), "net")
    assert taken_and_left(figure) == (3, 3)
    assert figure.axes[0].lines[0].get_xdata()[0] == pytest.approx(0.55)
    assert figure.get_suptitle() == "net: 3 of 6 names kept (50%)"


def test_verdicts_that_may_change_are_told_so():
    figure = draw_rates(names_of([0, 1.0], is_complete=False), "net")
    assert figure.get_suptitle() == "net: 1 of 2 names kept so far (50%)"


def test_each_point_is_a_names_two_rates_in_the_color_of_its_verdict():
    names = names_of([0, 0.2, 0.8])
    figure = draw_truth(names, "net")
    kept, dropped = figure.axes[0].collections
    assert kept.get_offsets().tolist() == [[0.4, 0.8]]
    assert dropped.get_offsets().tolist() == [[0, 0], [0.1, 0.2]]
    assert np.allclose(kept.get_facecolor(), to_rgba(TAKEN))
    assert "off by 0.17 in the mean" in figure.get_suptitle()
    diagonal = figure.axes[0].lines[0]
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 1]


def test_names_without_a_true_rate_are_left_out(warehouse):
    seen = warehouse.read("SELECT * FROM oracle_rates WHERE oracle_ar IS NULL")
    assert len(seen) == 1
    nameless = seen.assign(oracle_ar=pd.Series([None], dtype=float))
    warehouse.replace(Replacement("oracle_rates", nameless, pd.DataFrame({"model": ["net"]})))
    assert truth_figure(warehouse, "net", max_bytes=BUDGET) is None


@pytest.mark.parametrize("draw", [draw_rates, draw_truth])
def test_rows_are_left_as_they_were(draw):
    names = names_of([0, 0.2, 0.8])
    before = names.copy()
    draw(names, "net")
    pd.testing.assert_frame_equal(names, before)


def test_a_name_of_any_signs_and_length_is_drawn_as_it_is_and_cut():
    figure = draw_rates(names_of([0, 1.0]), "$\\frac{" + "x" * 90)
    figure.savefig(io.BytesIO())
    assert figure.get_suptitle().startswith("$\\frac{xxx")
    assert len(figure.get_suptitle()) < 60


def test_kept_and_dropped_differ_in_lightness_too():
    def lightness(color):
        return np.dot(to_rgba(color)[:3], [0.2126, 0.7152, 0.0722])

    assert lightness(LEFT) - lightness(TAKEN) > 0.25
