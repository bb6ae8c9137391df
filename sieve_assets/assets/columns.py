"""What Dagster's catalogue says of a stage's table: its columns, and where each comes from.

Not here: what the columns mean, which schema.sql says.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from sieve_assets.stores.schema import Table, tables

KEYS = {"model", "neuron", "rank", "cluster", "concept", "place", "image_id"}
"""Columns that mean the same in every table, taken over from a table that was read."""
_CROP = ("probe_passes.strongest_uri", "selected_samples.rank")
_EMBEDDING = ("patch_embeddings.embedding",)
_NAMED = (*_EMBEDDING, "clusters.cluster")
_FIRED = ("generated_image_sets.uri", "neuron_ratios.p99")
_OBSERVED = ("neuron_activations.activation", "probe_images.is_held_out")
_RATE = ("activation_rates.activation_rate",)
_TRUTH = ("concept_hypotheses.concept",)
_OTHERS = (*_FIRED, "reference_pictures.uri")
_PROBED = "neuron_activations.activation"
_MATCHED = ("generated_image_sets.uri", "probe_embeddings.embeddings_uri", _PROBED)
_VERDICT = "verified_concepts.paper_kept"
COMES_FROM: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "probe_passes": {
        "n_images": ("probe_images.position",),
        "activations_uri": ("probe_images.uri",),
        "strongest_uri": ("probe_images.uri", "probe_images.is_held_out"),
    },
    "neuron_activations": {"activation": ("probe_passes.activations_uri",)},
    "neuron_ratios": dict.fromkeys(("median", "p99", "ratio", "status", "is_sparse"), _OBSERVED),
    "selected_samples": {
        "image_id": ("probe_passes.strongest_uri", "probe_images.image_id"),
        "activation": ("probe_passes.strongest_uri",),
        "neuron": ("neuron_ratios.status",),
    },
    "patch_embeddings": {
        **dict.fromkeys(("x0", "y0", "x1", "y1"), _CROP),
        "crop_retention": ("selected_samples.activation", "neuron_ratios.median"),
        "uri": ("probe_images.uri",),
        "embedding": ("probe_images.uri",),
    },
    "clusters": dict.fromkeys(
        ("cluster", "n_clusters", "silhouette", "best_silhouette", "null_silhouette"), _EMBEDDING
    ),
    "concept_hypotheses": {"concept": _NAMED, "score": _NAMED},
    "generated_image_sets": dict.fromkeys(("picture_id", "uri"), _TRUTH),
    "activation_rates": {
        "threshold": ("neuron_ratios.p99",),
        "n_images": ("generated_image_sets.picture_id",),
        **dict.fromkeys(("n_active", "activation_rate", "ci_low", "ci_high"), _FIRED),
    },
    "verified_concepts": dict.fromkeys(
        ("activation_rate", "initial_mean_ar", "final_mean_ar", "paper_kept"), _RATE
    ),
    "probe_embeddings": {
        "n_images": ("probe_images.position",),
        "embeddings_uri": ("probe_images.uri",),
    },
    "evidence": {
        **dict.fromkeys(("activation_rate", "ci_low", "ci_high"), _FIRED),
        **dict.fromkeys(("null_ar", "lift", "p_value", "best_reference"), _OTHERS),
        **dict.fromkeys(("auc", "mad"), ("generated_image_sets.uri", _PROBED)),
        "word_rank": ("generated_image_sets.uri",),
        "probe_share": ("probe_embeddings.embeddings_uri", "generated_image_sets.uri"),
        **dict.fromkeys(("matched_threshold", "matched_ar", "reported_ar"), _MATCHED),
        "natural_ap": ("probe_embeddings.embeddings_uri", _PROBED),
        "drawn_ap": ("generated_image_sets.uri", "reference_pictures.uri"),
        "score": (*_MATCHED, "reference_pictures.uri"),
    },
    "verdicts": {
        "q_value": ("evidence.p_value",),
        "verdict": ("evidence.word_rank", "evidence.matched_ar", "evidence.score"),
    },
    "oracle_rates": {
        "threshold": ("neuron_ratios.p99",),
        "oracle_ar": (*_TRUTH, "neuron_ratios.p99"),
        "oracle_f1": _TRUTH,
        "oracle_true": _TRUTH,
    },
    "truth_agreement": {
        "mean_ar": _RATE,
        "mean_oracle_ar": ("oracle_rates.oracle_ar",),
        "mean_abs_ar_error": (*_RATE, "oracle_rates.oracle_ar"),
        "verified_precision": (_VERDICT, "oracle_rates.oracle_ar"),
        "verified_recall": (_VERDICT, "oracle_rates.oracle_ar"),
        "kept_precision": (_VERDICT, "oracle_rates.oracle_true"),
        "top1_precision": (
            "concept_hypotheses.place",
            "clusters.cluster",
            "oracle_rates.oracle_true",
        ),
    },
}
"""By table and column, the columns of tables that are read; keys are found by their name."""


def column_metadata(table: str, assets: Mapping[str, str]) -> dict[str, Any]:
    """Dagster's metadata of a table: its name, its columns, and what they are made from.

    The sources stand in the descriptions too: Dagster's open-source UI shows those.

    Args:
        table: A table of the warehouse.
        assets: The assets that are read, by the name of their table.
    """
    described, sources = tables()[table], column_sources(table, assets)
    return {
        "dagster/table_name": table,
        "dagster/column_schema": dg.TableSchema(
            [_column(described, name, sources.get(name, ())) for name in described.columns.names]
        ),
        "dagster/column_lineage": dg.TableColumnLineage(
            {
                name: [
                    dg.TableColumnDep(dg.AssetKey(assets[source]), column)
                    for source, _, column in (one.partition(".") for one in some)
                ]
                for name, some in sources.items()
            }
        ),
    }


def column_sources(table: str, read: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """For each column that comes from a table that is read, "table.column" of its sources."""
    found = dict(COMES_FROM.get(table, {}))
    for name in tables()[table].columns.names:
        if name in KEYS and name not in found:
            having = [one for one in read if name in tables()[one].columns.names]
            found |= {name: (f"{having[0]}.{name}",)} if having else {}
    return found


def _column(table: Table, name: str, sources: tuple[str, ...]) -> dg.TableColumn:
    comes_from = f". From {', '.join(sources)}" if sources else ""
    return dg.TableColumn(
        name,
        str(table.columns.field(name).type),
        description=table.comments[name] + comes_from,
        constraints=dg.TableColumnConstraints(
            nullable=name not in table.required, unique=table.key == (name,)
        ),
    )
