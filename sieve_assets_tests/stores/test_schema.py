import math

import duckdb
import numpy as np
import pandas as pd
import pytest

from sieve_assets.stores.schema import DDL, nearest, schema_version, table_named, tables
from sieve_assets.stores.warehouse import Replacement

# What users were promised: key, other columns.
PROMISED = {
    "probe_images": ("probe image_id", "uri label sha256"),
    "probe_activations": ("model neuron image_id", "activation"),
    "neuron_ratios": ("model neuron", "median p99 ratio rule beta status is_sparse"),
    "selected_samples": ("model neuron rank", "image_id activation"),
    "patch_embeddings": (
        "model neuron rank",
        "image_id x0 y0 x1 y1 crop_retention uri embedding",
    ),
    "clusters": ("model neuron rank", "cluster n_clusters silhouette"),
    "concept_hypotheses": ("model neuron cluster place", "concept score"),
    "generated_image_sets": ("model neuron cluster concept seed", "generator uri"),
    "activation_rates": (
        "model neuron cluster concept",
        "threshold n_images n_active activation_rate ci_low ci_high",
    ),
    "verified_concepts": (
        "model neuron cluster concept",
        "activation_rate initial_mean_ar final_mean_ar paper_kept n_hypotheses is_complete",
    ),
}
VIEWS = {"probe_activations", "neuron_status"}


@pytest.mark.parametrize("name", PROMISED)
def test_what_users_were_promised_is_there(name):
    key, others = (columns.split() for columns in PROMISED[name])
    assert set(key + others) <= set(tables()[name].columns.names)
    if name not in VIEWS:
        assert tables()[name].key == tuple(key)


@pytest.mark.parametrize("name", tables())
def test_every_column_says_what_it_means(name):
    table = tables()[name]
    assert list(table.comments) == table.columns.names
    assert all(table.comments.values())


def test_every_table_says_what_it_is_to_who_opens_the_file():
    with duckdb.connect() as connection:
        connection.execute(DDL)
        comments = connection.execute(
            "SELECT comment FROM duckdb_tables() UNION ALL "
            "SELECT comment FROM duckdb_views() WHERE NOT internal"
        ).fetchall()
    assert len(comments) == len(tables())
    assert all(comment for (comment,) in comments)


def test_activations_are_float32_and_never_wider():
    assert str(tables()["probe_activations"].columns.field("activation").type) == "float"
    for name in ("neuron_activations", "picture_activations"):
        assert str(tables()[name].columns.field("activation").type.value_type) == "float"


def test_keys_are_required_everywhere():
    for table in tables().values():
        assert set(table.key) <= table.required


def test_the_version_is_a_number_from_one():
    assert schema_version() >= 1


def test_an_unknown_table_is_refused_with_the_nearest_names():
    with pytest.raises(LookupError, match=r"got 'neuron_ratio'\. Did you mean neuron_ratios"):
        table_named("neuron_ratio")


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_a_view_has_no_rows_to_write(view):
    with pytest.raises(LookupError, match="expected a table, got"):
        table_named(view)


def test_names_unlike_any_list_all():
    assert nearest("zzz", ["clusters", "pictures"]) == "clusters, pictures"
    assert nearest("cluster", ["clusters", "pictures"]) == "clusters"


def probe_set(probe, names):
    return pd.DataFrame(
        {
            "probe": probe,
            "image_id": sorted(names),
            "position": range(len(names)),
            "uri": "somewhere",
            "label": None,
            "sha256": "0",
            "width_px": 8,
            "height_px": 8,
            "is_held_out": False,
        }
    )


def probe_pass(model, probe, n_images):
    return pd.DataFrame(
        {
            "model": [model],
            "probe": probe,
            "n_images": n_images,
            "weights_hash": "w",
            "activations_uri": [["a", "b"]],
            "strongest_uri": "s",
        }
    )


def test_probe_activations_pair_each_value_with_its_image(warehouse):
    probes = {"scenes": ["a", "b", "c"], "photos": ["z", "y"]}
    targets = {"m0": "scenes", "m1": "photos", "m2": "scenes"}
    generator = np.random.default_rng(0)
    images = pd.concat([probe_set(probe, names) for probe, names in probes.items()])
    passes = pd.concat([probe_pass(m, probe, len(probes[probe])) for m, probe in targets.items()])
    lists, expected = [], set()
    for model, probe in targets.items():
        for neuron in range(4):
            values = generator.normal(size=len(probes[probe])).astype(np.float32)
            lists.append((model, neuron, values))
            for image_id, value in zip(sorted(probes[probe]), values, strict=True):
                expected.add((model, neuron, image_id, float(value)))
    activations = pd.DataFrame(lists, columns=["model", "neuron", "activation"])
    warehouse.replace(
        Replacement("probe_images", images, images.filter(["probe"])),
        Replacement("probe_passes", passes, passes.filter(["model"])),
        Replacement("neuron_activations", activations, activations.filter(["model"])),
    )
    found = warehouse.read("SELECT model, neuron, image_id, activation FROM probe_activations")
    assert found["activation"].dtype == np.float32
    assert len(found) == len(expected)
    assert set(found.itertuples(index=False, name=None)) == expected


@pytest.mark.parametrize(
    ("selection", "kept", "status"),
    [
        ("dead", [], "dead"),
        ("low_contrast", [], "low_contrast"),
        ("selected", [], "selected"),
        ("selected", [True], "verified"),
        ("selected", [False, True, False], "verified"),
        ("selected", [False, False], "unverified"),
        ("low_contrast", [True], "low_contrast"),
    ],
)
def test_a_neuron_is_verified_if_one_hypothesis_is_kept(warehouse, selection, kept, status):
    ratios = pd.DataFrame(
        {
            "model": "m",
            "neuron": [0],
            "median": 0.0,
            "p99": 1.0,
            "ratio": [math.inf],
            "rule": "ratio",
            "beta": 10.0,
            "status": selection,
            "is_sparse": True,
        }
    )
    verdicts = pd.DataFrame(
        {
            "model": "m",
            "neuron": 0,
            "cluster": 0,
            "concept": [f"concept {place}" for place in range(len(kept))],
            "activation_rate": 0.5,
            "initial_mean_ar": 0.5,
            "final_mean_ar": 0.5,
            "paper_kept": kept,
            "n_hypotheses": len(kept),
            "is_complete": True,
        }
    )
    scope = pd.DataFrame({"model": ["m"]})
    warehouse.replace(
        Replacement("neuron_ratios", ratios, scope),
        Replacement("verified_concepts", verdicts, scope),
    )
    found = warehouse.read("SELECT model, neuron, status FROM neuron_status")
    assert found.to_numpy().tolist() == [["m", 0, status]]
