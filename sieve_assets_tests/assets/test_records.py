"""Where rows come from, and which rows a run leaves alone."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sieve_assets.assets import hypothesize, records, retries
from sieve_assets.assets.pipeline import STAGES, stages_of
from sieve_assets.assets.records import concatenated, rows_hash
from sieve_assets.assets.retries import InputsReplacedError
from sieve_assets.stores.warehouse import Replacement
from sieve_assets_tests.studies import BY_NEURON, assert_same_rows

TABLES = {stage.name: stage.table for stage in STAGES}
RUN_MODELS = {
    *("probe_pass", "patch_embeddings", "concept_hypotheses", "probe_embeddings", "evidence"),
    *("reference_pictures", "generated_image_sets", "activation_rates", "verdict_controls"),
    *("revised_names", "neuron_atlas"),
}
MADE_AT = ["run_id", "recorded_at", "seconds"]


def sha256_of_json(value):
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def stored_rows(study, stage, model, neuron):
    if stage.name == "probe_images":
        return study.table("probe_images", probe="scenes")
    by_neuron = {"neuron": neuron} if stage.is_by_neuron else {}
    return study.table(TABLES[stage.name], model=model, **by_neuron)


def by_key(notes):
    return {(row.stage, row.model, row.neuron): row for row in notes.itertuples()}


def test_every_neuron_of_every_stage_has_its_note(finished):
    notes = finished.table("provenance")
    widths = {"cnn": 6, "vit": 8}

    expected = {
        (stage.name, model, neuron)
        for stage in stages_of(finished.bench().study)
        for model, width in widths.items()
        for neuron in (range(width) if stage.is_by_neuron else [-1])
    }
    assert set(by_key(notes)) == expected


def test_every_stored_row_is_counted_in_a_note(finished):
    notes = finished.table("provenance")

    for stage in STAGES:
        rows = finished.table(TABLES[stage.name])
        noted = notes[notes["stage"] == stage.name].set_index(["model", "neuron"])["n_rows"]
        if stage.name == "probe_images":  # of the probe set that both targets share
            assert list(noted) == [len(rows)] * 2
        elif stage.is_by_neuron:
            stored = rows.groupby(["model", "neuron"]).size()
            assert stored.to_dict() == noted[noted > 0].to_dict()
        else:
            stored = rows.groupby("model").size()
            assert stored.to_dict() == noted.droplevel("neuron").to_dict()


def test_a_note_says_when_by_which_run_and_with_which_models(finished):
    notes = finished.table("provenance")

    now = datetime.now(UTC).replace(tzinfo=None)
    assert notes["recorded_at"].between(now - timedelta(hours=2), now).all()
    assert (notes["run_id"].str.len() == 36).all()
    assert notes["seconds"].between(0, 7200).all()
    for column in ("settings_hash", "input_hash", "output_hash"):
        assert notes[column].str.fullmatch("[0-9a-f]{64}").all()
    assert set(notes.loc[notes["weights_hash"].notna(), "stage"]) == RUN_MODELS


def test_the_output_of_a_stage_is_in_the_input_of_the_next(finished):
    """Recomputed as canonical JSON: name and output hash of each stage read, in their order."""
    notes = by_key(finished.table("provenance"))

    for stage in STAGES:
        for (name, model, neuron), note in notes.items():
            if name != stage.name:
                continue
            inputs = []
            for read in stage.reads:
                if stage.is_by_neuron and read.is_by_neuron:
                    inputs.append([read.name, notes[read.name, model, neuron].output_hash])
                else:
                    of_model = [
                        [n, one.output_hash]
                        for (s, m, n), one in sorted(notes.items())
                        if (s, m) == (read.name, model)
                    ]
                    inputs.append([read.name, of_model])
            assert note.input_hash == sha256_of_json(inputs), (name, model, neuron)


def test_what_is_stored_still_has_the_hash_of_what_was_written(finished):
    notes = by_key(finished.table("provenance"))

    for stage in STAGES:
        for model, neuron in (("cnn", 1), ("cnn", 2), ("vit", 7)):
            note = notes[stage.name, model, neuron if stage.is_by_neuron else -1]
            rows = stored_rows(finished, stage, model, neuron)
            assert note.output_hash == rows_hash(rows), (stage.name, neuron)


def test_a_patch_and_a_picture_can_be_traced_to_their_files(finished):
    bench = finished.bench()
    pictures = finished.table("generated_image_sets").merge(
        finished.table("pictures"), on=["picture_id", "seed", "generator", "uri"]
    )
    patches = finished.table("patch_embeddings").merge(
        finished.table("probe_images"), on="image_id", suffixes=("", "_of_image")
    )

    assert len(pictures) == len(finished.table("generated_image_sets")) > 0
    assert len(patches) == len(finished.table("patch_embeddings")) > 0
    for picture in pictures.itertuples():
        assert sha256_of(bench.images.root / picture.uri) == picture.sha256
    for patch in patches.itertuples():
        assert sha256_of(Path(patch.uri_of_image)) == patch.sha256
        cut = Image.open(patch.uri_of_image).crop((patch.x0, patch.y0, patch.x1, patch.y1))
        assert bench.images.open(patch.uri).tobytes() == cut.convert("RGB").tobytes()


def sha256_of(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_running_neurons_again_gives_the_same_rows(finished, copied, model):
    copied.forget(model, *BY_NEURON, "verified_concepts")
    copied.of_model(model, *BY_NEURON)
    copied.of_model(model, "verified_concepts")

    for table in set(TABLES.values()):
        assert_same_rows(copied.table(table), finished.table(table), tolerance=0)
    before, after = (one.table("provenance", model=model) for one in (finished, copied))
    assert_same_rows(after.drop(columns=MADE_AT), before.drop(columns=MADE_AT), tolerance=0)
    again = after["stage"].isin([*BY_NEURON, "verified_concepts"])
    assert not set(after.loc[again, "run_id"]) & set(before["run_id"])


@pytest.mark.parametrize("neuron", [2, 3])
def test_a_neuron_run_alone_gives_the_same_rows_and_leaves_the_others(finished, copied, neuron):
    """Neuron 2 is not selected and so has no rows after its ratio; its notes must not differ."""
    copied.forget("cnn", *BY_NEURON, neurons=[neuron])
    copied.of_model("cnn", *BY_NEURON, neurons=[neuron])

    for table in set(TABLES.values()):
        assert_same_rows(copied.table(table), finished.table(table), tolerance=1e-6)
    before, after = (one.table("provenance") for one in (finished, copied))
    is_run = (after["model"] == "cnn") & (after["neuron"] == neuron)
    assert_same_rows(after[~is_run], before[~is_run], tolerance=0)
    assert not set(after.loc[is_run, "run_id"]) & set(before["run_id"])
    if neuron == 2:
        same = ["stage", "settings_hash", "input_hash", "output_hash", "n_rows"]
        assert_same_rows(after.loc[is_run, same], before.loc[is_run, same], tolerance=0)


def test_rows_made_from_what_another_run_replaced_are_not_written(copied, monkeypatch):
    """The other run ends between the first neuron's clusters and the writing of them."""
    copied.forget("cnn", "clusters")
    note = copied.table("provenance", model="cnn", stage="patch_embeddings", neuron=3)
    original, warehouse = hypothesize.cluster_rows, copied.bench().warehouse

    def meanwhile(*inputs):
        warehouse.replace(
            Replacement(
                "provenance",
                note.assign(output_hash="f" * 64),
                note.filter(["stage", "model", "neuron"]),
            )
        )
        return original(*inputs)

    monkeypatch.setattr(hypothesize, "cluster_rows", meanwhile)
    monkeypatch.setattr(retries, "MOST_RETRIES", 0)
    result = copied.of_model("cnn", "clusters", raise_on_error=False)

    assert cause_of(result, "clusters").cls_name == InputsReplacedError.__name__
    assert "Nothing was written; run it again." in cause_of(result, "clusters").message
    assert copied.table("provenance", model="cnn", stage="clusters").empty

    monkeypatch.setattr(retries, "MOST_RETRIES", 1)
    monkeypatch.setattr(retries, "WAIT_S", 0)
    copied.bench().warehouse.replace(
        Replacement("provenance", note, note.filter(["stage", "model", "neuron"]))
    )
    assert copied.of_model("cnn", "clusters").success, "a second try reads what there is now"


def cause_of(result, step):
    """The first error behind a step's failure."""
    error = result.failure_data_for_node(step).error
    while error.cause:
        error = error.cause
    return error


def test_other_settings_have_another_hash(copied, tmp_path):
    (tmp_path / "other").mkdir()
    other = copied.changed(tmp_path / "other", {"n_images = 3": "n_images = 2"})

    other.of_model("cnn", "clusters", "concept_hypotheses", "generated_image_sets", neurons=[3])

    before, after = (by_key(one.table("provenance", model="cnn")) for one in (copied, other))
    changed = {key for key in after if after[key].settings_hash != before[key].settings_hash}
    assert changed == {("generated_image_sets", "cnn", 3)}


ROWS = pd.DataFrame(
    {
        "neuron": [0, 1],
        "ratio": [1.5, np.inf],
        "status": ["selected", "dead"],
        "embedding": [np.float32([0.1, 0.2]), np.float32([0.3, 0.4])],
    }
)


def with_value(column, value):
    changed = ROWS.copy()
    changed[column] = [value, *ROWS[column][1:]]
    return changed


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("neuron", 2),
        ("ratio", 1.5 + 1e-12),
        ("status", "low_contrast"),
        ("embedding", np.float32([0.1, np.nextafter(np.float32(0.2), np.float32(1))])),
    ],
)
def test_a_changed_value_changes_the_hash(column, value):
    assert rows_hash(with_value(column, value)) != rows_hash(ROWS)


def test_the_order_of_rows_counts_and_that_of_columns_does_not():
    assert rows_hash(ROWS[::-1]) != rows_hash(ROWS)
    assert rows_hash(ROWS[list(ROWS.columns)[::-1]]) == rows_hash(ROWS)
    assert rows_hash(ROWS.set_index(pd.Index([5, 9]))) == rows_hash(ROWS)


def test_where_a_file_lies_makes_no_difference_if_its_content_is_told():
    rows = pd.DataFrame({"image_id": ["a"], "uri": ["/here/a.png"], "sha256": ["0"]})

    assert rows_hash(rows.assign(uri="/there/a.png")) == rows_hash(rows)
    assert rows_hash(rows.assign(sha256="1")) != rows_hash(rows)
    told = rows.drop(columns="sha256")
    assert rows_hash(told.assign(uri="/there/a.png")) != rows_hash(told)


def test_no_rows_have_one_hash_whatever_columns_they_would_have():
    assert rows_hash(ROWS.head(0)) == rows_hash(pd.DataFrame())
    assert rows_hash(ROWS.head(0)) != rows_hash(ROWS.head(1))


def test_tables_are_joined_and_empty_ones_left_out():
    joined = concatenated([pd.DataFrame(), ROWS.head(1), pd.DataFrame(), ROWS.tail(1)])

    assert_same_rows(joined, ROWS, tolerance=0)
    assert concatenated([pd.DataFrame()]).empty


def test_a_run_that_dies_keeps_what_it_wrote_before(finished, copied, monkeypatch):
    monkeypatch.setattr(records, "WRITTEN_EVERY_S", 0)
    original = hypothesize.cluster_rows

    def die_at_four(patches, model, neuron, study):
        if neuron == 4:
            raise OSError(28, "No space left on device")
        return original(patches, model, neuron, study)

    copied.forget("cnn", "clusters")
    with monkeypatch.context() as mine:
        mine.setattr(hypothesize, "cluster_rows", die_at_four)
        assert not copied.of_model("cnn", "clusters", raise_on_error=False).success
    assert copied.table("provenance", stage="clusters", model="cnn")["neuron"].tolist() == [
        *range(4)
    ]
    before = copied.table("provenance", stage="clusters", model="cnn")["run_id"].unique()
    copied.of_model("cnn", "clusters")

    assert_same_rows(copied.table("clusters"), finished.table("clusters"), tolerance=0)
    again = copied.table("provenance", stage="clusters", model="cnn")
    assert again["run_id"].isin(before).sum() == 4
