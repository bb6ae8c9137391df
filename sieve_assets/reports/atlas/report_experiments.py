"""What experiments with names say of a target, for its report: ablated neurons, other images."""

from sieve_assets.reports.atlas.report_figures import Drawing, drawn_figures
from sieve_assets.reports.atlas.report_parts import Section, Subject, Table
from sieve_assets.reports.neuron_ablation_figures import draw_neuron_ablation, losing_rows
from sieve_assets.reports.neuron_ablation_tables import (
    LOSING_AGREEMENT,
    LOSING_HEADINGS,
    LOSING_KEY,
    LOSING_NEURONS,
    agreement_lines,
    losing_cells,
    losing_title,
)
from sieve_assets.reports.percent_tables import rows_in
from sieve_assets.reports.shift_figures import draw_shift, names_shown_in_both
from sieve_assets.reports.shift_tables import (
    SHIFT_HEADINGS,
    SHIFT_KEY,
    SHIFT_MEANS,
    shift_cells,
)

MOST_NEURONS = 15


def experiments(subject: Subject) -> list[Section]:
    """The experiments that there are rows of."""
    return [one for one in (_without_a_neuron(subject), _other_images(subject)) if one is not None]


def _without_a_neuron(subject: Subject) -> Section | None:
    warehouse, model = subject.warehouse, subject.model
    rows = warehouse.read(LOSING_NEURONS, [model])
    if rows.empty:
        return None
    table = Table(
        "losing",
        f"{losing_title(rows)}: those that cost most",
        f"{LOSING_KEY.strip()} drop: of the class's accuracy. In percent but images.",
        ["neuron and name: class", *LOSING_HEADINGS],
        [losing_cells(row) for row in rows_in(rows.head(MOST_NEURONS))],
    )
    said = agreement_lines(warehouse.read(LOSING_AGREEMENT, [model]))
    losing = losing_rows(warehouse, model)
    figure = Drawing(
        "losing",
        "Classes that lose most accuracy by a neuron",
        "A bar a class, the greatest drop first; blue where at least half of the class's "
        "images show the neuron's name.",
        f"Bars of the drop of accuracy for {losing['neuron'].nunique()} neurons.",
        lambda some, name: draw_neuron_ablation(some, name, {}),
        losing,
    )
    said = [f"{one[0].upper()}{one[1:]}." for one in said]
    title = "What classes lose without a neuron"
    return Section("losing-part", title, said, figures=drawn_figures(model, figure), tables=[table])


def _other_images(subject: Subject) -> Section | None:
    warehouse, model = subject.warehouse, subject.model
    rows = warehouse.read(SHIFT_MEANS, [model])
    if rows.empty:
        return None
    table = Table(
        "shift",
        f"Names on the target's own images / on {rows['shifted_probe'].iloc[0]}",
        SHIFT_KEY.strip(),
        ["names", "number", *SHIFT_HEADINGS[1:]],
        [shift_cells(row) for row in rows_in(rows)],
    )
    names = names_shown_in_both(warehouse, model)
    n_below = len(names.query("shifted_recall <= recall"))
    figure = Drawing(
        "shift",
        "Recall on images of another kind",
        "A point a name; below the broken line the neuron fires on fewer of the images that show "
        "it than on its own probe set.",
        f"Scatter of {len(names)} names, mostly below the diagonal or on it."
        if n_below > len(names) / 2
        else f"Scatter of {len(names)} names, mostly above the diagonal.",
        draw_shift,
        names,
    )
    title = "Names on images of another kind"
    return Section("shift-part", title, figures=drawn_figures(model, figure), tables=[table])
