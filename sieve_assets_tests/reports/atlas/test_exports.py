"""The files are read back as their README says, and held against the stored rows."""

import io
import json
import re

import pandas as pd
import pyarrow.parquet as pq
import pytest

from sieve_assets.reports.atlas.exports import COLUMNS, export_files, verified_of
from sieve_assets.reports.atlas.shown_names import names_of
from sieve_assets.stores.schema import schema_version
from sieve_assets_tests.names_by_lot import ODD

MODELS = ("cnn", "vit")
NULLABLE = {
    "place": "Int64",
    "n_pictures": "Int64",
    "paper_kept": "boolean",
    "oracle_true": "boolean",
}


@pytest.fixture(params=MODELS)
def exported(request, named):
    """The files of a target, and the rows they are to hold."""
    warehouse = named.bench().warehouse
    return export_files(warehouse, request.param), verified_of(warehouse, request.param)


def assert_same(found, expected):
    pd.testing.assert_frame_equal(
        found.astype(NULLABLE), expected, check_exact=True, check_dtype=False
    )


def test_verified_are_the_names_whose_verdict_says_so(named):
    warehouse = named.bench().warehouse

    rows = verified_of(warehouse, None)

    every = names_of(warehouse, None)
    expected = [row for row in every.to_dict("records") if row["verdict"] == "verified"]
    assert len(expected) > 5
    keys = ("model", "neuron", "concept", "reason")
    found = [tuple(row[key] for key in keys) for row in rows.to_dict("records")]
    assert found == [tuple(row[key] for key in keys) for row in expected]
    assert {row[0] for row in found} == set(MODELS)


def test_some_verified_names_are_odd_words_and_some_numbers_missing(named):
    """Else the round trips below say little."""
    rows = verified_of(named.bench().warehouse, None)
    assert set(ODD[:3]) <= set(rows["concept"])
    assert rows[["place", "null_ar", "paper_kept", "oracle_true"]].isna().any().all()


def test_csv_is_read_back_as_it_was(exported):
    files, rows = exported
    how = re.search(r"`read_csv\(file, (.*?)\)`", files["README.md"].decode(), re.DOTALL)[1]
    assert how == 'keep_default_na=False, na_values=[""], float_precision="round_trip"'

    found = pd.read_csv(
        io.BytesIO(files["verified_concepts.csv"]),
        keep_default_na=False,
        na_values=[""],
        float_precision="round_trip",
    )

    assert_same(found, rows)
    assert b"\r" not in files["verified_concepts.csv"]


def test_parquet_is_read_back_as_it_was_with_the_meaning_of_its_columns(exported):
    files, rows = exported

    table = pq.read_table(io.BytesIO(files["verified_concepts.parquet"]))

    assert_same(table.to_pandas(), rows)
    assert list(zip(table.column_names, table.schema.types, strict=True)) == [
        (column.name, column.kind) for column in COLUMNS
    ]
    said = json.loads(table.schema.metadata[b"sieve_assets"])
    assert said == json.loads(files["verified_concepts.json"])["schema"]


def test_json_is_read_back_as_it_was_with_the_meaning_of_its_columns(exported):
    files, rows = exported

    content = json.loads(files["verified_concepts.json"])

    found = pd.DataFrame(content["records"], columns=rows.columns)
    floats = [column.name for column in COLUMNS if str(column.kind) == "double"]
    assert_same(found.astype(dict.fromkeys(floats, "float64")), rows)
    schema = content["schema"]
    assert schema["tables"] == schema_version()
    assert schema["target"] == rows["model"][0]
    assert [column["name"] for column in schema["columns"]] == list(rows.columns)
    assert all(column["meaning"] for column in schema["columns"])


def test_columns_are_those_of_every_name_and_none_is_without_a_meaning(named):
    rows = names_of(named.bench().warehouse, None)
    assert sorted(column.name for column in COLUMNS) == sorted(rows.columns)
    for column in COLUMNS:
        is_number = rows[column.name].dtype.kind in "if"
        assert bool(column.unit) == is_number, column.name


def test_readme_tells_columns_counts_and_what_the_rows_were_made_from(exported, named):
    files, rows = exported
    said = files["README.md"].decode()
    for column in COLUMNS:
        assert (
            f"| `{column.name}` | {column.kind} | {column.unit or '–'} | {column.meaning} |" in said
        )
    assert f"{len(rows)} verified names of {len(set(rows['neuron']))} neurons" in said
    notes = named.table("provenance", model=rows["model"][0])
    for stage in ("verdicts", "revised_names"):
        [note] = notes[notes["stage"] == stage].to_dict("records")
        assert f"- `{stage}`: rows {note['output_hash']}, settings {note['settings_hash']}" in said
    assert max(map(len, said.splitlines())) < 250


def test_the_same_rows_give_the_same_bytes_wherever_they_lie(named, tmp_path):
    copy = named.changed(tmp_path)
    for model in MODELS:
        files = export_files(named.bench().warehouse, model)
        assert files == export_files(copy.bench().warehouse, model)
        for content in files.values():
            assert str(named.data).encode() not in content


def test_a_target_without_verified_names_gives_files_without_rows(named):
    files = export_files(named.bench().warehouse, "nothing")

    header = ",".join(column.name for column in COLUMNS)
    assert files["verified_concepts.csv"].decode() == f"{header}\n"
    assert json.loads(files["verified_concepts.json"])["records"] == []
    assert pq.read_table(io.BytesIO(files["verified_concepts.parquet"])).num_rows == 0
    assert "0 verified names of 0 neurons" in files["README.md"].decode()
