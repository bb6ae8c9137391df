"""The pictures that go with a partition in Dagster's catalogue, as Markdown.

Not here: how they are drawn (`reports`). Libraries that draw load on first use.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sieve_assets.assets.partitions import OF_A_MODEL, Share
from sieve_assets.assets.resources import Workbench

SHEET_BYTES = 1600
"""Most bytes of a neuron's contact sheet: Dagster stores an event twice, and text for bytes."""
FIGURE_BYTES = 8000
"""Most bytes of a target's figure."""
COMPARISON_BYTES = 16_000
"""The same where each of some twenty methods has a line and a label."""

Pictures = Mapping[int, Mapping[str, str]]


def crop_pictures(bench: Workbench, share: Share) -> Pictures:
    """What each neuron sees: its strongest patches by cluster."""
    from sieve_assets.reports.neuron_sheets import cluster_sheets  # noqa: PLC0415 (it draws)

    return _sheets(cluster_sheets, bench, share, "strongest crops by cluster")


def test_pictures(bench: Workbench, share: Share) -> Pictures:
    """How each name was tested: its first pictures, those framed that fire the neuron."""
    from sieve_assets.reports.neuron_sheets import concept_sheets  # noqa: PLC0415 (it draws)

    return _sheets(concept_sheets, bench, share, "pictures by name (green: fires; AR at the right)")


def target_pictures(bench: Workbench, share: Share) -> Pictures:
    """Histograms of a target's contrasts and activation rates."""
    from sieve_assets.reports import target_figures  # noqa: PLC0415 (matplotlib is slow)

    return _figures(
        bench,
        share,
        {
            "contrasts of all neurons": target_figures.ratios_figure,
            "activation rates of all names": target_figures.rates_figure,
        },
    )


def truth_pictures(bench: Workbench, share: Share) -> Pictures:
    """A target's activation rates against the truth."""
    from sieve_assets.reports import target_figures  # noqa: PLC0415 (matplotlib is slow)

    return _figures(
        bench, share, {"activation rates against the truth": target_figures.truth_figure}
    )


def comparison_pictures(bench: Workbench, share: Share) -> Pictures:
    """A target's methods by activation rate, by coverage, and by truth where it is known."""
    from sieve_assets.reports import comparison_figures  # noqa: PLC0415 (matplotlib is slow)

    return _figures(
        bench,
        share,
        {
            "mean AR by method": comparison_figures.methods_figure,
            "mean AR by coverage": comparison_figures.coverage_figure,
            "true names by recall": comparison_figures.recall_figure,
        },
        COMPARISON_BYTES,
    )


def score_pictures(bench: Workbench, share: Share) -> Pictures:
    """Which number tells a target's true names from others."""
    from sieve_assets.reports import comparison_figures  # noqa: PLC0415 (matplotlib is slow)

    draw = {"which number to trust": comparison_figures.scores_figure}
    return _figures(bench, share, draw, COMPARISON_BYTES)


def ablation_pictures(bench: Workbench, share: Share) -> Pictures:
    """What each step of SIEVE adds on a target."""
    from sieve_assets.reports import step_figures  # noqa: PLC0415 (matplotlib is slow)

    draw = {"mean AR with and without a step": step_figures.ablation_figure}
    return _figures(bench, share, draw, COMPARISON_BYTES)


def sweep_pictures(bench: Workbench, share: Share) -> Pictures:
    """SIEVE by threshold, and the activations of two neurons that a threshold tells apart."""
    from sieve_assets.reports import step_figures  # noqa: PLC0415 (matplotlib is slow)

    return _figures(
        bench,
        share,
        {
            "mean AR and coverage by threshold": step_figures.sweep_figure,
            "a selected neuron and one of low contrast": step_figures.distributions_figure,
        },
        COMPARISON_BYTES,
    )


def neuron_ablation_pictures(bench: Workbench, share: Share) -> Pictures:
    """What classes lose without a neuron, of the neurons by which they lose most."""
    from sieve_assets.reports import neuron_ablation_figures  # noqa: PLC0415 (as above)

    draw = {"accuracy that classes lose": neuron_ablation_figures.neuron_ablation_figure}
    return _figures(bench, share, draw, COMPARISON_BYTES)


def shift_pictures(bench: Workbench, share: Share) -> Pictures:
    """A target's names on images of two kinds and on pictures."""
    from sieve_assets.reports.shift_figures import shift_figure  # noqa: PLC0415 (as above)

    draw = {"names on images of another kind": shift_figure}
    return _figures(bench, share, draw, COMPARISON_BYTES)


def _sheets(draw: Callable[..., Any], bench: Workbench, share: Share, name: str) -> Pictures:
    try:
        sheets = draw(bench.warehouse, share.model, share.neurons, bench.images.open, SHEET_BYTES)
    except (ValueError, FileNotFoundError):  # a damaged file, which a check of its stage names
        return {}
    return {neuron: {name: sheet.markdown(name)} for neuron, sheet in sheets.items()}


def _figures(
    bench: Workbench,
    share: Share,
    draw: Mapping[str, Callable[..., Any]],
    max_bytes: int = FIGURE_BYTES,
) -> Pictures:
    drawn = {
        name: figure(bench.warehouse, share.model, max_bytes=max_bytes)
        for name, figure in draw.items()
    }
    return {OF_A_MODEL: {name: one.markdown(name) for name, one in drawn.items() if one}}
