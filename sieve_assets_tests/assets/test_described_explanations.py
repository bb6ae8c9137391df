"""Describe-and-Dissect as a stage: candidates from words or captions, the best by pictures."""

import numpy as np
import pytest

from sieve_assets.assets.described_explanations import described_explanations
from sieve_assets.assets.hypothesize import embed_concepts, neuron_generator
from sieve_assets.assets.lineage import Lineage
from sieve_assets.assets.partitions import Share
from sieve_assets.assets.records import NeuronFailuresError
from sieve_assets.method.explainers import candidate_concepts as candidates
from sieve_assets.method.explainers.describe_and_dissect import candidate_scores
from sieve_assets.models.captioner import TransformersCaptioner
from sieve_assets.models.generator import DiffusersGenerator
from sieve_assets.models.target import NeuronTarget
from sieve_assets.study_compare import Described
from sieve_assets.study_file import load_study
from sieve_assets.study_problems import StudyError
from sieve_assets_tests.studies import assert_same_rows
from sieve_assets_tests.text_checkpoints import save_captioner, save_language_model

SETTINGS = """\
n_reference = 4

[compare.described]
n_images = 5
n_candidates = 4
n_pictures = 4
n_best = 2
n_strongest = 6
n_names = 2
"""
CNN = ("cnn|0000", "cnn|0005")


def run(study, first=CNN[0], last=CNN[1], **options):
    return study.run("described_explanations", first=first, last=last, **options)


def other_folder(tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def compared(finished, tmp_path_factory):
    """The tiny study with names of both targets, candidates among the concept set."""
    folder = tmp_path_factory.mktemp("described")
    study = finished.changed(folder, {"n_reference = 4\n": SETTINGS})
    run(study)
    run(study, "vit|0000", "vit|0007")
    return study


@pytest.fixture(scope="module")
def writers(tmp_path_factory):
    """Lines of a study file that name a captioner and a language model."""
    folder = tmp_path_factory.mktemp("writers")
    captioner = save_captioner(folder / "captioner")
    language_model = save_language_model(folder / "language")
    return f'captioner = "{captioner}"\n', f'language_model = "{language_model}"\n'


def with_writers(study, folder, *lines):
    section = "[compare.described]\n"
    return study.changed(folder, {section: section + "".join(lines)})


def selected(study, model):
    patches = study.table("patch_embeddings", model=model)
    return {neuron: rows.sort_values("rank")[:5] for neuron, rows in patches.groupby("neuron")}


def expected_names(study, model, neuron, patches, words):
    """[(name, score), ...] of a neuron, its candidates' pictures seen one by one."""
    bench = study.bench()
    bank = study.table("pictures").set_index(["prompt", "seed"])["uri"]
    pictures = [[bench.images.open(bank[word, seed]) for seed in range(4)] for word in words]
    found = candidate_scores(
        np.array(
            [[bench.target(model).activations([one])[0, neuron] for one in own] for own in pictures]
        ),
        np.array(
            [[bench.vision_language.embed_images([one])[0] for one in own] for own in pictures]
        ),
        np.stack(list(patches["embedding"])),
        n_best=2,
        n_strongest=6,
    ).scores
    order = sorted(range(len(words)), key=lambda place: -found[place])[:2]
    return [(words[place], found[place]) for place in order]


def assert_names(study, model, words_of):
    rows = study.table("described_explanations", model=model)
    chosen = selected(study, model)
    assert set(rows["neuron"]) == set(chosen)
    assert set(rows["explainer"]) == {"describe_and_dissect"}
    for neuron, patches in chosen.items():
        own = rows[rows["neuron"] == neuron]
        expected = expected_names(study, model, neuron, patches, words_of(neuron, patches))
        assert own["place"].tolist() == list(range(len(expected)))
        assert own["concept"].tolist() == [name for name, _ in expected]
        np.testing.assert_allclose(own["score"], [score for _, score in expected], atol=1e-4)


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_without_a_captioner_candidates_are_the_words_nearest_to_the_patches(compared, model):
    texts = embed_concepts(compared.bench())

    def words_of(_neuron, patches):
        embeddings, vectors = (np.stack(list(x)) for x in (patches["embedding"], texts.values()))
        return [list(texts)[at] for at in candidates.nearest_words(embeddings, vectors, count=4)]

    assert_names(compared, model, words_of)


def test_names_are_among_all_explanations_and_neurons_not_selected_have_none(compared):
    found = compared.table("explanations", explainer="describe_and_dissect")
    assert len(found) == len(compared.table("described_explanations"))
    notes = compared.table("provenance", stage="described_explanations", model="cnn")
    without = set(notes["neuron"]) - set(selected(compared, "cnn"))
    assert without
    assert (notes.set_index("neuron").loc[list(without), "n_rows"] == 0).all()


def test_captions_are_candidates_where_there_is_no_language_model(compared, tmp_path, writers):
    study = with_writers(compared, other_folder(tmp_path), writers[0])
    run(study)
    bench = study.bench()
    captioner = bench.captioner(bench.study.compare.described.captioner)

    def words_of(_neuron, patches):
        captions = captioner.captions([bench.images.open(uri) for uri in patches["uri"]])
        return candidates.most_frequent(captions, count=4)

    assert_names(study, "cnn", words_of)
    assert study.table("described_explanations", model="cnn")["concept"].nunique() > 1


def test_a_language_model_makes_concepts_of_captions(compared, tmp_path, writers):
    study = with_writers(compared, other_folder(tmp_path), *writers)
    run(study)
    bench = study.bench()
    how = bench.study.compare.described

    def words_of(neuron, patches):
        pictures = [bench.images.open(uri) for uri in patches["uri"]]
        captions = bench.captioner(how.captioner).captions(pictures)
        generator = neuron_generator(bench.study.seed, "cnn", int(neuron))
        prompts = candidates.merging_prompts(captions, count=4, generator=generator)
        answers = bench.language_model(how.language_model).answers(prompts)
        return candidates.merged_concepts(answers)

    assert_names(study, "cnn", words_of)


def test_pictures_are_those_of_the_shared_bank(compared, finished, count):
    """Those drawn for hypotheses are not drawn again; of each candidate there are four."""
    bank, before = compared.table("pictures"), finished.table("pictures")
    known = set(before["picture_id"])
    assert known < set(bank["picture_id"])
    new = bank[~bank["picture_id"].isin(known)]
    shared = set(before["prompt"]) & set(new["prompt"])
    assert shared
    assert set(new.loc[new["prompt"].isin(shared), "seed"]) == {3}
    drawn, looked_at = count(DiffusersGenerator, "draw"), count(NeuronTarget, "activations")
    compared.forget("cnn", "described_explanations")
    run(compared)
    assert drawn == looked_at == []


def test_a_neuron_run_alone_gives_the_same_rows(compared, tmp_path, writers):
    together = with_writers(compared, other_folder(tmp_path), *writers)
    run(together)
    before = together.table("described_explanations")
    neuron = int(before.loc[before["model"] == "cnn", "neuron"].max())
    together.forget("cnn", "described_explanations", neurons=[neuron])
    run(together, f"cnn|{neuron:04d}", f"cnn|{neuron:04d}", batch_size=1)
    assert_same_rows(together.table("described_explanations"), before, tolerance=1e-5)


def test_a_second_run_makes_nothing(compared, count):
    looked_at = count(NeuronTarget, "activations")
    before = compared.table("provenance", stage="described_explanations")
    run(compared)
    after = compared.table("provenance", stage="described_explanations")
    assert looked_at == []
    assert after["recorded_at"].tolist() == before["recorded_at"].tolist()


def change(bench):
    share = Share("cnn", [3], ["cnn|0003"])
    return Lineage(bench, described_explanations, share).change(described_explanations, 3)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("n_names = 2", "n_names = 3"),
        ("n_images = 5", "n_images = 4"),
        ("n_pictures = 4", "n_pictures = 3"),
        ("steps = 2", "steps = 3"),
        ("size_px = 64\n", 'size_px = 64\nprompt = "one {}"\n'),
        ("[vision_language]", 'template = "a {}"\n\n[vision_language]'),
    ],
)
def test_other_settings_make_the_names_stale(compared, tmp_path, old, new):
    assert change(compared.changed(other_folder(tmp_path), {old: new}).bench()).kind == "settings"
    assert change(compared.bench()) is None


def test_other_files_of_a_captioner_make_the_names_stale(compared, tmp_path, writers):
    described = with_writers(compared, other_folder(tmp_path), writers[0])
    assert change(described.bench()).kind == "model"
    run(described)
    assert change(described.bench()) is None
    words = {"[vision_language]": 'template = "a {}"\n\n[vision_language]'}
    assert change(described.edited(words).bench()) is None  # no word of the concept set is read
    folder = save_captioner(tmp_path / "silent", is_silent=True)
    other = described.edited({writers[0]: f'captioner = "{folder}"\n'})
    assert change(other.bench()).kind == "model"


def test_a_captioner_that_says_nothing_fails_every_neuron_and_keeps_what_is_stored(
    compared, tmp_path
):
    folder = save_captioner(tmp_path / "silent", is_silent=True)
    silent = with_writers(compared, other_folder(tmp_path), f'captioner = "{folder}"\n')
    before = silent.table("described_explanations")
    with pytest.raises(NeuronFailuresError, match=r"expected a text with a word, got none"):
        run(silent, "cnn|0003", "cnn|0003")
    assert_same_rows(silent.table("described_explanations"), before, tolerance=0)


def test_a_neuron_without_a_caption_does_not_stop_the_others(
    compared, tmp_path, writers, monkeypatch
):
    study = with_writers(compared, other_folder(tmp_path), writers[0])
    unlucky = max(selected(study, "cnn"))
    images = study.bench().images
    first = images.open(selected(study, "cnn")[unlucky]["uri"].iloc[0])
    captions = TransformersCaptioner.captions

    def silent_for_one(self, pictures):
        is_its = bool(pictures) and pictures[0].tobytes() == first.tobytes()
        return [""] * len(pictures) if is_its else captions(self, pictures)

    monkeypatch.setattr(TransformersCaptioner, "captions", silent_for_one)
    before = study.table("described_explanations", model="cnn", neuron=unlucky)
    run(study)
    assert study.table("failures", stage="described_explanations")["neuron"].tolist() == [unlucky]
    after = study.table("described_explanations", model="cnn", neuron=unlucky)
    assert_same_rows(after, before, tolerance=0)
    others = study.table("provenance", stage="described_explanations", model="cnn")
    assert others["n_rows"].sum() > len(after)


def test_a_captioner_that_cannot_be_loaded_ends_the_run(compared, tmp_path):
    folder = save_language_model(tmp_path / "words")
    wrong = with_writers(compared, other_folder(tmp_path), f'captioner = "{folder}"\n')
    with pytest.raises(ValueError, match=r"load_captioner: expected a model"):
        run(wrong)
    assert wrong.table("failures").empty


def test_a_target_without_a_selected_neuron_needs_no_model(compared, tmp_path, count):
    nobody = compared.changed(other_folder(tmp_path), {"beta = 1.12": "beta = 1e9"})
    stages = ("neuron_ratios", "selected_samples", "patch_embeddings")
    nobody.of_model("cnn", *stages, neurons=[4, 5])
    looked_at = count(NeuronTarget, "activations")
    run(nobody, "cnn|0004", "cnn|0005")
    assert looked_at == []
    rows = nobody.table("described_explanations", model="cnn")
    assert not set(rows["neuron"]) & {4, 5}


def test_one_concept_is_the_name_of_every_neuron(compared, tmp_path):
    one = {'file = "': 'words = ["fish"]\n# file = "'}
    study = compared.changed(other_folder(tmp_path), one)
    run(study)
    rows = study.table("described_explanations", model="cnn")
    assert set(rows["concept"]) == {"fish"}
    assert set(rows["place"]) == {0}


def test_a_language_model_without_a_captioner_is_refused(compared, tmp_path, writers):
    section = "[compare.described]\n"
    study = compared.anew(other_folder(tmp_path), {section: section + writers[1]})
    with pytest.raises(StudyError, match=r"expected a captioner beside a language model"):
        load_study(study.file)
    assert Described().captioner is Described().language_model is None
