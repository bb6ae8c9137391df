"""Checks of stored rows: what is sound passes, one damaged neuron is found and left out alone."""

from collections.abc import Callable
from typing import NamedTuple

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from sieve_assets.assets.partitions import OF_A_MODEL, Share
from sieve_assets.assets.pipeline import EVALUATION, STAGES
from sieve_assets.assets.verdict_controls import verdict_controls
from sieve_assets.stores.warehouse import Replacement
from sieve_assets_tests.checks import failing_checks
from sieve_assets_tests.studies import assert_same_rows

PASS, PATCHES = "probe_activations", "patch_embeddings"
IMAGES, RATES = "generated_image_sets", "activation_rates"
BAD = 4
"""The tiny CNN's neuron that has a patch and a picture that no other has."""
OTHERS = {0, 1, 2, 3, 5}
KEYS = [f"cnn|000{neuron}" for neuron in range(6)]
STAGE = {stage.name: stage for stage in (*STAGES, *EVALUATION)}


def found(study, stage, check, model="cnn", neurons=range(6)):
    """What a check of a stage finds, by neuron."""
    [one] = [one for one in STAGE[stage].checks if one.name == check]
    return one.find(study.bench(), Share(model, list(neurons), []))


def rows_of(study, stage):
    return study.table(STAGE[stage].table, model="cnn", neuron=BAD)


def put(study, stage, rows):
    """Other rows in the place of the bad neuron's; what is noted of them stays."""
    scope = pd.DataFrame({"model": ["cnn"], "neuron": [BAD]})
    study.bench().warehouse.replace(Replacement(STAGE[stage].table, rows, scope))


def with_nan(numbers):
    return np.append(numbers[:-1], np.float32(np.nan))


def with_lists(rows, column, change):
    """The rows with a list of the first one changed."""
    lists = [np.array(one) for one in rows[column]]
    return rows.assign(**{column: [change(lists[0]), *lists[1:]]})


def own_uri(study, stage):
    """A file that only the bad neuron refers to, among its target's."""
    rows = study.table(stage, model="cnn")
    is_own = rows.groupby("uri")["neuron"].transform("nunique") == 1
    return rows[(rows["neuron"] == BAD) & is_own]["uri"].iloc[0]


def changed(stage, change):
    """Damages the bad neuron's rows of a stage, and gives what mends them."""

    def do(study):
        rows = rows_of(study, stage)
        put(study, stage, change(rows))
        return lambda: put(study, stage, rows)

    return do


def cut(stage):
    """Damages a file of the bad neuron, and gives what mends it."""

    def do(study):
        path = study.bench().images.root / own_uri(study, stage)
        content = path.read_bytes()
        path.write_bytes(content[:-20])
        return lambda: path.write_bytes(content)

    return do


one_nan = changed(PASS, lambda rows: with_lists(rows, "activation", with_nan))
too_long = changed(PATCHES, lambda rows: with_lists(rows, "embedding", lambda v: 2 * v))
too_few = changed(IMAGES, lambda rows: rows[1:])
too_high = changed(RATES, lambda rows: rows.assign(activation_rate=rows["ci_high"] + 0.01))


class Damage(NamedTuple):
    """To one neuron, and who finds it."""

    stage: str
    check: str
    told: str
    """Part of what the check says."""
    do: Callable
    """Damages a study, and gives what mends it."""
    follower: str
    """The first stage by neuron that reads the rows; empty if none does."""
    also: tuple[str, ...] = ()
    """Further checks that find it."""


LOST = "got 1 damaged or lost, e.g. "
DAMAGES = [
    Damage(PASS, "finite", "got 1 that are not", one_nan, "neuron_ratios"),
    Damage(PATCHES, "unit_vectors", "got a length of", too_long, "clusters"),
    Damage(PATCHES, "files", LOST, cut(PATCHES), "clusters"),
    Damage(IMAGES, "pictures", "expected 3 pictures of", too_few, RATES, ("lineage",)),
    Damage(IMAGES, "files", LOST, cut(IMAGES), RATES),
    Damage(RATES, "in_interval", "within its interval", too_high, ""),
]


def name_of(damage):
    return f"{damage.stage}-{damage.check}"


each_damage = pytest.mark.parametrize("damage", DAMAGES, ids=name_of)


SOUND = [stage for stage in STAGES if stage.checks and stage is not verdict_controls]
"""Stages with checks of what is stored; those of the controls judge the verdict, and with random
weights no name is right."""


@pytest.mark.parametrize("model", ["cnn", "vit"])
@pytest.mark.parametrize("stage", SOUND, ids=lambda stage: stage.name)
def test_every_check_passes_on_what_was_made(finished, stage, model):
    neurons = range(8) if stage.is_by_neuron else [OF_A_MODEL]

    for check in stage.checks:
        assert found(finished, stage.name, check.name, model, neurons) == {}


def test_every_check_that_leaves_neurons_out_is_damaged_here():
    by_neuron = [stage for stage in STAGE.values() if stage.is_by_neuron]

    assert {(one.stage, one.check) for one in DAMAGES} == {
        (stage.name, check.name)
        for stage in by_neuron
        for check in stage.checks
        if check.is_blocking
    }


@each_damage
def test_a_check_finds_the_damaged_neuron_and_no_other_until_it_is_mended(copied, damage):
    mend = damage.do(copied)

    assert list(found(copied, damage.stage, damage.check)) == [BAD]
    assert damage.told in found(copied, damage.stage, damage.check)[BAD]
    assert found(copied, damage.stage, damage.check, neurons=OTHERS) == {}
    mend()
    assert found(copied, damage.stage, damage.check) == {}


def statuses(result, stage):
    return {
        int(event.partition.rpartition("|")[2]): event.metadata["status"].value
        for event in result.asset_materializations_for_node(stage)
    }


@each_damage
def test_a_run_tells_of_the_damaged_neuron_by_its_partition_and_ends_well(copied, damage):
    damage.do(copied)

    result = copied.of_model("cnn", damage.stage)

    assert result.success
    told = failing_checks(result)
    assert set(told) == {(damage.stage, name, KEYS[BAD]) for name in (damage.check, *damage.also)}
    blocked = told[damage.stage, damage.check, KEYS[BAD]]
    assert blocked.severity == dg.AssetCheckSeverity.ERROR
    assert damage.told in blocked.description
    [failure] = copied.table("failures").drop(columns="failed_at").to_numpy().tolist()
    problem = blocked.description.removeprefix(f"{KEYS[BAD]}: ")
    assert failure == [damage.stage, "cnn", BAD, result.run_id, problem]


@pytest.mark.parametrize("damage", [one for one in DAMAGES if one.follower], ids=name_of)
def test_the_next_stage_leaves_out_that_neuron_alone_until_it_is_mended(finished, copied, damage):
    mend = damage.do(copied)
    copied.forget("cnn", damage.follower)

    result = copied.of_model("cnn", damage.stage, damage.follower)

    notes = copied.table("provenance", model="cnn", stage=damage.follower)
    assert set(notes["neuron"]) == OTHERS
    assert set(notes["run_id"]) == {result.run_id}
    states = statuses(result, damage.follower)
    assert {neuron for neuron in states if states[neuron] == "left out"} == {BAD}
    why = failing_checks(result)[damage.follower, "lineage", KEYS[BAD]].description
    assert why.startswith(f"{KEYS[BAD]}: {damage.stage} failed: ")
    assert damage.told in why
    assert set(copied.table("failures")["stage"]) == {damage.stage}

    mend()
    result = copied.of_model("cnn", damage.stage, damage.follower)

    assert failing_checks(result) == {}
    assert "left out" not in statuses(result, damage.follower).values()
    assert copied.table("failures").empty
    notes = copied.table("provenance", model="cnn", stage=damage.follower).set_index("neuron")
    assert set(notes.index[notes["run_id"] == result.run_id]) == {BAD}
    for stage in (damage.stage, damage.follower):
        found, expected = (one.table(STAGE[stage].table) for one in (copied, finished))
        assert_same_rows(found, expected, tolerance=1e-6)


def test_a_neuron_that_is_left_out_is_left_out_by_every_later_stage(copied):
    too_long(copied)
    later = ["clusters", "concept_hypotheses", IMAGES, RATES]
    copied.forget("cnn", *later)

    result = copied.of_model("cnn", PATCHES, *later)

    for stage in later:
        assert set(copied.table("provenance", model="cnn", stage=stage)["neuron"]) == OTHERS
        assert statuses(result, stage)[BAD] == "left out"


def test_a_failure_stays_noted_while_only_others_are_run(copied):
    mend = too_long(copied)
    copied.of_model("cnn", PATCHES)
    mend()
    copied.of_model("cnn", PATCHES, neurons=[0, 1, 2, 3])
    assert copied.table("failures")["neuron"].tolist() == [BAD]
    copied.of_model("cnn", PATCHES, neurons=[BAD])
    assert copied.table("failures").empty


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_each_activation_that_is_no_finite_number_is_counted(copied, value):
    def with_three(activations):
        return np.where(np.arange(60) % 20 == 3, np.float32(value), activations)

    put(copied, PASS, with_lists(rows_of(copied, PASS), "activation", with_three))

    assert "got 3 that are not" in found(copied, PASS, "finite")[BAD]
    assert found(copied, PASS, "finite", model="vit", neurons=[BAD]) == {}


@pytest.mark.parametrize("length", [0.0, 0.5, 0.998, 0.9995, 1.0005, 1.002, 2.0, np.nan])
def test_a_vector_is_a_unit_vector_within_a_thousandth(copied, length):
    rows = rows_of(copied, PATCHES)
    put(copied, PATCHES, with_lists(rows, "embedding", lambda v: np.float32(length) * v))

    is_unit = 0.999 < length < 1.001
    assert bool(found(copied, PATCHES, "unit_vectors")) != is_unit


def test_a_file_that_neurons_share_is_told_of_each_of_them(copied):
    links = copied.table(IMAGES)
    sharing = links.groupby("uri").agg({"neuron": "nunique", "model": "nunique"})
    uri = sharing[(sharing["neuron"] > 2) & (sharing["model"] == 2)].index[0]
    (copied.bench().images.root / uri).unlink()

    for model in ("cnn", "vit"):
        using = links[(links["uri"] == uri) & (links["model"] == model)]
        problems = found(copied, IMAGES, "files", model, range(8))
        assert set(problems) == set(using["neuron"])
        assert all(LOST in problem for problem in problems.values())


@pytest.mark.parametrize(
    ("change", "n_got"),
    [
        (lambda rows: rows[rows["concept"] != rows["concept"].iloc[0]], 0),
        (lambda rows: pd.concat([rows, rows.head(1).assign(seed=99)]), 4),
    ],
    ids=["none", "one more"],
)
def test_a_hypothesis_has_as_many_pictures_as_were_asked_for(copied, change, n_got):
    rows = rows_of(copied, IMAGES)
    concept = rows["concept"].iloc[0]
    put(copied, IMAGES, change(rows))
    told = f"expected 3 pictures of {concept}, got {n_got}. Materialize it again."
    assert found(copied, IMAGES, "pictures") == {BAD: told}


@pytest.mark.parametrize(
    ("values", "is_sound"),
    [
        ({"activation_rate": 0.5, "ci_low": 0.5, "ci_high": 0.5}, True),
        ({"activation_rate": 0.0, "ci_low": 0.0, "ci_high": 1.0}, True),
        ({"activation_rate": 0.4, "ci_low": 0.5, "ci_high": 0.6}, False),
        ({"activation_rate": 0.7, "ci_low": 0.5, "ci_high": 0.6}, False),
        ({"activation_rate": 0.0, "ci_low": -0.1, "ci_high": 0.6}, False),
        ({"activation_rate": 0.9, "ci_low": 0.5, "ci_high": 1.1}, False),
        ({"n_images": 3, "n_active": 4}, False),
    ],
)
def test_a_rate_lies_in_its_interval_and_the_interval_in_zero_to_one(copied, values, is_sound):
    rows = rows_of(copied, RATES)
    put(copied, RATES, pd.concat([rows[:-1], rows[-1:].assign(**values)]))

    assert set(found(copied, RATES, "in_interval")) == (set() if is_sound else {BAD})
