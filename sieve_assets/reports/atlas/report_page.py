"""The report of a target: all that was found of it on one page, to be read and printed.

Not here: where the page is written (`assets.target_report`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sieve_assets.reports.atlas.pages import render
from sieve_assets.reports.atlas.report_compared import comparison_section
from sieve_assets.reports.atlas.report_found import (
    coverage_section,
    names_section,
    rule_of,
    verdicts_section,
)
from sieve_assets.reports.atlas.report_judged import (
    controls_section,
    judged_names,
    truth_section,
)
from sieve_assets.reports.atlas.report_made import (
    limits_section,
    provenance_section,
    settings_section,
)
from sieve_assets.reports.atlas.report_parts import Section, Subject
from sieve_assets.reports.atlas.report_summary import keys_of, summary_of
from sieve_assets.stores.warehouse import Warehouse
from sieve_assets.study import Study


@dataclass(frozen=True)
class Report:
    """A page, and what is on it.

    Attributes:
        html: The page.
        n_tables: Tables on it.
        n_figures: Figures on it.
    """

    html: str
    n_tables: int
    n_figures: int


def report_of(
    warehouse: Warehouse,
    study: Study,
    model: str,
    stages: Collection[str],
    stale: Mapping[str, Sequence[int]],
) -> Report:
    """The report of a target; the same rows give the same page.

    Args:
        warehouse: The study's results.
        study: What was studied.
        model: Target; its folder in the atlas has the same name.
        stages: What the report is made from, by name and in order: whose provenance it tells.
        stale: Those of them whose rows are not as they would be made now, with the neurons.
    """
    subject = Subject(warehouse, study, model)
    sections = sections_of(subject, stages)
    probe = study.probes[study.targets[model].probe]
    page = render(
        "report.html.j2",
        root="..",
        target=model,
        page="report",
        lead=f"{study.targets[model].network}, layer {study.targets[model].layer}; probe set "
        f"{study.targets[model].probe} ({probe.kind}).",
        stale=list(stale),
        keys=keys_of(subject),
        summary=summary_of(subject),
        sections=sections,
    )
    return Report(
        page,
        sum(len(section.all_tables()) for section in sections),
        sum(len(section.all_figures()) for section in sections),
    )


def sections_of(subject: Subject, stages: Collection[str]) -> list[Section]:
    """The parts of a report in their order.

    Args:
        subject: What it is about.
        stages: As in `report_of`.
    """
    comparison = comparison_section(subject)
    return [
        coverage_section(subject),
        verdicts_section(subject),
        controls_section(subject),
        truth_section(subject),
        *([comparison] if comparison else []),
        names_section(subject),
        limits_section(
            subject,
            is_known=not judged_names(subject).empty,
            is_complete=bool(rule_of(subject)["is_complete"]),
        ),
        settings_section(subject),
        provenance_section(subject, stages),
    ]
