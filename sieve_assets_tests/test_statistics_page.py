"""docs/statistics.md says all of every statistic, and names what there is."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

from sieve_assets import method
from sieve_assets.stores.schema import tables

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = {
    name: (DOCS / name).read_text(encoding="utf-8")
    for name in ("method.md", "statistics.md", "explainers.md")
}
PAGE = PAGES["statistics.md"]
SECTIONS = dict(re.findall(r"^## (.+)\n((?:(?!## ).*\n)*)", PAGE, re.MULTILINE))
LABELS = ["Formula", "Source", "Known weakness"]
FUNCTION = re.compile(r"`((?:explainers\.)?\w+)\.(\w+)`")

MODULES = [one.name for one in pkgutil.iter_modules(method.__path__) if not one.ispkg]
WITHOUT_STATISTICS = {
    "activation_bins": "a histogram: docs/atlas.md",
    "concept_rates": "AR of all neurons, by concept: docs/atlas.md",
    "name_positions": "the map: docs/atlas.md",
    "near_names": "search by meaning: docs/atlas.md",
    "checked_inputs": "refuses inputs",
    "planned_work": "what a run will do: docs/operating.md",
    "undrawable": "which concepts are told to be undrawable: decision 23, docs/inputs.md",
}
"""Modules of the method that give no statistic of a neuron or name, and what they are for."""
NUMBERS = {
    name: found
    for name, table in tables().items()
    if (found := [one.name for one in table.columns if str(one.type) == "double"])
}
"""Columns of each table that are numbers and no counts."""
OF_WORK = {"pictures", "planned_work", "provenance"}
"""Tables whose numbers are the time and work that something takes."""


def anchors_of(page: str) -> set[str]:
    """Its headings as links name them: lower case, no punctuation, a hyphen for each blank."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("heading", SECTIONS)
def test_a_section_has_formula_source_and_known_weakness_and_its_functions(heading):
    assert re.findall(r"^- \*\*(.+?)\*\* \S", SECTIONS[heading], re.MULTILINE) == LABELS
    question = SECTIONS[heading].split("- **Formula**")[0]
    assert "?" in question
    assert FUNCTION.findall(question)


def test_there_is_a_section_for_each_heading():
    assert len(SECTIONS) == PAGE.count("\n## ") > 20


@pytest.mark.parametrize(("module", "function"), FUNCTION.findall(PAGE))
def test_a_function_that_is_named_exists(module, function):
    found = getattr(importlib.import_module(f"{method.__name__}.{module}"), function)
    assert callable(found)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_of_the_method_is_named_unless_it_gives_no_statistic(module):
    named = re.search(rf"`(?:\w+/)*{module}(?:\.\w+)?`", "".join(PAGES.values()))
    assert (named is None) == (module in WITHOUT_STATISTICS)


@pytest.mark.parametrize("table", sorted(NUMBERS.keys() - OF_WORK))
def test_a_column_that_is_a_number_is_named(table):
    pages = "".join(PAGES.values())
    ends = {f"{name}_{end}" for name in NUMBERS[table] for end in ("low", "high")}
    assert [one for one in NUMBERS[table] if one not in ends and f"`{one}`" not in pages] == []


def test_tables_whose_numbers_are_of_work_exist():
    assert NUMBERS.keys() > OF_WORK


@pytest.mark.parametrize("page", PAGES)
def test_a_link_leads_to_a_heading(page):
    links = re.findall(r"\]\(([\w.]*\.md)?#([^)]+)\)", PAGES[page])
    assert links
    wrong = [link for link in links if link[1] not in anchors_of(PAGES[link[0] or page])]
    assert wrong == []
