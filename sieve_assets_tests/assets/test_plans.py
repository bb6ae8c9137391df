"""Plans before anything, half-way and at the end, held against what the stages then did."""

import pytest

from sieve_assets.assets.hypothesize import concept_names
from sieve_assets.assets.picture_bank import generator_name
from sieve_assets.assets.plans import make_plans
from sieve_assets.assets.rehearsal import Rehearsal
from sieve_assets.models.generator import DiffusersGenerator
from sieve_assets.models.target import NeuronTarget
from sieve_assets_tests.studies import BY_NEURON, WORLD_PROBE

SELECT = BY_NEURON[: BY_NEURON.index("selected_samples") + 1]
HYPOTHESIZE = BY_NEURON[len(SELECT) : BY_NEURON.index("concept_hypotheses") + 1]


def amounts(plan):
    """What is planned, by stage and quantity."""
    assert not plan.problem
    return {(one.stage, one.quantity): one.amount for one in plan.work}


def planned(study, *models):
    return [amounts(plan) for plan in make_plans(study.bench(), models)]


@pytest.fixture
def probed(empty):
    """The tiny study after its probe pass and the selection."""
    for model in ("cnn", "vit"):
        empty.of_model(model, "probe_images", "probe_pass")
        empty.of_model(model, *SELECT)
    return empty


def test_before_anything_counts_are_exact_and_the_rest_is_said_to_be_an_estimate(empty, finished):
    cnn, vit = planned(empty)

    assert cnn["probe_images", "images to list"].expected == 60
    assert cnn["probe_pass", "forward passes"] == (60, 60, "counted")
    assert cnn["probe_activations", "bytes"] == (6 * 60 * 4, 6 * 60 * 4, "counted")
    assert vit["probe_images", "partitions"].most == 0, "it is listed with the cnn"
    for model, found in (("cnn", cnn), ("vit", vit)):
        ratios = finished.table("neuron_ratios", model=model)
        n_selected = (ratios["status"] == "selected").sum()
        assert found["neuron_ratios", "neurons selected"] == (n_selected, len(ratios), "estimated")
        crops = found["patch_embeddings", "forward passes"]
        assert crops == (6 * n_selected, 6 * len(ratios), "estimated")
        concepts = finished.table("concept_hypotheses", model=model)["concept"].nunique()
        assert concepts <= found["concept_hypotheses", "distinct concepts"].most
        assert found["generated_image_sets", "pictures to draw"].most <= 3 * 12
        assert found["generated_image_sets", "seconds"].expected > 0
    assert not empty.table("pictures").size, "what was tried is not stored"


def test_after_the_selection_neurons_and_crops_are_counted(probed, count):
    cnn, vit = planned(probed)

    for model, found in (("cnn", cnn), ("vit", vit)):
        n_selected = (probed.table("neuron_ratios", model=model)["status"] == "selected").sum()
        assert found["neuron_ratios", "neurons selected"] == (n_selected, n_selected, "counted")
        assert found["patch_embeddings", "forward passes"].basis == "counted"
        assert ("probe_pass", "forward passes") not in found
    looks = count(NeuronTarget, "activations")
    probed.of_model("cnn", "patch_embeddings")
    assert sum(looks) == cnn["patch_embeddings", "forward passes"].expected


def test_with_hypotheses_the_pictures_are_counted_and_just_these_are_drawn(probed, count):
    for model in ("cnn", "vit"):
        probed.of_model(model, *HYPOTHESIZE)

    found = dict(zip(("cnn", "vit"), planned(probed), strict=True))

    drawn, looks = count(DiffusersGenerator, "draw"), count(NeuronTarget, "activations")
    for model in ("cnn", "vit"):
        probed.of_model(model, "reference_pictures")
        of_references = found[model]["reference_pictures", "pictures to draw"]
        assert of_references == (sum(drawn), sum(drawn), "counted")
        drawn.clear()
        probed.of_model(model, "generated_image_sets")
        to_draw = found[model]["generated_image_sets", "pictures to draw"]
        assert to_draw == (sum(drawn), sum(drawn), "counted")
        concepts = probed.table("concept_hypotheses", model=model)["concept"].nunique()
        assert found[model]["concept_hypotheses", "distinct concepts"] == (
            *(concepts, concepts),
            "counted",
        )
        in_bank = found[model]["generated_image_sets", "pictures in the bank"].expected
        assert in_bank == 3 * concepts - sum(drawn)
        drawn.clear()
        looks.clear()
        probed.of_model(model, "activation_rates")
        assert found[model]["activation_rates", "forward passes"] == (
            *(sum(looks), sum(looks)),
            "counted",
        )


def test_more_pictures_a_concept_are_those_that_the_bank_lacks(copied):
    study = copied.edited({"n_images = 3": "n_images = 5"})
    n_concepts = study.table("pictures")["prompt"].nunique()

    cnn, vit = planned(study)

    stages = ("reference_pictures", "generated_image_sets", "verdict_controls")
    pictures = [found[stage, "pictures to draw"] for found in (cnn, vit) for stage in stages]
    assert [one.basis for one in pictures] == ["counted"] * 6
    assert sum(one.expected for one in pictures) == 2 * n_concepts
    rates = cnn["activation_rates", "partitions"]
    assert rates == (6, 6, "at most"), "they are made again if the pictures are others"


def test_other_words_are_estimated_from_what_the_clusters_are(copied):
    (copied.file.parent / "few.txt").write_text("dog\nmoon\nmars\n")
    concepts = f'file = "{copied.bench().study.concepts.file}"'
    study = copied.edited({concepts: 'file = "few.txt"', "n_reference = 4": "n_reference = 0"})

    [cnn] = planned(study, "cnn")

    bench = study.bench()
    in_bank = study.table("pictures", prompt="dog", generator=generator_name(bench))
    to_draw = cnn["generated_image_sets", "pictures to draw"]
    assert len(concept_names(bench.study)) == 3
    assert to_draw.most == 9 - len(in_bank)
    assert 0 < to_draw.expected <= to_draw.most
    assert to_draw.basis == "estimated"


def test_what_is_drawn_for_the_references_is_not_drawn_for_hypotheses(copied):
    (copied.file.parent / "few.txt").write_text("dog\nmoon\nmars\n")
    concepts = f'file = "{copied.bench().study.concepts.file}"'

    [cnn] = planned(copied.edited({concepts: 'file = "few.txt"'}), "cnn")

    in_bank = len(copied.table("pictures", prompt="dog"))
    assert cnn["reference_pictures", "pictures to draw"] == (9 - in_bank, 9 - in_bank, "counted")
    assert cnn["generated_image_sets", "pictures to draw"].most == 0
    embeddings = cnn["evidence", "embeddings"]
    assert embeddings.expected == 9 - in_bank, "the bank's own have been embedded"


def test_nothing_to_do_is_no_plan_and_loads_no_model(copied, monkeypatch):
    monkeypatch.setattr(Rehearsal, "sample", property(lambda _: pytest.fail("it was measured")))

    plans = make_plans(copied.bench())

    assert [(plan.model, plan.work, plan.problem) for plan in plans] == [
        ("cnn", [], ""),
        ("vit", [], ""),
    ]
    assert not copied.table("plans").size


def test_a_target_that_cannot_be_planned_is_told_and_hides_no_other(empty):
    study = empty.edited({'layer = "layer4"': 'layer = "layer9"'})

    cnn, vit = make_plans(study.bench())

    assert "layer9" in cnn.problem
    assert vit.work
    assert list(study.table("plans")["model"]) == ["vit"]


def test_activations_that_the_rule_refuses_are_found_before_the_pass(empty):
    study = empty.edited({'rule = "signed"': 'rule = "ratio"'})

    [vit] = make_plans(study.bench(), ["vit"])

    assert "expected activations of at least 0 under the ratio rule" in vit.problem


def test_scenes_with_a_known_truth_are_planned(empty, tmp_path):
    study = empty.anew(tmp_path, WORLD_PROBE)

    [cnn] = planned(study, "cnn")

    assert cnn["probe_images", "bytes"].expected > 9 * 100
    scenes = cnn["oracle_rates", "forward passes"]
    assert 20_000 < scenes.expected <= scenes.most <= 20_000 + 12 * 500
