"""Everything that is known of a hypothesis, put together from what the models saw."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from sieve_assets.method.evidence import Hypotheses, evidence, matched_intervals
from sieve_assets_tests.seen_worlds import (
    N_PICTURES,
    SETTINGS,
    precisions_of,
    rank_of,
    scores_by_loops,
    shown_in,
    small_world,
    with_fewer,
    without,
)


def wilson(fires):
    return stats.binomtest(int(sum(fires)), len(fires)).proportion_ci(0.95, method="wilson")


def on_own_pictures(seen, studied, concept):
    """Columns that follow from the pictures of the concept, one by one, and from other pictures."""
    neuron = seen.studied[studied]

    def fires(one, of=neuron):
        return [value > seen.thresholds[of] for value in seen.pictures[seen.drawn_for == one, of]]

    rates = {
        one: np.mean(fires(one))
        for one in np.flatnonzero(seen.is_reference)
        if seen.texts[concept] @ seen.texts[one] < 0.9
    }
    own, null = np.mean(fires(concept)), np.mean(list(rates.values()))
    return {
        "activation_rate": own,
        "n_pictures": N_PICTURES,
        **dict(zip(("ci_low", "ci_high"), wilson(fires(concept)), strict=True)),
        "ar_to_decide": np.mean(fires(concept)[::2]),
        "ar_to_report": np.mean(fires(concept)[1::2]),
        "n_reference": len(rates),
        "null_ar": null,
        "lift": own - null,
        "p_value": (1 + sum(rate >= own for rate in rates.values())) / (1 + len(rates)),
        "concept_rank": sum(rate > own for rate in rates.values()),
        "best_reference": max(rates, key=rates.__getitem__),
        "best_reference_ar": max(rates.values()),
        "neuron_rank": sum(np.mean(fires(concept, of=one)) > own for one in range(5)),
    }


def on_natural_images(seen, studied, concept, *, tail):
    """Columns that need the probe images, of which each shows the concept or does not."""
    cosines = seen.image_cosines[:, concept]
    activations = seen.probe[studied].astype(float)
    own = seen.pictures[seen.drawn_for == concept, seen.studied[studied]].astype(float)
    truth = shown_in(seen, cosines, concept)
    threshold = np.float32(np.quantile(activations, 1 - max(tail, truth.mean())))
    n_both = sum(one > threshold and shows for one, shows in zip(activations, truth, strict=True))
    is_drawn = np.repeat([1, 0], [len(own), len(activations)])
    return {
        "probe_share": truth.mean(),
        "expected_ar": min(1, tail / truth.mean()),
        "matched_threshold": threshold,
        "matched_ar": np.mean(own > threshold),
        **dict(zip(("matched_low", "matched_high"), wilson(own > threshold), strict=True)),
        "reported_ar": np.mean(own[1::2] > threshold),
        "n_shown": sum(truth),
        "natural_recall": n_both / sum(truth),
        "natural_precision": n_both / sum(activations > threshold),
        "natural_f1": f1_score(truth, activations > threshold),
        "natural_correlation": stats.pearsonr(activations, cosines).statistic,
        "natural_ap": average_precision_score(truth, activations),
        "auc": roc_auc_score(is_drawn, np.concatenate([own, activations])),
        "mad": (own.mean() - activations.mean()) / activations.std(),
    }


@pytest.mark.parametrize(("seed", "tail"), [(0, 0.1), (1, 0.1), (2, 0.4), (3, 0.4)])
def test_columns_agree_with_loops_scipy_and_scikit_learn(seed, tail):
    hypotheses, seen = small_world(seed)
    found = evidence(hypotheses, seen, SETTINGS._replace(percentile=100 - 100 * tail))
    for row, pair in enumerate(zip(*hypotheses, strict=True)):
        expected = on_own_pictures(seen, *pair) | on_natural_images(seen, *pair, tail=tail)
        assert set(found) - set(expected) == {"word_rank", "drawn_ap", "score", "best_name"}
        for name, value in expected.items():
            assert found[name][row] == pytest.approx(value), name


def test_scores_are_relative_to_the_best_drawable_name_among_references_and_own():
    hypotheses, seen = small_world()
    found = evidence(hypotheses, seen, SETTINGS)
    for row, (studied, concept) in enumerate(zip(*hypotheses, strict=True)):
        mine = [one for pair, one in zip(*hypotheses, strict=True) if pair == studied]
        names = sorted({0, 2, 3, *mine})
        _, drawn = precisions_of(seen, studied, names)
        scores = scores_by_loops(seen, studied, names)
        assert found["word_rank"][row] == rank_of(seen, concept)
        assert found["drawn_ap"][row] == pytest.approx(drawn[concept])
        assert found["score"][row] == pytest.approx(scores.get(concept, 0.0))
        assert found["best_name"][row] == max(scores, key=scores.__getitem__)


def test_other_neurons_and_the_order_of_hypotheses_make_no_difference():
    hypotheses, seen = small_world()
    whole = evidence(hypotheses, seen, SETTINGS)
    turned = evidence(Hypotheses(*(part[::-1] for part in hypotheses)), seen, SETTINGS)
    alone = evidence(
        Hypotheses(np.array([0, 0]), np.array([0, 1])),
        seen._replace(studied=seen.studied[2:], probe=seen.probe[2:]),
        SETTINGS,
    )
    for name, values in whole.items():
        np.testing.assert_array_equal(values[::-1], turned[name], err_msg=name)
        np.testing.assert_array_equal(values[3:], alone[name], err_msg=name)


def test_without_references_a_neuron_has_its_own_names_only():
    hypotheses, seen = small_world()
    found = evidence(hypotheses, seen._replace(is_reference=np.zeros(5, bool)), SETTINGS)
    assert found["n_reference"].tolist() == [0] * 5
    assert found["best_reference"].tolist() == [-1] * 5
    assert found["p_value"].tolist() == [1.0] * 5
    assert found["best_name"][2] in (4, -1)


def test_inputs_are_unchanged():
    hypotheses, seen = small_world()
    copies = [part.copy() for part in (*hypotheses, *seen)]
    evidence(hypotheses, seen, SETTINGS)
    for before, now in zip(copies, (*hypotheses, *seen), strict=True):
        np.testing.assert_array_equal(before, now)


def test_refuses_what_it_cannot_judge(unchecked):
    hypotheses, seen = small_world()
    nothing = Hypotheses(*(part[:0] for part in hypotheses))
    with pytest.raises(ValueError, match="at least one of the hypotheses, got none"):
        evidence(nothing, seen, SETTINGS)
    with pytest.raises(ValueError, match="as many in each of pictures, drawn_for"):
        unchecked(evidence)(hypotheses, seen._replace(drawn_for=seen.drawn_for[1:]), SETTINGS)


def test_one_neuron_may_have_fewer_pictures_of_a_concept_than_another():
    hypotheses, seen = small_world()
    several = hypotheses._replace(concept=np.array([1, 2, 4, 0, 5]))
    found = evidence(several, with_fewer(seen, 1, 2), SETTINGS)
    whole, fewer = (
        evidence(hypotheses, seen, SETTINGS),
        evidence(hypotheses, without(seen, 1, 2), SETTINGS),
    )
    assert found["n_pictures"].tolist() == [6, 6, 6, 6, 2]
    for name, values in found.items():
        expected = np.append(whole[name][:3], fewer[name][3:])
        same = np.where(values == 5, 1, values) if name == "best_name" else values
        np.testing.assert_allclose(same, expected, err_msg=name)


def test_intervals_alone_are_those_of_the_evidence_and_need_no_references():
    hypotheses, seen = small_world()
    found = evidence(hypotheses, seen, SETTINGS)
    alone = matched_intervals(
        hypotheses, seen._replace(is_reference=np.zeros(5, dtype=bool)), SETTINGS
    )
    np.testing.assert_array_equal(alone.low, found["matched_low"])
    np.testing.assert_array_equal(alone.high, found["matched_high"])
