"""The rules of the house that no linter holds. Who may import whom is in pyproject.toml."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "sieve_assets"
TESTS = ROOT / "sieve_assets_tests"

MOST_LINES = 300
VAGUE_NAMES = {"common", "helpers", "misc", "utils"}
HEAVY = (
    *("diffusers", "open_clip", "sentence_transformers", "timm"),
    *("torch", "torchvision", "transformers"),
)

# Modules without a test module of their own, each with what tests it instead.
TESTED_ELSEWHERE: dict[str, str] = {
    "stores/mending.py": "assets/test_mending.py, with runs that make things again",
}
# Test modules that are about more than one module.
WITHOUT_A_MODULE = {
    "method/test_patch_retention.py",  # the second half of method/test_patch_embeddings.py
    "cluster/test_elsewhere.py",
    "test_bad_input.py",
    "test_benchmarks.py",
    "assets/test_failing_neurons.py",
    "assets/test_mending.py",
    "assets/test_probe_kinds.py",
    "assets/test_recomputation_table.py",
    "test_backfills.py",
    "test_init.py",  # of cli.py
    "test_killing.py",
    "test_killing_stages.py",
    "test_layout.py",
    "test_method_page.py",
    "test_paper_studies.py",
    "test_pipeline.py",
    "test_readme.py",
    "test_results_notebook.py",
    "test_statistics_page.py",
    "test_targets_page.py",
    "ui/test_atlas.py",
    "ui/test_flows.py",
    "ui/test_operating.py",
}

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")
TEST_MODULES = sorted(TESTS.rglob("test_*.py"))
SOURCES = sorted([*PACKAGE.rglob("*.py"), *TESTS.rglob("*.py")])
LIGHT = [
    path for path in MODULES if path.parent in {PACKAGE, PACKAGE / "stores", PACKAGE / "assets"}
]


def name_of(path):
    return str(path.relative_to(ROOT))


def module_name(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imported_packages(path):
    """Top-level names of everything that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_has_its_test_module(path):
    inside = path.relative_to(PACKAGE)
    if str(inside) not in TESTED_ELSEWHERE:
        assert (TESTS / inside.parent / f"test_{inside.name}").is_file()


@pytest.mark.parametrize("path", TEST_MODULES, ids=name_of)
def test_every_test_module_has_its_module(path):
    inside = path.relative_to(TESTS)
    if str(inside) not in WITHOUT_A_MODULE:
        assert (PACKAGE / inside.parent / inside.name.removeprefix("test_")).is_file()


def test_what_is_tested_elsewhere_exists_and_has_no_test_module():
    for inside in map(Path, TESTED_ELSEWHERE):
        assert (PACKAGE / inside).is_file()
        assert not (TESTS / inside.parent / f"test_{inside.name}").exists()


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_file_is_longer_than_one_can_read(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_name_says_nothing(path):
    assert not VAGUE_NAMES.intersection(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("__init__.py")), ids=name_of)
def test_a_package_is_only_a_docstring(path):
    body = ast.parse(path.read_text(encoding="utf-8")).body
    assert [type(node) for node in body] == [ast.Expr]


@pytest.mark.parametrize("path", sorted((PACKAGE / "assets").glob("*.py")), ids=name_of)
def test_dagster_can_read_the_annotations_of_assets(path):
    assert "__future__" not in set(imported_packages(path))


def test_what_dagster_imports_loads_no_heavy_library():
    code = f"""
import importlib, sys
for name in {[module_name(path) for path in LIGHT]}:
    importlib.import_module(name)
    print(name, *({set(HEAVY)} & sys.modules.keys()))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    heavy = [line for line in done.stdout.splitlines() if " " in line]
    assert heavy[:1] == []


def test_everything_imported_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(one for some in extras.values() for one in some)]
    declared = {plain(re.match(r"[\w.-]+", one).group()) for one in wanted}
    providers = packages_distributions()
    imported = {name for path in SOURCES for name in imported_packages(path)}
    ours = {PACKAGE.name, TESTS.name, "benchmarks"}
    foreign = imported - set(sys.stdlib_module_names) - ours
    undeclared = {
        name for name in foreign if not declared & {plain(one) for one in providers.get(name, [])}
    }
    # pydantic is one library in two distributions.
    assert undeclared - {"pydantic_core"} == set()


def plain(distribution):
    return re.sub(r"[-_.]+", "-", distribution).lower()


def test_constraints_are_names_and_versions_only():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
    assert len({plain(line.split("==")[0]) for line in lines}) == len(lines)
