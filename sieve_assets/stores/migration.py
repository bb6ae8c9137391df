"""Takes a warehouse of an older version of the schema to this one, in one transaction.

Not here: warehouses of newer versions, which are refused when they are opened.
"""

import re
from pathlib import Path

import duckdb

from sieve_assets.stores.connections import open_warehouse, stored_version, transaction
from sieve_assets.stores.schema import DDL, schema_version

ADDED = {
    1: ("scene_activations", "oracle_rates", "truth_agreement"),
    2: ("recipes", "failures"),
    3: ("plans", "planned_work", "text_embeddings"),
    4: (
        "reference_pictures",
        "probe_embeddings",
        "picture_embeddings",
        "evidence",
        "verdicts",
        "image_work",
        "layer_explanations",
        "neuron_explanations",
        "falcon_explanations",
        "described_explanations",
        "mask_explanations",
        "imported_explanations",
        "control_explanations",
        "compared_pictures",
        "compared_evidence",
        "compared_truth",
        "method_comparison",
        "score_truth",
    ),
    5: (
        "ablation",
        "beta_sweep",
        "compared_classes",
        "class_agreement",
        "neuron_ablation",
        "domain_shift",
        "verdict_controls",
    ),
    6: ("revised_names", "explanations"),
    7: ("name_history", "atlas_pages", "target_reports"),
}
"""Tables and views that the version after a version has more; a view may have been another."""
CHANGED = {
    4: (
        "ALTER TABLE plans DROP COLUMN IF EXISTS drawn_before",
        "ALTER TABLE plans DROP COLUMN IF EXISTS n_looks_before",
    )
}
"""What else has changed after a version."""


def migrate(path: Path, *, patience_s: float) -> int:
    """Add what the warehouse lacks; all that is stored stays.

    Args:
        path: The warehouse's file.
        patience_s: How long to wait for other processes (s).

    Returns:
        The version it had.

    Raises:
        FileNotFoundError: There is no file.
        OtherSchemaError: The warehouse is one of a newer version.
        ValueError: The file is no warehouse.
        WarehouseBusyError: Another process held the file for too long.
    """
    if not path.exists():
        raise FileNotFoundError(
            f"migrate: expected a warehouse at {path}, got no file. Check $SIEVE_DATA."
        )
    with (
        open_warehouse(
            path, is_read_only=False, patience_s=patience_s, oldest=min(ADDED)
        ) as connection,
        transaction(connection),
    ):
        found = stored_version(path, connection) or schema_version()
        for version in range(found, schema_version()):
            for name in ADDED[version]:
                _create(name, connection)
            for statement in CHANGED.get(version, ()):
                connection.execute(statement)
        connection.execute("UPDATE schema_version SET version = $1", [schema_version()])
    return found


def _create(name: str, connection: duckdb.DuckDBPyConnection) -> None:
    """Run the statements of schema.sql that are about a table or view."""
    is_about_it = re.compile(
        rf"\s*(CREATE (TABLE {name} \(|VIEW {name} AS)|COMMENT ON (TABLE|VIEW|COLUMN) {name}[ .])",
        re.IGNORECASE,
    )
    for statement in duckdb.extract_statements(DDL):
        if is_about_it.match(statement.query):
            connection.execute(statement.query.replace("CREATE VIEW", "CREATE OR REPLACE VIEW"))
