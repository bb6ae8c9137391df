"""Takes a warehouse of an older version of the schema to this one, in one transaction.

Not here: warehouses of newer versions, which are refused when they are opened.
"""

import re
from collections.abc import Sequence

import duckdb

from sieve_assets.stores.connections import stored_version
from sieve_assets.stores.schema import schema_version
from sieve_assets.stores.warehouse import Place

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


def migrate(place: Place) -> int:
    """Add what the warehouse lacks; all that is stored stays.

    Args:
        place: Where the warehouse is.

    Returns:
        The version it had.

    Raises:
        FileNotFoundError: There is none.
        OtherSchemaError: The warehouse is one of a newer version.
        ValueError: What is there is no warehouse.
        WarehouseBusyError, LakeLostError: As for `Warehouse.read`.
    """
    if not place.exists():
        raise FileNotFoundError(
            f"migrate: expected a warehouse at {place}, got none. "
            "Check $SIEVE_DATA and $SIEVE_WAREHOUSE."
        )

    def act(connection: duckdb.DuckDBPyConnection) -> int:
        found = stored_version(place, connection) or schema_version()
        for version in range(found, schema_version()):
            for name in ADDED[version]:
                _create(name, place.statements, connection)
            for statement in CHANGED.get(version, ()):
                connection.execute(statement)
        connection.execute("UPDATE schema_version SET version = $1", [schema_version()])
        return found

    return place.write(act, oldest=min(ADDED))


def _create(name: str, statements: Sequence[str], connection: duckdb.DuckDBPyConnection) -> None:
    """Run the statements of the schema that are about a table or view."""
    is_about_it = re.compile(
        rf"\s*(CREATE (TABLE {name} \(|VIEW {name} AS)|COMMENT ON (TABLE|VIEW|COLUMN) {name}[ .])",
        re.IGNORECASE,
    )
    for statement in statements:
        if is_about_it.match(statement):
            connection.execute(statement.replace("CREATE VIEW", "CREATE OR REPLACE VIEW"))
