"""Names of a network's outputs against their classes' own, pair by pair and by method."""

import numpy as np
import pandas as pd
import pytest

from sieve_assets.assets import class_agreement
from sieve_assets.assets.staleness import find_stale, stale_table
from sieve_assets.models.sentence_model import SentenceTransformersModel
from sieve_assets_tests import counted_names as counted
from sieve_assets_tests.methods import COMPARED, OF_COMPARISON, draw_lots
from sieve_assets_tests.studies import BY_NEURON, FIRST, JUDGED, OF_CNN
from sieve_assets_tests.text_checkpoints import save_sentence_model

CLASSES = ["a dog on grass", "cat, house cat", "Sky"]
NAMES = ["house cat", "dog", "penguin", "fish", "sky", "brick", "water"]
STAGES = ("compared_classes", "class_agreement")
HEAD = """[targets.head]
network = "timm:resnet18"
network_args = {{channels = [4, 4, 8, 6], layers = [1, 1, 1, 1], output_stride = 8}}
weights = "{root}/cnn.safetensors"
n_classes = 3
class_names = "{folder}/classes.txt"
layer = "fc"
reducer = "none"
width = 3
maps = "class_activation"
rule = "signed"
{rest}

[probes.scenes]"""


@pytest.fixture(scope="module")
def classes(finished, tmp_path_factory):
    """The tiny study with the CNN's logits as a target, all of whose names are judged."""
    folder = tmp_path_factory.mktemp("classes")
    (folder / "classes.txt").write_text("\n".join(CLASSES))
    (folder / "names.txt").write_text("\n".join(NAMES))
    save_sentence_model(folder / "sentences")
    [[old, new]] = COMPARED.items()
    rest = OF_CNN.removeprefix('rule = "ratio"\n')
    changes = {
        old: f'{new}\n\n[compare]\ntext_model = "{folder}/sentences"\n',
        str(finished.bench().study.concepts.file): f"{folder}/names.txt",
        "[probes.scenes]": HEAD.format(root=finished.file.parent, folder=folder, rest=rest),
        "beta_signed = 1.6": "beta_signed = 0.5",
    }
    study = finished.changed(folder, changes)
    for stage in (*FIRST, *BY_NEURON, *JUDGED, *OF_COMPARISON):
        study.of_model("head", stage)
    draw_lots(study, "head")
    return study


def cosine(model, *texts):
    one, other = (model.embed_texts([text])[0].astype(float) for text in texts)
    return float(one @ other)


def test_each_judged_name_is_held_against_its_class_in_both_spaces(classes):
    rows, bench = classes.table("compared_classes"), classes.bench()
    spaces = {
        "clip": bench.vision_language,
        "text": bench.sentence_model(bench.study.compare.text_model),
    }

    judged = classes.table("compared_evidence", model="head")
    key = ["model", "neuron", "concept"]
    assert rows[key].equals(judged[key])
    assert len(rows) > 3
    for row in rows.to_dict("records"):
        own = row["neuron"]
        assert row["class_name"] == CLASSES[own]
        for space, model in spaces.items():
            cosines = [cosine(model, row["concept"], one) for one in CLASSES]
            assert row[f"{space}_cos"] == pytest.approx(cosines.pop(own), abs=1e-5)
            assert row[f"{space}_others"] == pytest.approx(np.mean(cosines), abs=1e-5)
    assert set(rows["text_model"]) == {"sentences"}


def test_a_name_that_its_class_lists_is_told(classes):
    rows = classes.table("compared_classes")
    own = {(1, "house cat"), (2, "sky")}
    told = rows[rows["is_class_name"]]
    assert {*zip(told["neuron"], told["concept"], strict=True)} <= own
    bench = classes.bench()
    pairs = pd.DataFrame(
        {"model": "head", "neuron": [0, 1, 2], "concept": ["dog", *NAMES[:1], "sky"]}
    )
    found = class_agreement.class_rows(bench, pairs, CLASSES)
    assert found["is_class_name"].tolist() == [False, True, True]


@pytest.mark.parametrize("space", ["clip", "text"])
def test_means_are_over_each_neurons_one_name_as_where_rates_are_compared(classes, space):
    cosines = classes.table("compared_classes").set_index(["neuron", "concept"])
    names = counted.judged_names(classes, "head")
    rates = classes.table("method_comparison", model="head").set_index("explainer")
    rows = classes.table("class_agreement").set_index(["explainer", "chosen"])

    assert {explainer for explainer, _ in rows.index} == set(rates.index)
    assert rates["verified_coverage"].max() > 0
    for explainer, some in names.items():
        kinds = {
            "first": counted.first_names(some),
            "kept": counted.kept_names(some),
            "verified": counted.verified_names(some),
        }
        for chosen, these in kinds.items():
            pairs = [(one["neuron"], one["concept"]) for one in these]
            row = rows.loc[(explainer, chosen)]
            own = [cosines.loc[pair, f"{space}_cos"] for pair in pairs]
            assert row["n_named"] == len(pairs)
            assert row[f"{space}_cos"] == pytest.approx(counted.mean_of(own), nan_ok=True)
            [ends] = counted.intervals_of(own, generator=counted.draws())
            found = [row[f"{space}_cos_low"], row[f"{space}_cos_high"]]
            assert found == pytest.approx(ends, nan_ok=True)
            others = [cosines.loc[pair, f"{space}_others"] for pair in pairs]
            assert row[f"{space}_others"] == pytest.approx(counted.mean_of(others), nan_ok=True)
            same = [cosines.loc[pair, "is_class_name"] for pair in pairs]
            assert row["same_share"] == pytest.approx(counted.mean_of(same), nan_ok=True)
        coverage = rates.loc[explainer, ["coverage", "kept_coverage", "verified_coverage"]]
        found = [rows.loc[(explainer, one), "coverage"] for one in ("first", "kept", "verified")]
        assert found == pytest.approx(list(coverage))


def test_a_target_whose_neurons_are_no_classes_has_no_rows_and_says_so(methods):
    for stage in (class_agreement.compared_classes, class_agreement.class_agreement):
        assert methods.table(stage.name).empty
        assert len(methods.table("provenance", stage=stage.name)) == 2
        assert stage.recipe(methods.bench(), "vit").status == "neurons are no classes"


def test_without_a_sentence_model_there_is_no_text_cosine(classes, tmp_path):
    folder = classes.bench().study.compare.text_model
    study = classes.changed(tmp_path, {f'text_model = "{folder}"\n': ""})
    before = study.table("compared_classes")

    study.of_model("head", STAGES[0])
    study.of_model("head", STAGES[1])

    rows, means = (study.table(name) for name in STAGES)
    absent = ["text_cos", "text_others", "text_model"]
    assert rows[absent].isna().all(axis=None)
    assert rows.drop(columns=absent).equals(before.drop(columns=absent))
    assert means.filter(like="text").isna().all(axis=None)
    assert means.loc[means["n_named"] > 0, "clip_cos"].notna().all()


def test_a_second_run_embeds_nothing(classes, tmp_path, count):
    study = classes.changed(tmp_path)
    embedded = count(SentenceTransformersModel, "embed_texts")

    for stage in STAGES:
        study.of_model("head", stage)

    assert not embedded


def test_other_classes_or_another_model_make_the_names_stale(classes, tmp_path):
    study = classes.changed(tmp_path)
    assert stale(study).isdisjoint(STAGES)

    (tmp_path / "classes.txt").write_text("dog\ncat\nsky")
    named = classes.bench().study.targets["head"].class_names
    renamed = study.edited({str(named): f"{tmp_path}/classes.txt"})
    assert "compared_classes" in stale(renamed)
    model = save_sentence_model(tmp_path / "others")
    (model / "1_Pooling" / "config.json").write_text('{"word_embedding_dimension": 16}')
    folder = classes.bench().study.compare.text_model
    other = study.edited({str(folder): str(model), f"{tmp_path}/classes.txt": str(named)})
    assert "compared_classes" in stale(other)


def stale(study):
    found = stale_table(find_stale(study.bench(), ["head"]))
    return set() if found.empty else set(found["stage"])


def test_a_class_too_few_is_refused_and_leaves_what_is_stored(classes, tmp_path):
    (tmp_path / "classes.txt").write_text("dog\ncat\n")
    named = classes.bench().study.targets["head"].class_names
    study = classes.changed(tmp_path, {str(named): f"{tmp_path}/classes.txt"})
    before = study.table("compared_classes")

    with pytest.raises(ValueError, match=r"expected 3 lines, one a neuron, got 2 in .*classes"):
        study.of_model("head", STAGES[0])

    assert study.table("compared_classes").equals(before)
