"""Every part of a study file on docs/targets.md is one."""

import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest
from pydantic import TypeAdapter

from sieve_assets.generator_families import FAMILIES, family_of
from sieve_assets.image_sets.opening import image_set_of
from sieve_assets.stores.concept_lists import origins
from sieve_assets.study import Concepts, Generator
from sieve_assets.study_probes import Probe
from sieve_assets.study_targets import Target

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "targets.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
PROBES = [block for block in BLOCKS if block.startswith("[probes")]
TARGETS = [block for block in BLOCKS if block.startswith("[targets")]
CONCEPTS = [block for block in BLOCKS if block.startswith("[concepts]")]
GENERATORS = [block for block in BLOCKS if block.startswith("[generator]")]


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
    assert len(BLOCKS) == sum(map(len, (TARGETS, PROBES, CONCEPTS, GENERATORS)))


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


@pytest.mark.parametrize("block", CONCEPTS)
def test_a_block_says_where_concepts_come_from(block):
    assert len(origins(Concepts.model_validate(tomllib.loads(block)["concepts"]))) == 1


def test_every_source_and_format_of_concepts_has_its_block():
    said = [tomllib.loads(block)["concepts"] for block in CONCEPTS]

    assert {key for one in said for key in one} == set(Concepts.model_fields)
    formats = {Concepts.model_validate(one).format for one in said if "file" in one}
    assert formats == set(get_args(Concepts.model_fields["format"].annotation))


@pytest.mark.parametrize("block", GENERATORS, ids=lambda block: block.split('"')[1])
def test_a_block_says_what_a_generator_is(block):
    said = tomllib.loads(block)["generator"]

    assert Generator.model_validate(said).pipeline == said["pipeline"]


def test_there_is_a_generator_of_each_kind_and_every_setting_is_used():
    said = [tomllib.loads(block)["generator"] for block in GENERATORS]

    assert {family_of(one["pipeline"]).name for one in said} == {
        *("Stable Diffusion 1 and 2", "SD-Turbo and SDXL-Turbo", "SDXL-Lightning"),
        *("Stable Diffusion 3 and 3.5", "FLUX", "PixArt"),
    }
    assert set().union(*said) == {*Generator.model_fields} - {"n_images", "looks"}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda one: one.name)
def test_the_table_of_families_is_that_of_the_code(family):
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| {family.name} |"))

    name, steps, guidance, size, *_ = (cell.strip() for cell in row.strip("|").split("|"))
    assert (name, int(steps), float(guidance), int(size)) == (family.name, *family.drawing)
