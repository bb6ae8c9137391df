"""What counts as the same results, and what does not."""

import numpy as np
import pytest
from PIL import Image

from sieve_assets.assets.same_results import compared


def test_a_study_is_the_same_as_itself(finished):
    found = compared(finished.bench(), finished.bench())
    assert found.differences == []
    assert found.n_pictures == len(finished.table("pictures")) > 0
    assert sum(found.n_rows.values()) > 100
    assert {"verdicts", "activation_rates", "pictures", "probe_passes"} <= set(found.n_rows)


def test_who_made_it_and_when_makes_no_difference(finished, copied):
    change(copied, "UPDATE pictures SET seconds = seconds + 1, drawn_by_run = 'another'")
    change(copied, "UPDATE activation_rates SET activation_rate = activation_rate + 1e-9")
    assert compared(copied.bench(), finished.bench()).differences == []


@pytest.mark.parametrize(
    ("statement", "table", "what"),
    [
        ("UPDATE verdicts SET verdict = 'untestable'", "verdicts", "verdict"),
        (
            "UPDATE activation_rates SET activation_rate = activation_rate + .01",
            "activation_rates",
            "activation_rate",
        ),
        (
            "UPDATE neuron_activations SET activation = list_transform(activation, x -> x + 1)",
            "neuron_activations",
            "activation",
        ),
        ("DELETE FROM clusters WHERE cluster = 0", "clusters", "rows, got"),
    ],
)
def test_other_rows_are_told_by_table(finished, copied, statement, table, what):
    change(copied, statement)
    found = compared(copied.bench(), finished.bench())
    [difference] = found.differences
    assert difference.startswith(f"{table}: ")
    assert what in difference
    assert len(difference) < 100


@pytest.mark.parametrize(("shift", "n_others"), [(2, 0), (3, 1)])
def test_pixels_may_be_a_little_apart(finished, copied, shift, n_others):
    images = copied.bench().images
    first = copied.table("pictures").iloc[0]
    pixels = np.asarray(images.open(first["uri"])).astype(int)
    moved = np.where(pixels > 127, pixels - shift, pixels + shift).astype(np.uint8)
    uri = images.put(Image.fromarray(moved)).uri
    change(copied, "UPDATE pictures SET uri = $1 WHERE picture_id = $2", [uri, first["picture_id"]])
    found = compared(copied.bench(), finished.bench())
    assert len(found.differences) == n_others
    assert all("expected pixels within 2 of 255, got 3 apart" in one for one in found.differences)


def test_a_damaged_picture_is_another(finished, copied):
    first = copied.table("pictures").iloc[0]
    (copied.bench().images.root / first["uri"]).write_bytes(b"nothing")
    [difference] = compared(copied.bench(), finished.bench()).differences
    assert first["picture_id"] in difference


def change(study, statement, values=()):
    study.bench().warehouse.at.write(lambda one: one.execute(statement, list(values)))
