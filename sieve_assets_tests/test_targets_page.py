"""Every part of a study file on docs/targets.md is one."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from sieve_assets.image_sets.opening import image_set_of
from sieve_assets.study import Concepts
from sieve_assets.study_probes import Probe
from sieve_assets.study_targets import Target

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "targets.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
PROBES = [block for block in BLOCKS if block.startswith("[probes")]
TARGETS = [block for block in BLOCKS if block.startswith("[targets")]


@pytest.mark.parametrize("block", TARGETS, ids=lambda block: block.split("]")[0].strip("["))
def test_a_block_says_what_a_target_is(block):
    tables = tomllib.loads(block)

    assert [*tables] == ["targets"]
    for values in tables["targets"].values():
        assert Target.model_validate(values).network == values["network"]


def test_there_are_the_papers_four_and_one_of_each_kind():
    networks = [match[1] for match in re.finditer(r'network = "(\w+):', PAGE)]

    assert {*networks} == {"timm", "torchvision", "transformers", "python"}
    assert len(TARGETS) == len(networks)


@pytest.mark.parametrize("block", PROBES, ids=lambda block: block.split("]")[0].strip("["))
def test_a_block_says_what_probe_sets_are(block):
    tables = tomllib.loads(block)

    assert [*tables] == ["probes"]
    for values in tables["probes"].values():
        probe = TypeAdapter(Probe).validate_python(values)
        assert image_set_of(probe).where


def test_there_is_a_probe_set_of_each_kind_but_the_embedded_worlds():
    kinds = re.findall(r'kind = "(\w+)"', PAGE)

    assert {*kinds} == {"folder", "torchvision", "datasets", "webdataset"}


def test_the_block_of_concepts_says_where_they_come_from():
    [block] = set(BLOCKS) - set(TARGETS) - set(PROBES)

    assert Concepts.model_validate(tomllib.loads(block)["concepts"]).format == "broden"
