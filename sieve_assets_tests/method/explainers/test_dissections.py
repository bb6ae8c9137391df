"""Several neurons' names in one pass are those of the methods, one neuron and range at a time."""

import numpy as np
import pytest

from sieve_assets.method.explainers.compositional import activation_ranges
from sieve_assets.method.explainers.concept_masks import present_concepts
from sieve_assets.method.explainers.dissections import Dissection, neuron_ranges

N_IMAGES, N_NEURONS, SIDE = 12, 4, 6
NAMES = ["owl", "cat", "night", "snow", "beak"]
ALWAYS_0, HALF = 1, 3
"""A neuron that is always 0, and one that is never negative."""


def generators(count=N_NEURONS):
    return (np.random.default_rng(seed) for seed in range(count))


@pytest.fixture(scope="module")
def maps():
    found = np.random.default_rng(1).standard_normal((N_NEURONS, N_IMAGES, 3, 3))
    found[ALWAYS_0] = 0
    found[HALF] = found[HALF].clip(0)
    return found.astype(np.float32)


@pytest.fixture(scope="module")
def masks():
    """[image concept row column]; there is an image without concepts."""
    found = np.random.default_rng(2).random((N_IMAGES, len(NAMES), SIDE, SIDE)) < 0.2
    found[5] = False
    return found


@pytest.fixture(scope="module")
def thresholds(maps):
    return np.quantile(maps.reshape(N_NEURONS, -1), 0.9, axis=1).astype(np.float64)


@pytest.fixture(scope="module")
def ranges(maps):
    return neuron_ranges(maps.reshape(N_NEURONS, -1), n_ranges=3, generators=generators())


@pytest.fixture(scope="module")
def dissection(maps, masks, thresholds, ranges):
    return dissected(maps, masks, thresholds, ranges)


def dissected(maps, masks, thresholds, ranges):
    found = Dissection(thresholds=thresholds, ranges=ranges, n_concepts=len(NAMES), categories=None)
    for image in range(maps.shape[1]):
        found.add(maps[:, image], present_concepts(masks[image]))
    return found


def frames_of(maps, neuron):
    """Interpolated along rows, then along columns; a cell's centre is in the middle of 2 pixels."""
    pixels, cells = (np.arange(SIDE) + 0.5) / 2 - 0.5, np.arange(3)
    wide = np.apply_along_axis(lambda row: np.interp(pixels, cells, row), 2, maps[neuron])
    return np.apply_along_axis(lambda column: np.interp(pixels, cells, column), 1, wide)


def iou(one, other):
    return (one & other).sum() / max((one | other).sum(), 1)


def best_formula(hit, masks, beam_size, max_length):
    """Beam search over all pixels: the text, its overlap; of equal ones the first and shortest."""
    columns = {name: masks[:, place] for place, name in enumerate(NAMES)}
    beam = kept([(name, columns[name], {name}, "") for name in NAMES], hit, beam_size)
    for _ in range(max_length - 1):
        longer = [
            joined(parent, operator, name, columns[name])
            for parent in beam
            for name in NAMES
            for operator in ("OR", "AND", "AND NOT")
            if name not in parent[2]
        ]
        beam = kept(beam + longer, hit, beam_size)
    return (beam[0][0], iou(beam[0][1], hit)) if beam else (None, 0)


def joined(parent, operator, name, column):
    text, mask, names, last = parent
    left = text if last in {"", operator} else f"({text})"
    found = {"OR": mask | column, "AND": mask & column, "AND NOT": mask & ~column}[operator]
    return f"{left} {operator} {name}", found, names | {name}, operator


def kept(formulas, hit, beam_size):
    """The best of those that share a pixel, one for each set of pixels."""
    sharing = [one for one in formulas if (one[1] & hit).any()]
    distinct = {}
    for one in sorted(sharing, key=lambda formula: -iou(formula[1], hit)):
        distinct.setdefault(one[1].tobytes(), one)
    return list(distinct.values())[:beam_size]


def test_labels_are_the_concepts_with_the_largest_overlap_over_all_pixels(
    dissection, maps, masks, thresholds
):
    found = dissection.labels(NAMES, min_iou=0.07)
    assert found.names == tuple(NAMES)
    for neuron in range(N_NEURONS):
        hit = frames_of(maps, neuron) > thresholds[neuron]
        overlaps = [
            (hit & masks[:, concept]).sum() / (hit | masks[:, concept]).sum()
            for concept in range(len(NAMES))
        ]
        assert found.scores[neuron, 0] == pytest.approx(max(overlaps))
        best = int(np.argmax(overlaps)) if max(overlaps) > 0.07 else -1
        assert found.concepts[neuron].tolist() == [best]
    assert {-1} < set(found.concepts[:, 0].tolist())


@pytest.mark.parametrize(("beam_size", "max_length"), [(5, 1), (5, 2), (5, 3), (1, 3), (3, 4)])
def test_formulas_are_those_of_each_mask_alone_the_highest_range_first(
    dissection, maps, masks, thresholds, ranges, beam_size, max_length
):
    settings = {"beam_size": beam_size, "max_length": max_length}
    strongest, of_ranges = dissection.formulas(NAMES, **settings)
    for neuron in range(N_NEURONS):
        frames = frames_of(maps, neuron)
        above = [frames > thresholds[neuron]]
        within = [(frames >= low) & (frames <= high) for low, high in ranges[neuron]]
        for named, hits in ((strongest, above), (of_ranges, within)):
            for place, hit in enumerate(hits):
                text, overlap = best_formula(hit, masks, **settings)
                concept = named.concepts[neuron, place]
                assert (named.names[concept] if concept >= 0 else None) == text
                assert named.scores[neuron, place] == pytest.approx(overlap)
    assert of_ranges.concepts.shape == (N_NEURONS, 3)
    assert of_ranges.concepts[ALWAYS_0].tolist() == [-1] * 3
    assert of_ranges.scores[ALWAYS_0].tolist() == [0] * 3


def test_ranges_are_each_neurons_own_and_missing_ones_are_nan(maps, ranges):
    values, found = maps.reshape(N_NEURONS, -1), ranges
    assert np.isnan(found[ALWAYS_0]).all()
    others = np.delete(found, ALWAYS_0, axis=0)
    assert (others[:, :-1, 0] > others[:, 1:, 1]).all()
    assert (found[HALF] > 0).all()
    np.testing.assert_array_equal(others[:, 0, 1], np.delete(values, ALWAYS_0, axis=0).max(axis=1))
    for neuron in (0, 2, HALF):
        own = np.random.default_rng(neuron)
        alone = activation_ranges(values[neuron], n_ranges=3, generator=own)
        np.testing.assert_array_equal(found[neuron], alone[::-1])


def test_neurons_do_not_depend_on_those_beside_them(dissection, maps, masks, thresholds, ranges):
    alone = dissected(maps[2:3], masks, thresholds[2:3], ranges[2:3])
    together = dissection.formulas(NAMES, beam_size=5, max_length=3)
    mine_alone = alone.formulas(NAMES, beam_size=5, max_length=3)
    for mine, all_of_them in zip(mine_alone, together, strict=True):
        np.testing.assert_array_equal(mine.scores[0], all_of_them.scores[2])
        assert [mine.names[one] for one in mine.concepts[0]] == [
            all_of_them.names[one] for one in all_of_them.concepts[2]
        ]


def test_one_concept_is_a_formula_of_itself():
    found = Dissection(
        thresholds=np.zeros(1), ranges=np.array([[[0.5, 1.0]]]), n_concepts=1, categories=None
    )
    found.add(np.ones((1, 1, 1)), present_concepts(np.ones((1, 2, 2), bool)))
    strongest, of_ranges = found.formulas(["owl"], beam_size=1, max_length=3)
    assert strongest.names == of_ranges.names == ("owl",)
    assert strongest.scores.tolist() == of_ranges.scores.tolist() == [[1.0]]


def test_images_without_a_neuron_give_no_names():
    found = dissected(
        np.empty((0, 1, 2, 2)),
        np.ones((1, len(NAMES), 4, 4), bool),
        np.empty(0),
        np.empty((0, 2, 2)),
    )
    strongest, of_ranges = found.formulas(NAMES, beam_size=1, max_length=1)
    assert found.labels(NAMES, min_iou=0.04).concepts.shape == (0, 1)
    assert (strongest.concepts.shape, of_ranges.concepts.shape) == ((0, 1), (0, 2))


def test_ranges_of_other_neurons_are_refused(unchecked):
    with pytest.raises(ValueError, match=r"^Dissection: .* got 2 in thresholds, 1 in ranges\. "):
        unchecked(Dissection.__init__)(
            object.__new__(Dissection),
            thresholds=np.zeros(2),
            ranges=np.zeros((1, 1, 2)),
            n_concepts=1,
            categories=None,
        )
