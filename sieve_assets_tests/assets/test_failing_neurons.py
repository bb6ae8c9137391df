"""A neuron or pass that cannot be relied on holds up what follows of it, and nothing else."""

import dagster as dg
import pytest

from sieve_assets.assets.conductor import Conductor
from sieve_assets_tests.assets.test_soundness import statuses, too_high, too_long


def conduct(study, models=(), neurons=()):
    with dg.DagsterInstance.ephemeral() as instance:
        return Conductor(study.bench(), instance, lambda *_: None).run(models, neurons)


def noted(study, stage):
    return study.table("provenance", stage=stage, model="cnn")["neuron"].tolist()


def test_an_unsound_rate_reaches_no_verdict_until_it_is_mended(copied):
    mend = too_high(copied)
    copied.of_model("cnn", "activation_rates")
    copied.of_model("cnn", "verified_concepts")

    without = copied.table("verified_concepts", model="cnn")
    assert 4 not in set(without["neuron"])
    assert not without["is_complete"].any()

    mend()
    assert conduct(copied, ["cnn"]) == {}
    mended = copied.table("verified_concepts", model="cnn")
    assert 4 in set(mended["neuron"])
    assert mended["is_complete"].all()


def test_an_unsound_pass_stops_what_reads_it(copied):
    uri = copied.table("probe_passes", model="cnn")["strongest_uri"].iloc[0]
    file = copied.bench().arrays.root / uri
    file.write_bytes(file.read_bytes()[:-20])
    copied.of_model("cnn", "probe_pass")
    copied.forget("cnn", "neuron_ratios")  # which does not read that file itself

    with pytest.raises(LookupError, match="since probe_pass failed: expected stored arrays"):
        copied.of_model("cnn", "neuron_ratios")

    assert set(copied.table("failures")["stage"]) == {"probe_pass"}


def test_a_noted_failure_is_tried_again_once_it_is_mended(copied):
    mend = too_long(copied)
    copied.of_model("cnn", "patch_embeddings")
    copied.forget("cnn", "clusters", neurons=[4])
    mend()

    assert conduct(copied, ["cnn"]) == {}
    assert copied.table("failures").empty


def test_one_unsound_neuron_keeps_its_target_from_nothing(copied):
    too_long(copied)
    copied.of_model("cnn", "patch_embeddings")
    copied.forget("cnn", "clusters", neurons=[4])
    copied.forget("cnn", "verified_concepts")

    failed = conduct(copied, ["cnn"])

    assert "expected unit vectors" in str(failed["cnn"])
    assert noted(copied, "verified_concepts") == [-1]


def test_what_is_left_out_stays_as_it_was_stored(copied):
    too_long(copied)
    copied.of_model("cnn", "patch_embeddings")
    before = copied.table("provenance", stage="patch_embeddings", model="cnn")

    result = copied.of_model("cnn", "clusters", "concept_hypotheses")

    assert statuses(result, "concept_hypotheses")[4] == "left out"
    assert copied.table("provenance", stage="patch_embeddings", model="cnn").equals(before)
