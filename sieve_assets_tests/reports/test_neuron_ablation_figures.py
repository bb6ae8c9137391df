"""Bars of classes: the neurons that cost most, in order, with their crops where asked for."""

import pytest
from matplotlib.colors import to_hex
from PIL import Image

from sieve_assets.reports.canvas import LEFT, TAKEN
from sieve_assets.reports.neuron_ablation_figures import (
    draw_neuron_ablation,
    neuron_ablation_figure,
    save_neuron_ablation,
)
from sieve_assets_tests.neuron_ablation_rows import neuron_ablation_of, store_neuron_ablation


@pytest.fixture
def bench(finished, tmp_path):
    return finished.changed(tmp_path).bench()


def shown(n_neurons, **options):
    rows = neuron_ablation_of("cnn", n_neurons, **options)
    return rows[(rows["measure"] == "accuracy") & (rows["neuron"] > 0)]


def test_neurons_and_classes_are_in_the_order_of_their_drop():
    axes = draw_neuron_ablation(shown(3), "cnn", {}).axes

    assert [one.get_title(loc="left") for one in axes] == ["neuron 2: name 2", "neuron 1: name 1"]
    widths = [bar.get_width() for bar in axes[0].patches]
    assert widths == pytest.approx([0.2, 0.1, 0.2 / 3])
    assert axes[0].get_ylim()[0] > axes[0].get_ylim()[1]  # the first on top
    assert axes[0].get_xlim() == axes[1].get_xlim()


def test_a_class_that_shows_the_name_is_blue_and_only_where_that_is_known():
    known = draw_neuron_ablation(shown(2), "cnn", {}).axes[-1]
    unknown = draw_neuron_ablation(shown(2, is_known=False), "cnn", {}).axes[-1]

    colours = [[to_hex(bar.get_facecolor()) for bar in one.patches] for one in (known, unknown)]
    assert colours == [[TAKEN, LEFT, LEFT], [LEFT] * 3]
    assert "blue" in known.get_xlabel()
    assert "blue" not in unknown.get_xlabel()


def test_crops_stand_before_the_bars():
    crops = {2: [Image.new("RGB", (8, 8), "red")] * 2, 1: []}
    axes = draw_neuron_ablation(shown(3), "cnn", crops).axes

    assert [len(one.images) for one in axes] == [1, 1, 0, 0, 0, 0]


def test_the_small_figure_fits_and_shows_six_neurons_at_most(bench):
    store_neuron_ablation(bench.warehouse, neuron_ablation_of("cnn", 6))

    found = neuron_ablation_figure(bench.warehouse, "cnn", max_bytes=16_000)

    assert found.mime == "image/webp"
    assert len(found.content) <= 16_000
    assert neuron_ablation_figure(bench.warehouse, "cnn", max_bytes=100) is None
    assert neuron_ablation_figure(bench.warehouse, "vit", max_bytes=16_000) is None


def test_the_large_one_is_written_with_crops_of_the_store(bench, tmp_path):
    store_neuron_ablation(bench.warehouse, neuron_ablation_of("cnn", 6))
    opened = []

    def open_image(uri):
        opened.append(uri)
        return bench.images.open(uri)

    [file] = save_neuron_ablation(bench.warehouse, "cnn", tmp_path / "out", open_image)

    assert file.name == "cnn_neuron_ablation.png", "cnn_ablation.png is of the steps"
    with Image.open(file) as image:
        assert image.format == "PNG"
    stored = bench.warehouse.read("SELECT uri FROM patch_embeddings WHERE model = 'cnn'")["uri"]
    assert opened
    assert {*opened} <= {*stored}
    assert save_neuron_ablation(bench.warehouse, "vit", tmp_path / "out", open_image) == []
