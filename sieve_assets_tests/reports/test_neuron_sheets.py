"""Sheets read back from their pixels: of hand-made rows of flat colours, and of the tiny study."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sieve_assets.reports import neuron_sheets
from sieve_assets.reports.contact_sheets import CELL_PX, FRAME, GAP_PX, MARGIN_PX, PAGE
from sieve_assets.reports.neuron_sheets import (
    OF_CLUSTERS,
    OF_CONCEPTS,
    cluster_sheets,
    concept_sheets,
)
from sieve_assets.stores.connections import DuckDBFile
from sieve_assets.stores.warehouse import Replacement, Warehouse

COLORS = {"red": (205, 20, 20), "blue": (20, 60, 215), "gold": (225, 195, 20), "ink": (0, 0, 0)}
GENEROUS = 20_000


def open_flat(uri):
    return Image.new("RGB", (32, 32), COLORS[uri])


def cells(sheet, room):
    """The sheet's cells as arrays, row by row."""
    seen = np.asarray(Image.open(io.BytesIO(sheet.content)).convert("RGB")).astype(int)
    step, left = CELL_PX + GAP_PX, MARGIN_PX + room.label_px
    n_columns = round((seen.shape[1] - left - room.end_px - MARGIN_PX) / step)
    n_rows = round((seen.shape[0] - 2 * MARGIN_PX + GAP_PX) / step)
    return [
        [
            seen[top : top + CELL_PX, at : at + CELL_PX]
            for at in range(left, left + n_columns * step, step)
        ]
        for top in range(MARGIN_PX, MARGIN_PX + n_rows * step, step)
    ]


def name_of(cell):
    """The colour in the middle of a cell; None for the page."""
    middle = cell[CELL_PX // 2, CELL_PX // 2]
    names = {**COLORS, None: PAGE}
    return min(names, key=lambda name: np.abs(middle - names[name]).sum())


def is_framed(cell):
    rim = np.concatenate([cell[0], cell[-1], cell[:, 0], cell[:, -1]])
    return bool(np.abs(rim.mean(axis=0) - FRAME).max() < 40)


def names(sheet, room):
    return [[name for cell in row if (name := name_of(cell))] for row in cells(sheet, room)]


def framed(sheet, room):
    return [[is_framed(cell) for cell in row if name_of(cell)] for row in cells(sheet, room)]


@pytest.fixture
def warehouse(tmp_path):
    """Neuron 3 of a target `net`: two clusters, the second of them with two tested hypotheses.

    Its pictures have seeds in the order red, gold, blue; gold and blue are above the threshold.
    """
    warehouse = Warehouse(DuckDBFile(tmp_path / "sieve.duckdb", 5.0))
    of_neuron = {"model": "net", "neuron": 3}
    patches = [("red", 0), ("gold", 1), ("blue", 0), ("ink", 1)]
    clusters = pd.DataFrame(
        [{"rank": rank, "cluster": cluster} for rank, (_, cluster) in enumerate(patches)]
    ).assign(**of_neuron, n_clusters=2, silhouette=0.5, best_silhouette=0.5, null_silhouette=None)
    embeddings = pd.DataFrame(
        [{"rank": rank, "uri": uri, "image_id": uri} for rank, (uri, _) in enumerate(patches)]
    ).assign(
        **of_neuron,
        **dict.fromkeys(["x0", "y0"], 0),
        **dict.fromkeys(["x1", "y1"], 32),
        crop_retention=1.0,
        is_whole_image=False,
        embedding=[np.ones(2, np.float32)] * len(patches),
    )
    hypotheses = pd.DataFrame(
        [(1, 0, "never", 0.5), (1, 1, "often", 0.4)],
        columns=["cluster", "place", "concept", "score"],
    ).assign(**of_neuron)
    pictures = [("red", 0, 0.5), ("gold", 1, 2.0), ("blue", 2, 1.5)]
    sets = [("often", uri, seed) for uri, seed, _ in pictures] + [("never", "ink", 0)]
    links = pd.DataFrame(sets, columns=["concept", "uri", "seed"]).assign(
        **of_neuron, cluster=1, generator="g", picture_id=lambda rows: rows["uri"]
    )
    seen = pd.DataFrame(
        [
            (uri, np.array([9, 9, 9, activation], np.float32))
            for uri, _, activation in [*pictures, ("ink", 0, 1.0)]
        ],
        columns=["picture_id", "activation"],
    ).assign(model="net", weights_hash="w")
    rates = pd.DataFrame(
        [("never", 1, 0, 0.0), ("often", 3, 2, 2 / 3)],
        columns=["concept", "n_images", "n_active", "activation_rate"],
    ).assign(**of_neuron, cluster=1, threshold=1.0, ci_low=0.0, ci_high=1.0)
    one_pass = pd.DataFrame(
        [{"model": "net", "probe": "p", "n_images": 4, "weights_hash": "w", "strongest_uri": "s"}]
    ).assign(activations_uri=[["a"]])
    model = pd.DataFrame({"model": ["net"]})
    warehouse.replace(
        Replacement("clusters", clusters, model),
        Replacement("patch_embeddings", embeddings, model),
        Replacement("concept_hypotheses", hypotheses, model),
        Replacement("generated_image_sets", links, model),
        Replacement("picture_activations", seen, model),
        Replacement("activation_rates", rates, model),
        Replacement("probe_passes", one_pass, model),
    )
    return warehouse


def test_a_row_is_a_cluster_by_number_with_its_strongest_patches_first(warehouse):
    sheets = cluster_sheets(warehouse, "net", [3], open_flat, GENEROUS)
    assert names(sheets[3], OF_CLUSTERS) == [["red", "blue"], ["gold", "ink"]]
    assert not np.any(framed(sheets[3], OF_CLUSTERS))


def test_a_row_is_a_hypothesis_by_rate_with_its_pictures_by_seed(warehouse):
    sheets = concept_sheets(warehouse, "net", [3], open_flat, GENEROUS)
    assert names(sheets[3], OF_CONCEPTS) == [["red", "gold", "blue"], ["ink"]]


def test_a_name_of_several_clusters_has_one_row_that_says_which(warehouse, monkeypatch):
    model, also = pd.DataFrame({"model": ["net"]}), []
    for table in ("concept_hypotheses", "generated_image_sets", "activation_rates"):
        rows = warehouse.read(f"SELECT * FROM {table}")  # noqa: S608 (the tables above)
        again = rows[rows["concept"] == "often"].assign(cluster=0)
        also.append(Replacement(table, pd.concat([rows, again]), model))
    warehouse.replace(*also)
    drawn = []
    monkeypatch.setattr(
        neuron_sheets, "contact_sheet", lambda rows, *_, **__: drawn.extend(rows) or None
    )

    concept_sheets(warehouse, "net", [3], open_flat, GENEROUS)

    assert [row.label for row in drawn] == ["0,1: often", "1: never"]
    assert [[tile.uri for tile in row.tiles] for row in drawn] == [["red", "gold", "blue"], ["ink"]]


def test_pictures_above_the_threshold_and_no_others_are_framed(warehouse):
    sheets = concept_sheets(warehouse, "net", [3], open_flat, GENEROUS)
    assert framed(sheets[3], OF_CONCEPTS) == [[False, True, True], [False]]


def test_an_activation_equal_to_the_threshold_does_not_fire(warehouse):
    """The picture "ink" has it: its rate is 0, and so it is not framed above."""
    seen = warehouse.read("SELECT activation FROM picture_activations WHERE picture_id = 'ink'")
    limit = warehouse.read("SELECT any_value(threshold) AS threshold FROM activation_rates")
    assert seen["activation"].iloc[0][3] == limit["threshold"].iloc[0]


@pytest.mark.parametrize("sheets_of", [cluster_sheets, concept_sheets])
def test_a_neuron_or_target_without_rows_has_no_sheet(warehouse, sheets_of):
    assert sheets_of(warehouse, "net", [0, 99], open_flat, GENEROUS) == {}
    assert sheets_of(warehouse, "other", [3], open_flat, GENEROUS) == {}
    assert sheets_of(warehouse, "net", [], open_flat, GENEROUS) == {}
    assert sheets_of(warehouse, "net", [3], open_flat, 30) == {}


@pytest.mark.parametrize("sheets_of", [cluster_sheets, concept_sheets])
def test_each_sheet_is_the_same_whichever_others_are_asked_for(finished, sheets_of):
    bench = finished.bench()
    together = sheets_of(bench.warehouse, "cnn", range(6), bench.images.open, 2000)
    assert together
    for neuron, sheet in together.items():
        alone = sheets_of(bench.warehouse, "cnn", [np.int64(neuron)], bench.images.open, 2000)
        assert alone == {neuron: sheet}


@pytest.mark.parametrize("sheets_of", [cluster_sheets, concept_sheets])
def test_how_many_neurons_a_query_asks_for_makes_no_difference(finished, sheets_of, monkeypatch):
    bench = finished.bench()
    asked = (bench.warehouse, "vit", range(8), bench.images.open, 2000)
    at_once = sheets_of(*asked)
    monkeypatch.setattr(neuron_sheets, "N_AT_ONCE", 3)
    assert sheets_of(*asked) == at_once


@pytest.mark.parametrize("max_bytes", [400, 900, 2000])
def test_real_sheets_stay_within_their_bytes(finished, max_bytes):
    bench = finished.bench()
    for model, width in (("cnn", 6), ("vit", 8)):
        for sheets_of in (cluster_sheets, concept_sheets):
            made = sheets_of(bench.warehouse, model, range(width), bench.images.open, max_bytes)
            assert all(len(sheet.content) <= max_bytes for sheet in made.values())


def test_every_neuron_with_clusters_or_rates_has_its_sheet(finished):
    bench = finished.bench()
    for table, sheets_of in (("clusters", cluster_sheets), ("activation_rates", concept_sheets)):
        rows = finished.table(table)
        for model, of_model in rows.groupby("model"):
            made = sheets_of(bench.warehouse, model, range(8), bench.images.open, GENEROUS)
            assert set(made) == set(of_model["neuron"])


def test_as_many_frames_are_green_as_pictures_fire(finished):
    """The tiny study's hypotheses have three pictures each, so that all of them are shown."""
    bench, rates = finished.bench(), finished.table("activation_rates")
    made = {
        model: concept_sheets(bench.warehouse, model, range(8), bench.images.open, 10**6)
        for model in ("cnn", "vit")
    }
    for (model, neuron), of_neuron in rates.groupby(["model", "neuron"]):
        rows = cells(made[model][neuron], OF_CONCEPTS)
        found = [sum(is_framed(cell) for cell in row) for row in rows]
        once = of_neuron.drop_duplicates("concept")
        assert found == sorted(once["n_active"], reverse=True)
