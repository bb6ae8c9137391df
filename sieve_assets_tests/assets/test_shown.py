"""Pictures of partitions: who has some, how large they are, and that damage costs nothing else."""

import base64
import io
import re

import dagster as dg
import pandas as pd
import pytest
from PIL import Image

from sieve_assets.assets import shown
from sieve_assets.assets.ablation import ablation
from sieve_assets.assets.beta_sweep import beta_sweep
from sieve_assets.assets.method_comparison import method_comparison, score_truth
from sieve_assets.assets.neuron_ablation import neuron_ablation
from sieve_assets.assets.partitions import OF_A_MODEL, Share
from sieve_assets.stores.warehouse import Replacement
from sieve_assets_tests.compared_rows import (
    TWENTY,
    comparison_of,
    scores_of,
    store_comparison,
)
from sieve_assets_tests.neuron_ablation_rows import neuron_ablation_of, store_neuron_ablation
from sieve_assets_tests.shift_rows import shift_of, store_shift
from sieve_assets_tests.step_rows import ablation_of, store_steps, sweep_of

MARKDOWN = re.compile(r"!\[([^\]]+)\]\(data:image/(webp|png);base64,([A-Za-z0-9+/=]+)\)")
CROPS, TESTS = "strongest crops by cluster", "pictures by name (green: fires; AR at the right)"
CONTRASTS, RATES = "contrasts of all neurons", "activation rates of all names"
TRUTH = "activation rates against the truth"
RATES_OF_METHODS = {"mean AR by method", "mean AR by coverage"}
each_sheet = pytest.mark.parametrize(
    ("draw", "name", "table"),
    [
        (shown.crop_pictures, CROPS, "patch_embeddings"),
        (shown.test_pictures, TESTS, "generated_image_sets"),
    ],
    ids=["crops", "tests"],
)


def share_of(study, model="cnn", neurons=None):
    width = study.bench().study.targets[model].width
    return Share(model, list(range(width)) if neurons is None else neurons, [])


def opened(markdown):
    """Size in bytes, kind and picture of a line of Markdown that is one picture."""
    found = MARKDOWN.fullmatch(markdown)
    content = base64.b64decode(found[3], validate=True)
    image = Image.open(io.BytesIO(content))
    image.load()
    assert image.format.lower() == found[2]
    return len(content), found[2], image


def n_colours(image):
    return len(image.convert("RGB").getcolors(image.width * image.height))


@each_sheet
@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_each_neuron_with_rows_has_a_sheet_within_its_bytes(finished, draw, name, table, model):
    found = draw(finished.bench(), share_of(finished, model))

    assert set(found) == set(finished.table(table, model=model)["neuron"])
    for pictures in found.values():
        assert set(pictures) == {name}
        n_bytes, kind, image = opened(pictures[name])
        assert kind == "webp"
        assert 0 < n_bytes <= shown.SHEET_BYTES
        assert n_colours(image) > 100, "something is drawn on it"


@each_sheet
def test_only_neurons_of_the_share_are_drawn_and_look_alike_alone(finished, draw, name, table):
    del name, table
    together = draw(finished.bench(), share_of(finished))

    assert draw(finished.bench(), share_of(finished, neurons=[3])) == {3: together[3]}
    assert draw(finished.bench(), share_of(finished, neurons=[0, 2])) == {}
    assert together[3] != together[5]


@each_sheet
def test_with_fewer_bytes_a_sheet_shows_less_and_with_next_to_none_there_is_none(
    finished, monkeypatch, draw, name, table
):
    del table
    sizes = {}
    for most in (20, 900, 1600):
        monkeypatch.setattr(shown, "SHEET_BYTES", most)
        found = draw(finished.bench(), share_of(finished))
        sizes[most] = {neuron: opened(one[name])[0] for neuron, one in found.items()}

    assert sizes[20] == {}
    assert sizes[900].keys() == sizes[1600].keys() == {1, 3, 4, 5}
    for neuron, size in sizes[900].items():
        assert size <= 900 < sizes[1600][neuron]


@each_sheet
@pytest.mark.parametrize("harm", ["cut", "lost"])
def test_a_damaged_picture_gives_no_sheets_and_no_exception(copied, draw, name, table, harm):
    del name
    uri = copied.table(table, model="cnn", neuron=4)["uri"].iloc[0]
    path = copied.bench().images.root / uri
    content = path.read_bytes()
    path.unlink() if harm == "lost" else path.write_bytes(content[:60])

    assert draw(copied.bench(), share_of(copied)) == {}
    path.write_bytes(content)
    assert 4 in draw(copied.bench(), share_of(copied))


@each_sheet
def test_other_faults_than_damage_are_not_hidden(finished, monkeypatch, draw, name, table):
    del name, table

    def refuse(*_inputs, **_options):
        raise TypeError("a fault of ours")

    monkeypatch.setattr("sieve_assets.stores.images.ImageStore.open", refuse)
    with pytest.raises(TypeError, match="a fault of ours"):
        draw(finished.bench(), share_of(finished))


@pytest.mark.parametrize(
    ("stage", "name"), [("concept_hypotheses", CROPS), ("activation_rates", TESTS)]
)
def test_a_partition_shows_the_sheet_of_its_neuron(copied, stage, name):
    result = copied.of_model("cnn", stage)

    expected = shown.crop_pictures if name == CROPS else shown.test_pictures
    sheets = expected(copied.bench(), share_of(copied))
    told = {
        int(event.partition.rpartition("|")[2]): event.metadata[name]
        for event in result.asset_materializations_for_node(stage)
        if name in event.metadata
    }
    assert told == {neuron: dg.MetadataValue.md(one[name]) for neuron, one in sheets.items()}
    assert set(told) == {1, 3, 4, 5}


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_a_target_has_its_figures_within_their_bytes(finished, model):
    found = shown.target_pictures(finished.bench(), Share(model, [OF_A_MODEL], []))

    assert set(found) == {OF_A_MODEL}
    assert set(found[OF_A_MODEL]) == {CONTRASTS, RATES}
    for markdown in found[OF_A_MODEL].values():
        n_bytes, kind, image = opened(markdown)
        assert kind == "png"
        assert 0 < n_bytes <= shown.FIGURE_BYTES
        assert image.size == (420, 240)
        assert n_colours(image) >= 4


def test_figures_are_of_their_own_target_and_of_what_they_say(finished):
    figures = [
        one
        for model in ("cnn", "vit")
        for one in shown.target_pictures(finished.bench(), Share(model, [OF_A_MODEL], []))[
            OF_A_MODEL
        ].values()
    ]

    assert len(set(figures)) == 4


def test_a_target_without_names_shows_its_contrasts_alone(copied):
    names = copied.table("verified_concepts", model="cnn")
    copied.delete("verified_concepts", names.filter(["model", "neuron", "cluster", "concept"]))

    found = shown.target_pictures(copied.bench(), Share("cnn", [OF_A_MODEL], []))

    assert set(found[OF_A_MODEL]) == {CONTRASTS}


def test_of_a_target_that_nothing_is_stored_of_there_is_nothing_to_show(empty):
    of_all, of_target = share_of(empty), Share("cnn", [OF_A_MODEL], [])

    for draw in (shown.crop_pictures, shown.test_pictures):
        assert draw(empty.bench(), of_all) == {}
    for draw in (shown.target_pictures, shown.truth_pictures):
        assert draw(empty.bench(), of_target) == {OF_A_MODEL: {}}


def test_rates_are_shown_against_the_truth_where_it_is_known(copied):
    share = Share("cnn", [OF_A_MODEL], [])
    assert shown.truth_pictures(copied.bench(), share) == {OF_A_MODEL: {}}
    rates = copied.table("activation_rates", model="cnn")
    known = rates.filter(["model", "neuron", "cluster", "concept", "threshold"]).assign(
        is_of_world=True,
        n_scenes=8,
        oracle_ar=0.25,
        oracle_f1=0.5,
        shuffled_f1=0.1,
        best_f1=0.5,
        best_concept="cat",
        oracle_true=True,
    )
    scope = pd.DataFrame({"model": ["cnn"]})
    copied.bench().warehouse.replace(Replacement("oracle_rates", known, scope))

    found = shown.truth_pictures(copied.bench(), share)

    assert set(found[OF_A_MODEL]) == {TRUTH}
    n_bytes, kind, _ = opened(found[OF_A_MODEL][TRUTH])
    assert (kind, n_bytes <= shown.FIGURE_BYTES) == ("png", True)
    assert shown.truth_pictures(copied.bench(), Share("vit", [OF_A_MODEL], [])) == {OF_A_MODEL: {}}


def test_methods_are_shown_by_rates_and_where_truth_is_known_by_it_and_scores(copied):
    share, warehouse = Share("cnn", [OF_A_MODEL], []), copied.bench().warehouse
    for draw in (shown.comparison_pictures, shown.score_pictures):
        assert draw(copied.bench(), share) == {OF_A_MODEL: {}}

    store_comparison(warehouse, comparison_of("cnn", TWENTY), scores_of("cnn"))
    found = {
        **shown.comparison_pictures(copied.bench(), share)[OF_A_MODEL],
        **shown.score_pictures(copied.bench(), share)[OF_A_MODEL],
    }

    assert set(found) == {*RATES_OF_METHODS, "true names by recall", "which number to trust"}
    for markdown in found.values():
        n_bytes, kind, image = opened(markdown)
        assert (kind, n_bytes <= shown.COMPARISON_BYTES) == ("webp", True)
        assert n_colours(image) >= 4

    unknown = comparison_of("cnn", TWENTY, is_known=False)
    store_comparison(warehouse, unknown, scores_of("cnn", {}))
    assert set(shown.comparison_pictures(copied.bench(), share)[OF_A_MODEL]) == RATES_OF_METHODS
    assert shown.score_pictures(copied.bench(), share) == {OF_A_MODEL: {}}


def test_steps_and_thresholds_are_shown_and_two_neurons_that_one_tells_apart(copied):
    share, warehouse = Share("cnn", [OF_A_MODEL], []), copied.bench().warehouse
    assert shown.ablation_pictures(copied.bench(), share) == {OF_A_MODEL: {}}

    store_steps(warehouse, ablation_of("cnn"), sweep_of("cnn"))
    found = {
        **shown.ablation_pictures(copied.bench(), share)[OF_A_MODEL],
        **shown.sweep_pictures(copied.bench(), share)[OF_A_MODEL],
    }

    assert set(found) == {
        "mean AR with and without a step",
        "mean AR and coverage by threshold",
        "a selected neuron and one of low contrast",
    }
    for markdown in found.values():
        n_bytes, kind, image = opened(markdown)
        assert (kind, n_bytes <= shown.COMPARISON_BYTES) == ("webp", True)
        assert n_colours(image) >= 4


def test_the_stages_that_compare_show_their_figures():
    assert ablation.pictures is shown.ablation_pictures
    assert beta_sweep.pictures is shown.sweep_pictures
    assert method_comparison.pictures is shown.comparison_pictures
    assert score_truth.pictures is shown.score_pictures


def test_a_target_shows_what_its_classes_lose_if_some_do(copied):
    store_neuron_ablation(copied.bench().warehouse, neuron_ablation_of("cnn"))

    found = shown.neuron_ablation_pictures(copied.bench(), share_of(copied))

    size, kind, _ = opened(found[OF_A_MODEL]["accuracy that classes lose"])
    assert (size <= shown.COMPARISON_BYTES, kind) == (True, "webp")
    assert neuron_ablation.pictures is shown.neuron_ablation_pictures
    other = share_of(copied, "vit")
    assert shown.neuron_ablation_pictures(copied.bench(), other) == {OF_A_MODEL: {}}


def test_a_target_shows_its_names_on_images_of_another_kind(copied):
    store_shift(copied.bench().warehouse, shift_of("cnn"))

    found = shown.shift_pictures(copied.bench(), share_of(copied))

    assert opened(found[OF_A_MODEL]["names on images of another kind"])[1] == "webp"
    assert shown.shift_pictures(copied.bench(), share_of(copied, "vit")) == {OF_A_MODEL: {}}
