"""The figure is read back: its texts against stored rates, its frames against activations."""

import io
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from sieve_assets.image_sets.folders import Folder
from sieve_assets.image_sets.listing import open_image
from sieve_assets.reports.evidence import FIRES, _draw_row, _in_lines, draw_evidence, verdict_lines


def drawn(bench, model, neuron):
    return draw_evidence(
        bench.warehouse,
        model=model,
        neuron=neuron,
        open_probe_image=partial(open_image, Folder(Path())),
        open_stored_image=bench.images.open,
    )


@pytest.fixture
def tested(finished):
    """A workbench, and the first hypothesis of its study with some picture above the threshold."""
    bench = finished.bench()
    rates = bench.warehouse.read("SELECT * FROM activation_rates ORDER BY n_active DESC, neuron")
    return bench, rates.iloc[0]


def test_each_hypothesis_is_shown_with_its_rate_and_verdict(tested):
    bench, rate = tested
    figure = drawn(bench, rate["model"], int(rate["neuron"]))
    texts = [text.get_text().replace("\n", " ") for axes in figure.axes for text in axes.texts]
    asked = [rate["model"], int(rate["neuron"])]
    rows, verdicts = (
        bench.warehouse.read(f"SELECT * FROM {name} WHERE model = $1 AND neuron = $2", asked)  # noqa: S608 (ours)
        for name in ("verified_concepts", "verdicts")
    )
    judged = dict(zip(verdicts["concept"], verdicts["verdict"], strict=True))
    assert len(rows) > 0
    for row in rows.to_dict("records"):
        named = f'"{row["concept"]}" (cluster {row["cluster"]}): {judged[row["concept"]]}'
        [said] = [text for text in texts if text.startswith(named)]
        assert f"AR {row['activation_rate']:.2f}" in said
        assert f"rule: {'kept' if row['paper_kept'] else 'dropped'}" in said


def test_verdicts_are_said_with_their_reasons(tested):
    bench, rate = tested
    model, neuron = rate["model"], int(rate["neuron"])

    lines = verdict_lines(bench.warehouse, model=model, neuron=neuron)

    rows, revised = (
        bench.warehouse.read(
            f"SELECT * FROM {name} WHERE model = $1 AND neuron = $2 ORDER BY concept",  # noqa: S608 (ours)
            [model, neuron],
        )
        for name in ("verdicts", "revised_names")
    )
    *own, best = [
        f'"{row["concept"]}": {row["verdict"]}, {row["reason"]}'
        for row in [*rows.to_dict("records"), *revised.to_dict("records")]
    ]
    assert len(rows) > 0
    assert lines == [*own, f"best of all drawn concepts: {best}"]
    assert verdict_lines(bench.warehouse, model=model, neuron=99) == []


def test_as_many_frames_are_green_as_pictures_fire(tested):
    bench, rate = tested
    figure = drawn(bench, rate["model"], int(rate["neuron"]))
    green = to_rgba(FIRES)
    framed = [
        axes
        for axes in figure.axes
        if axes.axison and np.allclose(axes.spines["left"].get_edgecolor(), green)
    ]
    n_active = bench.warehouse.read(
        "SELECT sum(n_active) AS n FROM activation_rates WHERE model = $1 AND neuron = $2",
        [rate["model"], int(rate["neuron"])],
    )["n"].iloc[0]
    assert len(framed) == n_active


def test_crops_are_marked_where_they_were_cut(tested):
    bench, rate = tested
    figure = drawn(bench, rate["model"], int(rate["neuron"]))
    patches = bench.warehouse.read(
        "SELECT * FROM patch_embeddings WHERE model = $1 AND neuron = $2 ORDER BY rank",
        [rate["model"], int(rate["neuron"])],
    )
    marks = [axes.patches[0] for axes in figure.axes if axes.patches]
    assert len(marks) == len(patches)
    for mark, patch in zip(marks, patches.to_dict("records"), strict=True):
        assert mark.get_x() + 0.5 == patch["x0"]
        assert mark.get_width() == patch["x1"] - patch["x0"]


def test_neuron_without_a_tested_hypothesis_is_refused_by_name(finished):
    with pytest.raises(LookupError, match="neuron 99 of cnn"):
        drawn(finished.bench(), "cnn", 99)


@pytest.mark.parametrize(
    "concept", ["$5 and $x", r"$\frac{", "'; DROP TABLE clusters; --", "<script>", "[red]"]
)
def test_a_concept_is_written_as_it_is_whatever_signs_it_holds(concept):
    assert drawn_title(concept).replace("\n", " ") == f'"{concept}" (cluster 12)'


def test_a_long_concept_is_cut_so_that_it_does_not_cover_the_next_row():
    for concept in ("a very tall tree " * 50, "x" * 900):
        lines = drawn_title(concept).split("\n")
        assert len(lines) <= 4
        assert lines[0].startswith(f'"{concept[:15]}')
        assert " ".join(lines).endswith('…" (cluster 12)')


def drawn_title(concept):
    """The text that the figure has of a concept, after it was rendered."""
    figure = Figure()
    axes = figure.subplots(1, 2)
    _draw_row(axes, _in_lines(concept, 12), [])
    figure.savefig(io.BytesIO())
    return axes[0].texts[0].get_text()
