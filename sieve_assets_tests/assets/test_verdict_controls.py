"""Every kind of control is judged like a hypothesis, and what must fail or pass is what it says."""

import numpy as np
import pandas as pd
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import load_file
from scipy import stats
from sklearn.metrics import average_precision_score

from sieve_assets.assets.control_kinds import EXPECTED
from sieve_assets.assets.hypothesize import neuron_generator
from sieve_assets.assets.reference_pictures import references
from sieve_assets.assets.verdict_controls import NONE_ASKED, verdict_controls
from sieve_assets.models.frames import input_frames
from sieve_assets_tests import recomputation as again
from sieve_assets_tests.studies import assert_same_rows

KEY = ["model", "control", "draw", "neuron", "concept"]
LINES = {"min_rate": 0.2, "min_score": 0.95}


def of(study, model, *controls):
    rows = study.table("verdict_controls", model=model)
    return rows[rows["control"].isin(controls)] if controls else rows


def test_every_kind_is_there_for_which_a_target_has_what_it_needs(finished):
    cnn, vit = set(of(finished, "cnn")["control"]), set(of(finished, "vit")["control"])

    absent = {"planted directions", "shuffled names"}
    assert cnn == {*EXPECTED} - absent, "nothing is known of these images, and all names are near"
    assert vit == cnn - {"class logits"}, "its classes have no names"
    for row in finished.table("verdict_controls").itertuples():
        assert row.expected == EXPECTED[row.control]
    assert finished.table("verdict_controls")["oracle_true"].isna().all()


def test_permuted_neurons_are_tried_with_all_their_names_in_every_draw(finished):
    for model in ("cnn", "vit"):
        tested = finished.table("evidence", model=model)[["neuron", "concept"]]
        rows = of(finished, model, "permuted activations")
        assert rows["draw"].nunique() == min(-(-200 // len(tested)), 10)
        for _, part in rows.groupby("draw"):
            assert part[["neuron", "concept"]].to_numpy().tolist() == tested.to_numpy().tolist()


def test_a_permuted_neuron_has_the_threshold_but_not_the_rates_of_its_own(finished):
    own = finished.table("evidence").set_index(["model", "neuron", "concept"])
    rows = finished.table("verdict_controls", control="permuted activations")
    rows = rows[rows["draw"] == 0].set_index(["model", "neuron", "concept"])
    same = own.loc[rows.index]

    np.testing.assert_allclose(rows["matched_threshold"], same["matched_threshold"])
    np.testing.assert_array_equal(rows["word_rank"], same["word_rank"])
    assert (rows["activation_rate"] != same["activation_rate"]).any()
    assert (rows["natural_ap"] != same["natural_ap"]).any()


def pictures_by_concept(study):
    """Ids of a concept's pictures, by seed."""
    return study.table("pictures").sort_values("seed").groupby("prompt")["picture_id"].agg(list)


def assert_rates(row, values, threshold):
    """The rates of a control are those of its neuron's activations on the name's pictures."""
    is_above = values > np.float32(row.matched_threshold)
    assert row.activation_rate == pytest.approx(np.mean(values > np.float32(threshold)))
    assert row.matched_ar == pytest.approx(np.mean(is_above))
    assert row.reported_ar == pytest.approx(np.mean(is_above[1::2]))


def shown(study, concept):
    """Which probe images are as like the concept as nearly all of its own pictures are."""
    bench, uris = study.bench(), study.table("pictures", prompt=concept)["uri"]
    [text] = bench.vision_language.embed_texts([concept])
    pictures = bench.vision_language.embed_images([bench.images.open(uri) for uri in uris])
    probe = study.table("probe_images", probe="scenes")["uri"]
    images = bench.vision_language.embed_images([Image.open(uri).convert("RGB") for uri in probe])
    least = np.percentile(pictures.astype(float) @ text, 5)
    return images.astype(float) @ text >= least


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_permuted_rates_are_of_what_the_neurons_did_on_all_pictures_in_another_order(
    finished, model
):
    bench, tested = finished.bench(), finished.table("evidence", model=model)
    concepts = list(dict.fromkeys([*references(bench), *tested["concept"]]))
    pictures, answers = pictures_by_concept(finished), again.picture_answers(bench, model)
    neurons = sorted(set(tested["neuron"]))
    own = np.stack([answers[one] for concept in concepts for one in pictures[concept]])[:, neurons]
    stored = finished.table("neuron_activations", model=model).set_index("neuron")["activation"]
    thresholds = finished.table("neuron_ratios", model=model).set_index("neuron")["p99"]
    shows = {concept: shown(finished, concept) for concept in concepts}
    for draw, rows in of(finished, model, "permuted activations").groupby("draw"):
        generator = neuron_generator(0, model, 1_000_001 + 2 * draw)
        on_images = generator.permuted(np.stack(list(stored[neurons])), axis=1)
        given = generator.permuted(own, axis=0)
        for row in rows.itertuples():
            place, neuron = 3 * concepts.index(row.concept), neurons.index(row.neuron)
            assert_rates(row, given[place : place + 3, neuron], thresholds[row.neuron])
            expected = average_precision_score(shows[row.concept], on_images[neuron])
            assert row.natural_ap == pytest.approx(expected)


def test_rates_of_logits_are_those_of_the_networks_own_outputs(finished):
    bench = finished.bench()
    target = bench.study.targets["cnn"]
    network = timm.create_model("resnet18", num_classes=3, **target.network_args).eval()
    network.load_state_dict(load_file(target.weights))

    def outputs(images):
        with torch.no_grad():
            return network(input_frames(images, target.transform, device="cpu")).numpy()

    probe = finished.table("probe_images", probe="scenes")
    seen = outputs([Image.open(uri).convert("RGB") for uri in probe["uri"]])
    uris = finished.table("pictures").set_index("picture_id")["uri"]
    pictures = pictures_by_concept(finished)
    for row in of(finished, "cnn", "class logits").itertuples():
        values = outputs([bench.images.open(uris[one]) for one in pictures[row.concept]])
        used = list(seen[~probe["is_held_out"].to_numpy(), row.neuron])
        assert_rates(row, values[:, row.neuron], again.percentile_of(used, 99))
        percent = 100 * (1 - max(0.01, row.probe_share))
        matched = again.percentile_of(list(seen[:, row.neuron]), percent)
        assert row.matched_threshold == pytest.approx(matched, abs=1e-5)


@pytest.fixture(scope="module")
def apart(finished, tmp_path_factory):
    """The tiny study, in which no name is near another, with a line that rates can be clear of."""
    lines = "n_reference = 4\nnear_cosine = 1.0\nn_controls = 2"
    lines += "".join(f"\n{name} = {line}" for name, line in LINES.items())
    study = finished.changed(
        tmp_path_factory.mktemp("apart"), {"n_controls = 4\nn_reference = 4": lines}
    )
    study.of_model("vit", "evidence")
    study.of_model("vit", "verdicts", "verdict_controls")
    return study


def test_shuffled_names_are_those_of_others_and_each_is_tried_once(apart):
    tested = apart.table("evidence", model="vit")
    own = set(zip(tested["neuron"], tested["concept"], strict=True))
    rows = of(apart, "vit", "shuffled names")
    given = list(zip(rows["neuron"], rows["concept"], strict=True))
    assert len(given) > 0
    assert len(set(given)) == len(given)
    assert not own & set(given)
    assert set(rows["neuron"]) <= set(tested["neuron"])
    assert set(rows["concept"]) <= set(tested["concept"])


def test_a_shuffled_name_has_the_rate_of_its_new_neuron_on_its_pictures(apart):
    drawn = apart.table("pictures").groupby("prompt")["picture_id"].agg(list)
    seen = apart.table("picture_activations", model="vit")
    seen = seen[seen["weights_hash"] == apart.bench().target_hash("vit")].set_index("picture_id")
    for row in of(apart, "vit", "shuffled names").itertuples():
        values = [seen.loc[one, "activation"][row.neuron] for one in drawn[row.concept]]
        expected = np.mean(np.array(values) > np.float32(row.matched_threshold))
        assert row.matched_ar == pytest.approx(expected)


def test_what_costs_something_is_tried_as_often_as_asked_for(apart):
    counts = of(apart, "vit")["control"].value_counts()
    assert counts["meaningless words"] == counts["random weights"] == 2


def test_with_looks_each_hypothesis_is_tried_on_the_pictures_that_it_was_judged_by(
    finished, tmp_path
):
    looks = {
        "n_images = 3": "n_images = 6\nlooks = [2, 4, 6]",
        "n_controls = 4\nn_reference = 4": "n_reference = 4\nconfidence = 0.5\nn_controls = 2",
    }
    study = finished.anew(tmp_path, looks).everything("vit")

    own = study.table("evidence", model="vit").set_index(["neuron", "concept"])["n_pictures"]
    assert len(set(own)) > 1
    rows = of(study, "vit", "permuted activations").set_index(["neuron", "concept"])
    assert (rows["n_pictures"] == own.loc[rows.index]).all()
    assert set(of(study, "vit", "meaningless words", "random weights")["n_pictures"]) == {6}
    assert study.bench().study.generator.looks == of_recipe(study)["looks"]


def of_recipe(study):
    return verdict_controls.recipe(study.bench(), "vit").settings


def test_meaningless_words_are_the_same_for_all_targets_and_no_concepts(finished):
    words = {
        model: set(of(finished, model, "meaningless words")["concept"]) for model in ("cnn", "vit")
    }
    fewer, more = sorted(words.values(), key=len)
    assert fewer <= more, "a word a neuron"
    assert not more & set(references(finished.bench()))
    drawn = finished.table("pictures")
    assert (drawn[drawn["prompt"].isin(more)].groupby("prompt").size() == 3).all()


def test_logits_are_tried_with_their_own_names(finished):
    found = of(finished, "cnn", "class logits")
    assert found[["neuron", "concept"]].to_numpy().tolist() == [
        [0, "dog"],
        [1, "horse"],
        [2, "grass"],
    ]


def test_verdicts_and_q_values_are_those_of_the_kind_alone(finished):
    for _, rows in finished.table("verdict_controls").groupby(["model", "control", "draw"]):
        expected = stats.false_discovery_control(rows["p_value"], method="bh")
        assert rows["q_value"].tolist() == pytest.approx(expected.tolist())
        assert ((rows["word_rank"] >= 5) == (rows["verdict"] == "untestable")).all()
        is_verified = rows["verdict"] == "verified"
        assert (rows.loc[is_verified, ["reported_ar", "score"]] >= 0.5).all(axis=None)


def test_verdicts_are_those_of_the_stored_evidence(finished, apart):
    for study, lines in ((finished, {}), (apart, LINES)):
        for _, rows in of(study, "vit").groupby(["control", "draw"]):
            assert rows["verdict"].tolist() == again.verdicts_of(rows, **lines)
    assert set(of(finished, "vit")["verdict"]) == {"untestable", "ambiguous"}
    assert set(of(apart, "vit")["verdict"]) == {"verified", "refuted", "ambiguous"}


def test_made_again_they_are_the_same_whatever_the_batch(finished, copied):
    copied.forget("cnn", "verdict_controls")
    copied.of_model("cnn", "verdict_controls", batch_size=7)

    assert_same_rows(of(copied, "cnn"), of(finished, "cnn"), tolerance=1e-4)


def test_a_second_run_makes_nothing(copied, count):
    from sieve_assets.models.target import NeuronTarget  # noqa: PLC0415 (torch is slow)

    looks = count(NeuronTarget, "activations")
    before = copied.table("provenance", stage="verdict_controls")

    copied.of_model("cnn", "verdict_controls")

    assert looks == []
    pd.testing.assert_frame_equal(copied.table("provenance", stage="verdict_controls"), before)


def test_without_controls_asked_for_there_are_none_and_the_reason_is_told(copied, tmp_path):
    folder = tmp_path / "none"
    folder.mkdir()
    study = copied.changed(folder, {"n_controls = 4": "n_controls = 0"})

    result = study.of_model("cnn", "verdict_controls")

    assert of(study, "cnn").empty
    [event] = result.asset_materializations_for_node("verdict_controls")
    assert event.metadata["status"].value == NONE_ASKED


def test_names_for_other_than_all_outputs_are_refused(copied, tmp_path):
    classes = tmp_path / "two.txt"
    classes.write_text("dog\ngrass\n")
    folder = tmp_path / "other"
    folder.mkdir()
    names = str(copied.bench().study.targets["cnn"].class_names)
    study = copied.changed(folder, {names: str(classes)})

    with pytest.raises(ValueError, match="a name for each of the 3 outputs of cnn, got 2"):
        study.of_model("cnn", "verdict_controls")
    assert_same_rows(of(study, "cnn"), of(copied, "cnn"), tolerance=0)
