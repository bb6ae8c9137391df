"""A target's verified names as files to keep: CSV, Parquet, JSON, and what they mean.

The same rows give the same bytes: no file says when it was made.
"""

import io
import json
from importlib.metadata import version
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sieve_assets.reports.atlas.shown_names import names_of
from sieve_assets.stores.schema import schema_version
from sieve_assets.stores.warehouse import Warehouse


class Column(NamedTuple):
    """A column of the tables of names."""

    name: str
    """As in the files."""
    kind: pa.DataType
    """What its values are."""
    unit: str
    """Of its values; empty for words and yes or no."""
    meaning: str
    """In words."""


_SHARE = "share, 0 to 1"
COLUMNS = (
    Column("model", pa.string(), "", "Target: the network's name in the study file"),
    Column("neuron", pa.int32(), "number, from 0", "Channel of the target's layer"),
    Column("concept", pa.string(), "", "The name"),
    Column("verdict", pa.string(), "", "verified, refuted, untestable or ambiguous, by evidence"),
    Column(
        "source",
        pa.string(),
        "",
        "hypothesis: proposed from the neuron's strongest images; revised: the best of all drawn "
        "concepts; both. Of both, numbers and verdict are those of the revised name",
    ),
    Column("place", pa.int32(), "number, from 0", "Place among the hypotheses; empty if not one"),
    Column("n_pictures", pa.int32(), "pictures", "Generated pictures that it was tested on"),
    Column("activation_rate", pa.float64(), _SHARE, "AR: pictures above the neuron's p99 (Eq. 4)"),
    Column("ci_low", pa.float64(), _SHARE, "Lower end of the 95 % Wilson interval of AR"),
    Column("ci_high", pa.float64(), _SHARE, "Upper end of the 95 % Wilson interval of AR"),
    Column("ar_to_report", pa.float64(), _SHARE, "AR over every second picture, from the second"),
    Column(
        "null_ar",
        pa.float64(),
        _SHARE,
        "Mean AR of the neuron over pictures of other concepts; empty for names that are no "
        "hypothesis, as lift",
    ),
    Column("lift", pa.float64(), "difference of shares", "activation_rate - null_ar"),
    Column(
        "matched_ar",
        pa.float64(),
        _SHARE,
        "Pictures above the threshold that as many probe images exceed as show the concept",
    ),
    Column("score", pa.float64(), _SHARE, "How well it says when the neuron fires; 1: the best"),
    Column(
        "q_value",
        pa.float64(),
        "probability",
        "p of AR against other concepts' pictures, adjusted over the target's names",
    ),
    Column("paper_kept", pa.bool_(), "", "The paper's rule keeps it; empty if no hypothesis"),
    Column("is_new", pa.bool_(), "", "It is none of the neuron's hypotheses"),
    Column("oracle_true", pa.bool_(), "", "It is a true name; empty where the truth is not known"),
    Column("reason", pa.string(), "", "Why the verdict, in words"),
    Column("is_shown", pa.bool_(), "", "It is the one name that is shown of the neuron"),
)
_STAGES = ("verdicts", "revised_names")
_HASHES = """
SELECT stage, settings_hash, output_hash FROM provenance
WHERE model = $model AND stage IN (SELECT unnest($stages)) ORDER BY stage
"""


def export_files(warehouse: Warehouse, model: str) -> dict[str, bytes]:
    """A target's verified names, a row a neuron and name, in three formats with a description.

    Args:
        warehouse: The study's results.
        model: Target.

    Returns:
        Contents of verified_concepts.csv, .parquet and .json, and of README.md, by name.
    """
    rows = verified_of(warehouse, model)
    made_from = warehouse.read(_HASHES, {"model": model, "stages": list(_STAGES)})
    schema = {
        "sieve_assets": version("sieve-assets"),
        "tables": schema_version(),
        "target": model,
        "made_from": made_from.to_dict("records"),
        "columns": [column._replace(kind=str(column.kind))._asdict() for column in COLUMNS],
    }
    return {
        "verified_concepts.csv": rows.to_csv(index=False, lineterminator="\n").encode(),
        "verified_concepts.parquet": _parquet(rows, schema),
        "verified_concepts.json": _json(rows, schema),
        "README.md": _readme(rows, schema).encode(),
    }


def verified_of(warehouse: Warehouse, model: str | None) -> pd.DataFrame:
    """The verified names of a target, or of all; the columns of `COLUMNS`."""
    rows = names_of(warehouse, model)
    is_verified = rows["verdict"].eq("verified").astype(bool)
    return rows.loc[is_verified, [column.name for column in COLUMNS]].reset_index(drop=True)


def _parquet(rows: pd.DataFrame, schema: dict[str, Any]) -> bytes:
    fields = pa.schema(
        [(column.name, column.kind) for column in COLUMNS],
        metadata={"sieve_assets": json.dumps(schema, ensure_ascii=False)},
    )
    arrays = [pa.array(rows[column.name], column.kind, from_pandas=True) for column in COLUMNS]
    file = io.BytesIO()
    pq.write_table(pa.table(arrays, schema=fields), file)
    return file.getvalue()


def _json(rows: pd.DataFrame, schema: dict[str, Any]) -> bytes:
    plain = rows.astype(object).where(rows.notna(), None)
    content = {"schema": schema, "records": plain.to_dict("records")}
    return f"{json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1)}\n".encode()


def _readme(rows: pd.DataFrame, schema: dict[str, Any]) -> str:
    columns = "\n".join(
        f"| `{column.name}` | {column.kind} | {column.unit or '–'} | {column.meaning} |"
        for column in COLUMNS
    )
    hashes = "\n".join(
        f"- `{row['stage']}`: rows {row['output_hash']}, settings {row['settings_hash']}"
        for row in schema["made_from"]
    )
    return f"""# Verified names of {schema["target"]}

{len(rows)} verified names of {rows["neuron"].nunique()} neurons, a row a neuron and name.
A neuron may have several; `is_shown` is true for at most one of each. Neurons without a verified
name are not here.

The same rows three times: `verified_concepts.csv`, `.parquet` and `.json`.

| Column | Type | Unit | Meaning |
|---|---|---|---|
{columns}

## How they were made

By SIEVE (Select – Hypothesize – Verify, arXiv 2603.24953) as in sieve_assets
{schema["sieve_assets"]}, tables of version {schema["tables"]}. A text-to-image model drew each
concept, and the network looked at the pictures. A name is verified if they show the concept, the
neuron fires on them and not as often on those of other concepts, and no other concept says much
better when it fires: docs/method.md of sieve_assets, section 3. What each number means and how it
can mislead: docs/statistics.md there. The rows that these are from, by SHA-256:

{hashes}

## How to read them

- CSV: UTF-8, commas, a line feed after each row; an empty field is a value that is not there. In
  pandas `read_csv(file, keep_default_na=False, na_values=[""], float_precision="round_trip")`:
  else a concept such as "NA" is lost, and last digits may differ.
- Concepts stand as they are. A spreadsheet takes one that begins with `=`, `+`, `-` or `@` for a
  formula: import the column as text.
- JSON: `schema` says the above, `records` has the rows; null is a value that is not there.
- Parquet: the schema's metadata has the same JSON under `sieve_assets`.
"""
