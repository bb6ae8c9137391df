"""Each living neuron has the best name of all that was drawn, with a verdict like any other."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import stats
from sklearn.metrics import average_precision_score

from sieve_assets.assets.probe_embeddings import read_embeddings
from sieve_assets.assets.revised_names import NOT_ASKED
from sieve_assets.method.oracle_rates import oracle_scores
from sieve_assets.study_file import load_study
from sieve_assets.terrarium.captions import concept_named, truth_table
from sieve_assets.terrarium.oracle_scenes import SceneSet, draw_images
from sieve_assets_tests.assets.test_failing_neurons import conduct
from sieve_assets_tests.assets.test_soundness import too_high
from sieve_assets_tests.methods import N_UNBIASED, known_truth
from sieve_assets_tests.studies import BY_NEURON, CONCEPTS, assert_same_rows

PAIR = ["model", "neuron", "concept"]
SOME_CONFIDENCE = "n_reference = 4\nconfidence = 0.3\nn_controls = 0\nmin_score = 0.995"
"""With so little confidence three pictures are clear; few names are nearly the best in both."""
LOOKS = {
    "n_images = 3": "n_images = 6\nlooks = [2, 4, 6]",
    "n_controls = 4\nn_reference = 4": "n_reference = 4\nconfidence = 0.5\nn_controls = 0",
}


def seen(study, model, number=3):
    """What loops need: `{concept: pictures}` and the vectors of words, pictures and images."""
    chosen = {*study.table("reference_pictures", model=model)["concept"]}
    drawn = {
        name: list(rows.query("seed < 6" if name in chosen else f"seed < {number}")["picture_id"])
        for name, rows in study.table("pictures").groupby("prompt")
        if name in {*chosen, *study.table("concept_hypotheses", model=model)["concept"]}
    }
    vectors = study.table("picture_embeddings").set_index("picture_id")["embedding"]
    texts = study.bench().vision_language.embed_texts(CONCEPTS).astype(float)
    return (
        drawn,
        dict(zip(CONCEPTS, texts, strict=True)),
        vectors.map(lambda vector: vector.astype(float)).to_dict(),
        read_embeddings(study.bench(), model).astype(float),
    )


def scores_by_loops(study, model, number=3):
    """`{neuron: {concept: (score, natural_ap, drawn_ap)}}` of the concepts that can be drawn."""
    drawn, texts, vectors, images = seen(study, model, number)
    answers = study.table("picture_activations", model=model).set_index("picture_id")["activation"]
    all_pictures = [(name, one) for name, pictures in drawn.items() for one in pictures]
    weights = [max(map(len, drawn.values())) / len(drawn[name]) for name, _ in all_pictures]
    shown, drawable = {}, []
    for name, pictures in drawn.items():
        line = np.percentile([vectors[one] @ texts[name] for one in pictures], 5)
        is_drawn = [own == name or vectors[one] @ texts[name] >= line for own, one in all_pictures]
        shown[name] = (images @ texts[name] >= line, is_drawn)
        mean = np.mean([vectors[one] for one in pictures], axis=0)
        if sum(mean @ text > mean @ texts[name] + 1e-12 for text in texts.values()) < 5:
            drawable.append(name)
    found = {}
    for row in study.table("neuron_activations", model=model).itertuples():
        of_pictures = [answers[one][row.neuron] for _, one in all_pictures]
        natural = {one: average_precision_score(shown[one][0], row.activation) for one in drawable}
        in_bank = {
            one: average_precision_score(shown[one][1], of_pictures, sample_weight=weights)
            for one in drawable
        }
        best = max(natural.values()), max(in_bank.values())
        found[row.neuron] = {
            one: ((natural[one] / best[0] + in_bank[one] / best[1]) / 2, natural[one], in_bank[one])
            for one in drawable
        }
    return found


def assert_best_of_all(study, model, number=3):
    scores = scores_by_loops(study, model, number)
    rows = study.table("revised_names", model=model)
    for row in rows.itertuples():
        ranked = sorted(scores[row.neuron].items(), key=lambda one: -one[1][0])
        expected = dict(ranked)[row.concept]
        assert row.score == pytest.approx(ranked[0][1][0])
        assert (row.score, row.natural_ap, row.drawn_ap) == pytest.approx(expected)
        assert row.runner_up_score == pytest.approx(ranked[1][1][0])
        assert dict(ranked)[row.runner_up][0] == pytest.approx(ranked[1][1][0])
        assert row.concept != row.runner_up
    return rows


def test_every_neuron_that_is_not_dead_has_one_name(finished):
    ratios = finished.table("neuron_ratios")
    living = ratios[ratios["status"] != "dead"]
    rows = finished.table("revised_names")
    assert rows[["model", "neuron"]].equals(living[["model", "neuron"]].reset_index(drop=True))
    assert set(ratios["status"]) == {"dead", "low_contrast", "selected"}


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_the_name_is_the_best_of_all_that_was_drawn_for_the_target(finished, model):
    rows = assert_best_of_all(finished, model)
    assert set(rows["n_candidates"]) == {len(seen(finished, model)[0])}
    assert set(rows["is_new"]) == {True, False}


def test_a_name_is_new_if_it_is_none_of_the_neurons_hypotheses(finished):
    own = set(finished.table("concept_hypotheses")[PAIR].itertuples(index=False, name=None))
    for row in finished.table("revised_names").itertuples():
        assert row.is_new == ((row.model, row.neuron, row.concept) not in own)


def test_the_evidence_on_a_hypothesis_is_what_is_stored_of_it(finished):
    rows = finished.table("revised_names").merge(finished.table("evidence"), on=PAIR)
    assert len(rows) == (~finished.table("revised_names")["is_new"]).sum() > 0
    shared = [name.removesuffix("_x") for name in rows.columns if name.endswith("_x")]
    assert {"matched_ar", "p_value", "word_rank", "reported_ar"} < set(shared)
    for name in set(shared) - {"score", "drawn_ap"}:  # which are among all candidates
        np.testing.assert_allclose(rows[f"{name}_x"], rows[f"{name}_y"], err_msg=name)


def test_rates_of_new_names_are_those_of_the_names_pictures(finished):
    ratios = finished.table("neuron_ratios").set_index(["model", "neuron"])["p99"]
    for row in finished.table("revised_names", is_new=True).itertuples():
        drawn = finished.table("pictures", prompt=row.concept).sort_values("seed")["picture_id"]
        answers = finished.table("picture_activations", model=row.model).set_index("picture_id")
        values = [answers.loc[one, "activation"][row.neuron] for one in drawn]
        of_matched = [value > np.float32(row.matched_threshold) for value in values]
        assert row.n_pictures == len(drawn) == 3
        assert row.activation_rate == np.mean(np.array(values) > ratios[row.model, row.neuron])
        assert row.matched_ar == np.mean(of_matched)
        assert row.reported_ar == np.mean(of_matched[1::2])


def verdict_of(row, how):
    if row.word_rank >= how.n_best_words:
        return "untestable"
    if row.matched_low < how.min_rate <= row.matched_high:
        return "ambiguous"
    is_good = row.reported_ar >= how.min_rate and row.score >= how.min_score
    return "verified" if is_good and row.q_value <= how.max_q else "refuted"


def test_verdicts_are_by_the_rule_and_q_values_over_the_targets_names(copied, tmp_path):
    folder = tmp_path / "clear"
    folder.mkdir()
    study = copied.changed(folder, {"n_controls = 4\nn_reference = 4": SOME_CONFIDENCE})
    for model in ("cnn", "vit"):
        study.of_model(model, "activation_rates", "evidence")
        study.of_model(model, "revised_names")
        rows = study.table("revised_names", model=model)
        expected = stats.false_discovery_control(rows["p_value"], method="bh")
        assert rows["q_value"].tolist() == pytest.approx(expected.tolist())
    rows = study.table("revised_names")
    for row in rows.itertuples():
        assert row.verdict == verdict_of(row, study.bench().study.verify)
        assert len(row.reason) > 10
    assert set(rows["verdict"]) == {"verified", "refuted"}


def test_with_looks_candidates_are_held_by_the_first_and_names_judged_by_as_many_as_needed(
    finished, tmp_path
):
    study = finished.anew(tmp_path, LOOKS).everything("cnn")
    rows = assert_best_of_all(study, "cnn", number=2)
    own = study.table("evidence", model="cnn").set_index(PAIR)["n_pictures"]
    for row in rows.itertuples():
        assert row.is_new or row.n_pictures == own[row.model, row.neuron, row.concept]
        bank = study.table("pictures", prompt=row.concept)
        assert row.n_pictures in {2, 4, 6}
        assert row.n_pictures <= len(bank)


PLACES = ["sky", "brick", "night", "snow"]


def test_the_truth_of_a_name_is_the_embedded_worlds(copied, tmp_path):
    folder, names = tmp_path / "places", tmp_path / "places.txt"
    folder.mkdir()
    names.write_text("\n".join(PLACES))
    study = copied.changed(folder, {str(copied.bench().study.concepts.file): str(names)})
    with known_truth():  # of the CNN's images alone
        for stages in (["reference_pictures"], BY_NEURON, ["revised_names"]):
            study.of_model("cnn", *stages)

    scenes = SceneSet(None, N_UNBIASED).scenes()
    pictures = [Image.fromarray(picture) for picture in draw_images(scenes)]
    answers = study.bench().target("cnn").activations(pictures)
    table = truth_table(scenes, tuple(concept_named(name) for name in PLACES))
    chance = oracle_scores(
        answers.T.copy(), table, n_shuffles=20, generator=np.random.default_rng(0)
    ).shuffled_f1
    rows = study.table("revised_names", model="cnn")
    for row in rows.itertuples():
        order = sorted(range(N_UNBIASED), key=lambda at, n=row.neuron: (-answers[at, n], at))
        f1 = []
        for name in PLACES:
            members = {at for at in order if concept_named(name).is_true_of(scenes[at])}
            f1.append(len(members & set(order[: len(members)])) / len(members))
        place = PLACES.index(row.concept)
        is_true = f1[place] >= max(f1) / 2 and f1[place] > chance[row.neuron, place]
        assert row.oracle_true == is_true
    assert set(rows["oracle_true"]) == {True, False}
    assert study.table("revised_names", model="vit")["oracle_true"].isna().all()


def test_it_is_one_more_method_whose_names_are_compared(methods):
    names = methods.table("explanations", explainer="sieve_revised")
    rows = methods.table("revised_names")
    assert names[[*PAIR, "score"]].equals(rows[[*PAIR, "score"]])
    assert set(names["place"]) == {0}
    judged = methods.table("compared_evidence")[PAIR].itertuples(index=False, name=None)
    assert {*rows[PAIR].itertuples(index=False, name=None)} <= {*judged}


def test_not_asked_for_there_are_none_and_the_reason_is_told(copied, tmp_path):
    folder = tmp_path / "none"
    folder.mkdir()
    study = copied.changed(folder, {"n_reference = 4": "n_reference = 4\nrevise = false"})

    result = study.of_model("cnn", "revised_names")

    assert study.table("revised_names", model="cnn").empty
    assert len(study.table("revised_names", model="vit")) == 8
    [event] = result.asset_materializations_for_node("revised_names")
    assert event.metadata["status"].value == NOT_ASKED


def test_the_paper_has_no_revised_names(study_folder):
    text = study_folder.file.read_text()
    assert load_study(study_folder.file).verify.revise
    study_folder.file.write_text(f'profile = "paper"\n{text}')
    assert not load_study(study_folder.file).verify.revise


def test_a_neuron_that_cannot_be_relied_on_has_none_until_it_is_mended(finished, copied):
    mend = too_high(copied)  # of neuron 4
    copied.of_model("cnn", "activation_rates")
    copied.of_model("cnn", "revised_names")
    assert copied.table("revised_names", model="cnn")["neuron"].tolist() == [1, 2, 3, 5]

    mend()
    assert conduct(copied, ["cnn"]) == {}
    assert_same_rows(copied.table("revised_names"), finished.table("revised_names"), tolerance=1e-5)


def test_a_neuron_that_comes_later_makes_them_again(finished, copied):
    later = pd.DataFrame({"model": ["cnn"], "neuron": [4]})
    for table in ("evidence", "provenance"):
        copied.delete(table, later)
    copied.of_model("cnn", "revised_names")
    without = copied.table("revised_names", model="cnn")
    copied.of_model("cnn", *BY_NEURON, neurons=[4])
    copied.of_model("cnn", "revised_names")

    expected = finished.table("revised_names")
    assert without["n_candidates"].iloc[0] < expected["n_candidates"].iloc[0]
    assert_same_rows(copied.table("revised_names"), expected, tolerance=1e-5)


def test_a_second_run_makes_nothing_and_made_again_they_are_the_same(finished, copied):
    before = copied.table("provenance", stage="revised_names")
    copied.of_model("cnn", "revised_names")
    pd.testing.assert_frame_equal(copied.table("provenance", stage="revised_names"), before)

    copied.forget("cnn", "revised_names")
    copied.of_model("cnn", "revised_names", batch_size=7)
    assert_same_rows(copied.table("revised_names"), finished.table("revised_names"), tolerance=1e-5)


def test_without_anything_drawn_there_is_no_name(copied, tmp_path):
    folder = tmp_path / "nothing"
    folder.mkdir()
    nothing = {"n_reference = 4": "n_reference = 0", "beta_signed = 1.6": "beta_signed = 1000.0"}
    study = copied.changed(folder, nothing)
    study.of_model("vit", "reference_pictures")
    study.of_model("vit", *BY_NEURON)
    study.of_model("vit", "revised_names")
    assert study.table("concept_hypotheses", model="vit").empty
    assert set(study.table("revised_names")["model"]) == {"cnn"}
