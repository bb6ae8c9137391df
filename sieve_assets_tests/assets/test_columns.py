"""What the catalogue says of columns, held against schema.sql and against what stages read."""

import re
from importlib.resources import files

import dagster as dg
import pytest

from sieve_assets.assets.columns import COMES_FROM, column_metadata, column_sources
from sieve_assets.assets.pipeline import EVALUATION, STAGES
from sieve_assets.study_file import load_study

ALL = (*STAGES, *EVALUATION)
SCHEMA = files("sieve_assets.stores").joinpath("schema.sql").read_text(encoding="utf-8")
DECLARATION = re.compile(r"(\w+) [A-Z]+(?:\[\])?( NOT NULL)?( PRIMARY KEY)?")
each_stage = pytest.mark.parametrize("stage", ALL, ids=lambda stage: stage.name)


def declared(table):
    """From the text of schema.sql: of each column, whether it may be NULL and is a key alone."""
    body = re.search(rf"CREATE TABLE {table} \((.*?)\n\);", SCHEMA, re.DOTALL)[1]
    body = re.sub(r"CHECK \((?:[^()]|\([^()]*\))*\)", "", body)
    key = re.search(r"^ *PRIMARY KEY \(([^)]*)\)", body, re.MULTILINE)
    names = re.sub(r"(?:PRIMARY KEY|UNIQUE) \([^)]*\)", "", body).split(",")
    columns = [match for match in map(DECLARATION.match, map(str.strip, names)) if match]
    alone = {match[1] for match in columns if match[3]} | ({key[1]} if key else set())
    return {match[1]: (not match[2], match[1] in alone) for match in columns}


def described(table, column):
    comment = re.search(rf"COMMENT ON COLUMN {table}\.{column} IS '((?:[^']|'')*)';", SCHEMA)
    return comment[1].replace("''", "'")


def sources_of(stage):
    return column_sources(stage.table, [one.table for one in stage.reads])


def metadata_of(stage, study):
    [spec] = stage.asset(study).specs
    return spec.metadata


@pytest.fixture
def study(study_folder):
    return load_study(study_folder.file)


@each_stage
def test_a_column_comes_from_columns_of_tables_that_the_stage_reads(stage):
    read = {one.table for one in stage.reads}

    for column, sources in sources_of(stage).items():
        assert column in declared(stage.table)
        assert len(set(sources)) == len(sources)
        for source in sources:
            table, _, name = source.partition(".")
            assert table in read, f"{column} from {source}"
            assert name in declared(table), f"{column} from {source}"


def test_what_is_said_to_come_from_somewhere_is_a_column_of_a_stages_table():
    assert set(COMES_FROM) <= {stage.table for stage in ALL}
    for table, columns in COMES_FROM.items():
        assert set(columns) <= set(declared(table)), table


def test_every_stage_that_reads_rows_says_where_some_of_its_columns_come_from():
    silent = {stage.name for stage in ALL if not sources_of(stage)}

    assert silent == {"probe_images", "reference_pictures"}, "which read what the user gives"


@each_stage
def test_every_column_of_the_schema_is_shown_with_what_it_means(stage, study):
    shown = metadata_of(stage, study)["dagster/column_schema"].columns

    assert [column.name for column in shown] == list(declared(stage.table))
    for column in shown:
        comment = described(stage.table, column.name)
        sources = sources_of(stage).get(column.name)
        assert len(comment) >= len("Target")
        assert column.description == comment + (f". From {', '.join(sources)}" if sources else "")


@each_stage
def test_what_may_be_null_and_what_is_unique_is_as_the_schema_says(stage, study):
    shown = metadata_of(stage, study)["dagster/column_schema"].columns

    found = {one.name: (one.constraints.nullable, one.constraints.unique) for one in shown}
    assert found == declared(stage.table)


def test_the_schema_has_columns_of_either_kind():
    """Otherwise the comparison above would say nothing."""
    kinds = {kind for stage in ALL for kind in declared(stage.table).values()}

    assert kinds == {(True, False), (False, False), (False, True)}


@each_stage
def test_the_lineage_names_the_assets_that_are_read_and_not_their_tables(stage, study):
    metadata = metadata_of(stage, study)
    lineage = metadata["dagster/column_lineage"].deps_by_column
    asset_of = {one.table: one.name for one in stage.reads}

    assert metadata["dagster/table_name"] == stage.table
    assert {
        column: {(dep.asset_key.to_user_string(), dep.column_name) for dep in deps}
        for column, deps in lineage.items()
    } == {
        column: {(asset_of[one.split(".")[0]], one.split(".")[1]) for one in sources}
        for column, sources in sources_of(stage).items()
    }


def test_a_table_of_another_name_than_its_asset_is_told_by_the_asset():
    metadata = column_metadata("neuron_activations", {"probe_passes": "probe_pass"})

    lineage = metadata["dagster/column_lineage"].deps_by_column
    assert lineage == {
        "model": [dg.TableColumnDep(dg.AssetKey("probe_pass"), "model")],
        "activation": [dg.TableColumnDep(dg.AssetKey("probe_pass"), "activations_uri")],
    }


def test_a_key_is_taken_over_from_the_first_table_that_has_it():
    read = ["probe_passes", "selected_samples", "neuron_ratios"]

    found = column_sources("patch_embeddings", read)

    assert found["model"] == ("probe_passes.model",)
    assert found["rank"] == ("selected_samples.rank",)
    assert "is_whole_image" not in found


def test_a_key_whose_source_is_named_is_not_taken_over():
    found = column_sources("concept_hypotheses", ["clusters", "patch_embeddings"])

    assert found["concept"] == ("patch_embeddings.embedding", "clusters.cluster")
    assert found["cluster"] == ("clusters.cluster",)
