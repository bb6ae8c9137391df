"""docs/results.ipynb is run as readers do, on the tiny study; its stored outputs are looked at."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from sieve_assets.results import open_results

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "results.ipynb"


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(FILE, as_version=4)


@pytest.fixture(scope="module")
def run(named, tmp_path_factory):
    """The notebook after it ran on the named study; texts of its cells, and how many pictures."""
    notebook, folder = nbformat.read(FILE, as_version=4), tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIEVE_STUDY", str(named.file))
        patch.setenv("SIEVE_DATA", str(named.data))
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
        NotebookClient(
            notebook, timeout=300, resources={"metadata": {"path": str(folder)}}
        ).execute()
    assert list(folder.iterdir()) == []
    return notebook


def outputs(notebook):
    """What each cell of code gave: (its text, how many pictures)."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            data = [output.get("data", output) for output in cell.outputs]
            text = "".join(one.get("text/html") or one.get("text", "") for one in data)
            yield text, sum("image/png" in one for one in data)


def test_it_runs_on_any_study_and_shows_what_is_stored(run, named):
    results = open_results(named.data)
    texts, pictures = zip(*outputs(run), strict=True)

    said = "\n".join(texts)
    assert sum(pictures) == 3
    assert said.count("<table") >= 8
    verified = results.verified("cnn")
    hypotheses = verified[verified["is_shown"] & ~verified["is_new"]]
    reason = hypotheses.sort_values(["activation_rate", "neuron"])["reason"].iloc[0]
    assert f"{reason}\n" in texts
    for row in verified[verified["is_shown"]].nlargest(1, "activation_rate").itertuples():
        assert f"{row.neuron},{row.concept if ',' not in row.concept else ''}" in said
    assert "\\begin{tabular}{rlrrr}" in said


def test_stored_outputs_are_whole_small_and_say_nothing_of_the_machine(notebook):
    text = FILE.read_text(encoding="utf-8")
    assert len(text.encode()) < 300_000
    assert re.findall(r"/(?:root|home|tmp|work|Users)\b[^\"]{0,40}", text) == []
    assert "Traceback" not in text
    assert '"stderr"' not in text
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell.outputs for cell in cells)
    assert "terrarium_resnet" in text
    nbformat.validate(notebook)
