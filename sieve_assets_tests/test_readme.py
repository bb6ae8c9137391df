"""What the README says of the stages is held against the code location."""

import re
from itertools import pairwise
from pathlib import Path

from sieve_assets.assets.neuron_atlas import neuron_atlas
from sieve_assets.assets.pipeline import EVALUATION, STAGES
from sieve_assets.assets.target_report import target_report

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
ALL = (*STAGES, *EVALUATION)


def drawn_edges() -> set[tuple[str, str]]:
    """The arrows of the README's picture of the stages."""
    diagram = re.search(r"```mermaid\n(.*?)```", README, re.DOTALL)
    assert diagram
    edges = set()
    for line in diagram[1].splitlines():
        names = [name.strip() for name in line.split("-->")]
        edges |= set(pairwise(names))
    return edges


def test_picture_of_the_stages_has_the_edges_of_the_graph():
    assert drawn_edges() == {(read.name, stage.name) for stage in ALL for read in stage.reads}


def test_table_of_the_stages_names_each_in_order_and_by_what():
    rows = re.findall(r"^\| `(\w+)` \| .* \| (model|neuron) \|$", README, re.MULTILINE)
    stages = (*ALL, neuron_atlas, target_report)
    assert rows == [(stage.name, "neuron" if stage.is_by_neuron else "model") for stage in stages]


def test_every_file_the_readme_points_to_exists():
    root = Path(__file__).resolve().parents[1]
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (root / link).exists()] == []
