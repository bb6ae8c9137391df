"""What a neuron's page shows, of facts made by hand and of the tiny study's."""

import json
import re

import numpy as np
import pytest

from sieve_assets.reports.atlas.builder import Builder
from sieve_assets.reports.atlas.neuron_facts import NeuronFacts
from sieve_assets.reports.atlas.neuron_page import Drawn, Shown, map_text, page_context
from sieve_assets.reports.atlas.pages import render
from sieve_assets.reports.atlas.sheets import layout
from sieve_assets.reports.atlas.site import Site, json_text, slug
from sieve_assets.study_targets import Transform
from sieve_assets_tests.studies import DEAD, SPARSE

HOSTILE = "<script>alert(1)</script>"
P99 = 0.5
TRANSFORM = Transform(resize_px=40, crop_px=40, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


def sample(rank, **other):
    """A sample of 200 x 100 pixels without a crop."""
    row = {"rank": rank, "image_id": f"a{rank}", "label": "dog", "activation": 2.0 - rank}
    row |= dict.fromkeys(["x0", "y0", "x1", "y1", "crop_retention", "is_whole_image"])
    row |= {"crop_uri": None, "cluster": None, "width_px": 200, "height_px": 100}
    return {**row, **other}


def judged(concept, **other):
    """What both `evidence` and `revised_names` say of a name."""
    row = dict.fromkeys(
        [
            *("natural_ap", "drawn_ap", "null_ar", "lift", "auc", "mad", "natural_recall"),
            *("natural_precision", "natural_f1", "best_name", "oracle_true"),
        ]
    )
    row |= dict.fromkeys(
        ["activation_rate", "ci_low", "ci_high", "matched_ar", "matched_low", "matched_high"], 0.25
    )
    row |= dict.fromkeys(["p_value", "probe_share", "score"], 0.5)
    row |= dict.fromkeys(["n_reference", "concept_rank", "neuron_rank", "word_rank", "n_shown"], 1)
    row |= {"concept": concept, "n_pictures": 3, "verdict": "refuted", "reason": "seldom fires"}
    return {**row, **other}


def proposed(concept, cluster, *, paper_kept=None):
    return {"concept": concept, "cluster": cluster, "score": 0.5, "paper_kept": paper_kept}


def facts(**other):
    ratio = {"status": "selected", "rule": "ratio", "beta": 3.0, "ratio": float("inf")}
    ratio |= {"is_sparse": True, "median": 0.0, "p99": P99}
    return NeuronFacts(7, ratio, np.arange(100, dtype=np.float32), **other)


def shown(answers=None, name=None, seeds=(0, 1, 2)):
    answers = {key: np.array(some, np.float32) for key, some in (answers or {}).items()}
    drawn = {one: Drawn(one, list(seeds), layout(len(seeds))) for one in answers}
    return Shown("net", 12_000, TRANSFORM, np.zeros((9, 2, 2)), drawn, answers, name)


def tiles(context, at=0):
    return [tuple(one.values())[1:] for one in context["names"][at]["pictures"]["tiles"]]


def box(left, top, width, height):
    return {"left": left, "top": top, "width": width, "height": height}


def test_boxes_are_shares_of_the_square_that_the_image_is_in():
    """Of 200 x 100 the network sees the middle 100 x 100, and the square has grey above."""
    rows = [
        sample(0, x0=50, y0=25, x1=100, y1=75),
        sample(1),
        sample(2, width_px=100, height_px=200, x0=0, y0=50, x1=100, y1=100),
    ]
    found = page_context(facts(samples=rows), shown())["samples"]
    assert [one["frame"] for one in found] == [box(25, 25, 50, 50)] * 3
    assert found[0]["crop"] == box(25, 37.5, 25, 25)
    assert found[1]["crop"] is None
    assert found[2]["crop"] == box(25, 25, 50, 25)


def test_a_map_is_a_digit_a_cell_from_its_least_to_its_most():
    found = map_text(np.array([[-1, 0, 2], [14, 9, 0.4]]))
    assert found == {"rows": 2, "columns": 3, "levels": "013fa1"}


def test_a_map_without_differences_is_all_zeros():
    assert map_text(np.full((2, 2), 3.5))["levels"] == "0000"


def test_a_fine_map_is_averaged():
    coarse = np.random.default_rng(0).random((16, 16)).astype(np.float32)
    fine = coarse.repeat(3, axis=0).repeat(2, axis=1)
    assert map_text(fine) == map_text(coarse)
    flat = map_text(coarse[:3].repeat(2, axis=1))
    assert (flat["rows"], flat["columns"]) == (3, 16)


def test_a_sample_has_the_map_of_its_rank():
    maps = np.zeros((9, 1, 2))
    maps[4] = [[1, 0]]
    found = page_context(
        facts(samples=[sample(4), sample(2)]),
        Shown("net", 8, TRANSFORM, maps, {}, {}, None),
    )
    assert [row["map"]["levels"] for row in found["samples"]] == ["f0", "00"]


def test_the_name_that_is_shown_comes_first_and_the_others_by_score():
    some = facts(evidence=[judged("a"), judged("b"), judged("c")], revised=judged("d"))
    assert [one["concept"] for one in page_context(some, shown())["names"]] == [*"abcd"]
    assert [one["concept"] for one in page_context(some, shown(name="c"))["names"]] == [*"cabd"]


def test_pictures_come_by_activation_and_fire_only_above_the_threshold():
    some = facts(evidence=[judged("a", n_pictures=4)])
    answers = {"a": [0.25, 0.75, np.nextafter(np.float32(P99), np.float32(1)), P99]}
    found = tiles(page_context(some, shown(answers, seeds=[0, 1, 2, 3])))
    assert [(seed, fires) for seed, _, fires in found] == [
        (1, True),
        (2, True),
        (3, False),
        (0, False),
    ]
    assert [activation for _, activation, _ in found] == sorted(answers["a"], reverse=True)


def test_only_pictures_that_the_name_is_judged_by_and_that_were_seen_are_there():
    """Six are drawn, the first three seeds judge, and one of these was not seen."""
    some = facts(evidence=[judged("a")])
    answers = {"a": [1, np.nan, 1, 9, 9, 9]}
    context = page_context(some, shown(answers, seeds=[2, 1, 0, 3, 4, 5]))
    assert tiles(context) == [(0, 1.0, True), (2, 1.0, True)]
    found = context["names"][0]["pictures"]
    assert [one["at"] for one in found["tiles"]] == [2, 0]
    assert found["sheet"] == layout(6)._asdict()


def test_a_name_that_is_a_hypothesis_and_revised_is_judged_as_revised():
    some = facts(
        hypotheses=[proposed("a", 0, paper_kept=True), proposed("a", 2, paper_kept=True)],
        evidence=[judged("a")],
        revised=judged("a", verdict="verified", activation_rate=0.75, oracle_true=True),
    )
    [name] = page_context(some, shown())["names"]
    assert (name["is_hypothesis"], name["is_revised"], name["clusters"]) == (True, True, [0, 2])
    assert (name["verdict"], name["best"]["activation_rate"]) == ("verified", 0.75)
    assert (name["paper_kept"], name["is_true"]) == (True, True)
    assert name["evidence"]["verdict"] == "refuted"


def test_a_name_that_could_not_be_tested_is_shown_without_a_verdict():
    some = facts(hypotheses=[proposed("a", 0)], failure={"stage": "evidence", "reason": "Why."})
    context = page_context(some, shown({"a": [1, 0, 1]}))
    [name] = context["names"]
    assert (name["verdict"], name["best"], name["slug"]) == (None, None, slug("a"))
    assert len(tiles(context)) == 3
    page = render("neuron.html.j2", **context)
    assert "evidence failed for this neuron:</strong> Why. What" in page
    assert f'id="name-{slug("a")}"' in page
    assert "No name was proposed" not in page


def test_clusters_have_their_crops_and_hypotheses():
    rows = [sample(at, cluster=of, crop_uri="x") for at, of in enumerate([1, 0, 1])]
    some = facts(samples=rows, hypotheses=[proposed("a", 0), proposed("b", 1)])
    context = page_context(some, shown())
    assert [(one["cluster"], one["crops"]) for one in context["clusters"]] == [
        (0, [1]),
        (1, [0, 2]),
    ]
    assert [[one["concept"] for one in of["hypotheses"]] for of in context["clusters"]] == [
        ["a"],
        ["b"],
    ]
    assert context["crops_sheet"] == context["samples_sheet"] == layout(3)._asdict()


@pytest.mark.parametrize(
    ("neuron", "before", "after"), [(0, None, "00001"), (11_999, "11998", None)]
)
def test_the_first_and_last_neuron_have_one_neighbour(neuron, before, after):
    some = facts()
    some.neuron = neuron
    context = page_context(some, shown())
    assert (context["before"], context["after"]) == (before, after)


def test_a_hostile_name_appears_only_as_text():
    text = f"{HOSTILE}\"'</style>"
    some = facts(
        samples=[sample(0, image_id=text, label=text, cluster=0, crop_uri="x")],
        hypotheses=[proposed(text, 0)],
        evidence=[judged(text, best_name=text + "!", reason=text)],
        failure={"stage": "evidence", "reason": text},
    )
    context = page_context(some, shown({text: [1, 0, 1]}))
    page = render("neuron.html.j2", **context)
    assert HOSTILE not in page
    assert "</style>" not in page.split("</head>")[1]
    assert page.count("&lt;script&gt;alert(1)") > 5
    for value in re.findall(r'(?:style|aria-label|title|href|id)="([^"]*)"', page):
        assert "<" not in value


@pytest.fixture(scope="module", params=["cnn", "vit"])
def contexts(materials, request, tmp_path_factory):
    """The target's material and all its neurons' contexts."""
    material = materials[request.param]
    builder = Builder(material, Site(tmp_path_factory.mktemp("site"), {}), "", {})
    some = builder.facts(range(material.width))
    return material, [page_context(one, builder._shown(one)) for one in some]


def test_a_context_is_what_json_can_say(contexts):
    for context in contexts[1]:
        said = json.loads(json_text(context))
        assert said["bins"] == context["bins"]
        assert sum(said["bins"]["counts"]) == said["n_images"] == 60


def test_pages_of_all_neurons_say_what_the_tables_say(contexts, finished):
    material, found = contexts
    rates = finished.table("evidence", model=material.model).set_index(["neuron", "concept"])
    for context in found:
        page = render("neuron.html.j2", **context)
        for name in context["names"]:
            assert f'id="name-{name["slug"]}"' in page
            fires = [one["fires"] for one in name["pictures"]["tiles"]]
            assert np.mean(fires) == pytest.approx(name["best"]["activation_rate"])
            if name["is_hypothesis"]:
                own = rates.loc[context["neuron"], name["concept"]]
                assert np.mean(fires) == pytest.approx(own["activation_rate"])
        assert page.count('class="tile sample"') == len(context["samples"])


def test_dead_and_sparse_neurons_are_told(materials, tmp_path):
    builder = Builder(materials["cnn"], Site(tmp_path, {}), "", {})
    dead, sparse = (
        render("neuron.html.j2", **page_context(one, builder._shown(one)))
        for one in builder.facts([DEAD, SPARSE])
    )
    assert "Dead: it has the same activation on all 60 probe images" in dead
    assert "∞" in sparse
