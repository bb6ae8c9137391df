"""What is stored of stages is what each was noted with, whether asked by share or for a target."""

import pandas as pd
import pytest

from sieve_assets.assets.lineage import Lineage, lineages
from sieve_assets.assets.notes import stored_of, stored_of_target
from sieve_assets.assets.partitions import OF_A_MODEL, Share
from sieve_assets.assets.pipeline import STAGES
from sieve_assets.stores.connections import DuckDBFile
from sieve_assets.stores.warehouse import Replacement

STAGE = {stage.name: stage for stage in STAGES}


@pytest.fixture
def asked(monkeypatch):
    """How often the warehouse was opened to be read."""
    read, opened = DuckDBFile.read, []
    monkeypatch.setattr(DuckDBFile, "read", lambda *given: opened.append(1) or read(*given))
    return opened


def everything(bench, stage):
    width = bench.study.targets["cnn"].width
    return Share("cnn", list(range(width)) if stage.is_by_neuron else [OF_A_MODEL], [])


def test_a_share_has_its_neurons_and_what_is_by_model(finished):
    bench = finished.bench()

    stored = bench.warehouse.together(
        lambda read: stored_of(STAGE["clusters"], Share("cnn", [2, 4], []), read)
    )

    assert set(stored.notes["neuron"]) == {OF_A_MODEL, 2, 4}
    places = set(zip(stored.notes["stage"], stored.notes["neuron"], strict=True))
    expected = finished.table("provenance", model="cnn")
    expected = expected[expected["neuron"].isin([OF_A_MODEL, 2, 4])]
    before = [*(one.name for one in STAGE["clusters"].ancestors()), "clusters"]
    expected = expected[expected["stage"].isin(before)]
    assert places == set(zip(expected["stage"], expected["neuron"], strict=True))


@pytest.mark.parametrize("stage", STAGES, ids=lambda one: one.name)
def test_of_a_target_at_once_is_what_each_stage_finds_by_itself(finished, stage):
    bench = finished.bench()
    share = everything(bench, stage)

    stored = bench.warehouse.together(lambda read: stored_of_target(STAGES, "cnn", read))

    at_once = Lineage(bench, stage, share, stored.up_to(stage))
    alone = Lineage(bench, stage, share)
    assert at_once.notes == alone.notes != {}
    assert len(at_once.notes) < len(stored.notes), "which has those of the other stages too"


def test_failures_are_those_of_the_stage_and_of_what_is_before_it(copied, asked):
    bench = copied.bench()
    stages = ["clusters", "activation_rates"]
    keys = pd.DataFrame({"stage": stages, "model": "cnn", "neuron": 3})
    told = keys.assign(run_id="some run", reason=stages, failed_at=pd.Timestamp("2026-01-01"))
    bench.warehouse.replace(Replacement("failures", told, keys))

    asked.clear()
    shares = [(each, everything(bench, each)) for each in STAGES]
    found = {one.stage.name: one.failures for one in lineages(bench, shares)}

    assert len(asked) == 1, "for all stages"
    assert found["selected_samples"] == {}
    assert found["clusters"] == {("clusters", 3): "clusters"}
    assert set(found["activation_rates"]) == {("clusters", 3), ("activation_rates", 3)}
