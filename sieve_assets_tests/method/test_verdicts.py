"""Each verdict follows from the first rule that applies, and says why."""

import numpy as np
import pytest

from sieve_assets.method.verdicts import Evidence, is_reporting, q_values, verdicts

GOOD = {
    "concept": "owl",
    "n_pictures": 24,
    "word_rank": 0,
    "rate": 0.9,
    "low": 0.7,
    "high": 0.97,
    "reported_rate": 0.92,
    "q_value": 0.01,
    "score": 0.9,
    "best_name": "bird",
}


def evidence_of(*rows):
    columns = {name: [row[name] for row in rows] for name in GOOD}
    names = ("concept", "best_name")
    return Evidence(
        **{name: values if name in names else np.array(values) for name, values in columns.items()}
    )


def judged(*changes, min_rate=0.5, n_best_words=5, min_score=0.5, max_q=0.05):
    found = verdicts(
        evidence_of(*[GOOD | change for change in changes]),
        min_rate=min_rate,
        n_best_words=n_best_words,
        min_score=min_score,
        max_q=max_q,
    )
    return list(zip(found.verdict, found.reason, strict=True))


@pytest.mark.parametrize(
    ("change", "verdict", "reason"),
    [
        ({}, "verified", "fires on 90% of 24 pictures (70% to 97%), and says when it fires"),
        ({"word_rank": 4}, "verified", "score 0.90"),
        ({"word_rank": 5}, "untestable", "5 words fit its pictures better than 'owl'"),
        ({"word_rank": -1}, "untestable", "words fit its pictures better"),
        ({"low": 0.49}, "ambiguous", "on both sides of the line at 50%: draw more"),
        ({"low": 0.1, "high": 0.5, "rate": 0.3}, "ambiguous", "both sides"),
        ({"low": 0.1, "high": 0.49, "rate": 0.3}, "refuted", "a right name would reach 50%"),
        ({"reported_rate": 0.49}, "refuted", "but on 49% of the half that is reported"),
        ({"score": 0.49}, "refuted", "'bird' says better when it fires (score 0.49)"),
        ({"score": 0.5}, "verified", "score 0.50"),
        ({"q_value": 0.06}, "refuted", "other concepts often do as well (q = 0.06)"),
        ({"q_value": 0.05}, "verified", "fires on 90%"),
        ({"low": 0.5}, "verified", "(50% to 97%)"),
    ],
)
def test_each_rule_alone(change, verdict, reason):
    [(found, why)] = judged(change)
    assert found == verdict
    assert reason in why


def test_the_first_rule_that_applies_decides():
    everything = {"word_rank": 9, "low": 0.4, "q_value": 1.0, "score": 0.1}
    assert judged(everything)[0][0] == "untestable"
    assert judged(everything | {"word_rank": 0})[0][0] == "ambiguous"
    assert judged(everything | {"word_rank": 0, "low": 0.6})[0][0] == "refuted"


def test_all_that_speaks_against_a_name_is_said():
    [(_, why)] = judged({"high": 0.4, "low": 0.1, "rate": 0.2, "q_value": 0.5, "score": 0.2})
    assert "a right name would reach 50%" in why
    assert "q = 0.5" in why
    assert "'bird' says better when it fires" in why


def test_other_hypotheses_make_no_difference():
    changes = [{}, {"word_rank": 7}, {"low": 0.2}, {"q_value": 0.9}]
    together = judged(*changes)
    assert together == [judged(change)[0] for change in changes]
    assert judged(*changes[::-1]) == together[::-1]


def test_settings_move_the_lines():
    assert judged({}, min_rate=0.75)[0][0] == "ambiguous"
    assert judged({"word_rank": 4}, n_best_words=4)[0][0] == "untestable"
    assert judged({"score": 0.4}, min_score=0.4)[0][0] == "verified"
    assert judged({"q_value": 1.0}, max_q=1.0)[0][0] == "verified"


def test_every_second_picture_reports():
    assert is_reporting(5).tolist() == [False, True, False, True, False]
    with pytest.raises(ValueError, match="n_images of at least 2, got 1"):
        is_reporting(1)


def test_q_values_that_one_can_work_out():
    # sorted: .01 * 4 / 1, .02 * 4 / 2, .03 * 4 / 3, .5 * 4 / 4; each the least of those after it
    found = q_values(np.array([0.5, 0.02, 0.01, 0.03]))
    np.testing.assert_allclose(found, [0.5, 0.04, 0.04, 0.04])
    assert len(q_values(np.zeros(0))) == 0


def test_q_values_agree_with_the_definition_in_loops():
    p_values = np.random.default_rng(0).random(40) ** 3
    found = q_values(p_values)
    for p_value, q_value in zip(p_values, found, strict=True):
        candidates = [
            other * len(p_values) / sum(one <= other for one in p_values)
            for other in p_values
            if other >= p_value
        ]
        assert q_value == pytest.approx(
            min(1, *candidates) if len(candidates) > 1 else candidates[0]
        )


def test_false_discoveries_stay_below_the_level_when_nothing_is_there():
    generator = np.random.default_rng(1)
    n_wrong = sum((q_values(generator.random(50)) <= 0.05).any() for _ in range(1000))
    assert n_wrong <= 70  # 5 % of the times, and no more than chance allows


def test_refuses_evidence_of_other_sizes(unchecked):
    evidence = evidence_of(GOOD, GOOD)._replace(concept=["owl"])
    with pytest.raises(ValueError, match="as many in each of concept, n_pictures"):
        unchecked(verdicts)(evidence, min_rate=0.5, n_best_words=5, min_score=0.5, max_q=0.05)
