"""Each verdict follows from the first rule that applies, and says why."""

import numpy as np
import pytest

from sieve_assets.method.verdicts import Evidence, is_reporting, q_values, verdicts

GOOD = {
    "concept": "owl",
    "n_pictures": 24,
    "n_recognised": 24,
    "rate": 0.9,
    "low": 0.7,
    "high": 0.97,
    "reported_rate": 0.92,
    "q_value": 0.01,
    "usual_high": 0.97,
    "best_reference": "cat",
    "best_reference_rate": 0.3,
}


def evidence_of(*rows):
    columns = {name: [row[name] for row in rows] for name in GOOD}
    names = ("concept", "best_reference")
    return Evidence(
        **{name: values if name in names else np.array(values) for name, values in columns.items()}
    )


def judged(*changes, line=0.5, min_recognised=0.5, max_q=0.05):
    rows = [GOOD | change for change in changes]
    found = verdicts(evidence_of(*rows), line=line, min_recognised=min_recognised, max_q=max_q)
    return list(zip(found.verdict, found.reason, strict=True))


@pytest.mark.parametrize(
    ("change", "verdict", "reason"),
    [
        ({}, "verified", "fires on 90% of its pictures (70% to 97%)"),
        ({"n_recognised": 12}, "verified", "q = 0.01"),
        ({"n_recognised": 11}, "untestable", "only 11 of 24 pictures of 'owl' show it"),
        ({"low": 0.49}, "ambiguous", "on both sides of the line at 50%: draw more"),
        ({"low": 0.1, "high": 0.5, "rate": 0.3}, "ambiguous", "both sides"),
        ({"low": 0.1, "high": 0.49, "rate": 0.3}, "refuted", "a right name would reach 50%"),
        ({"reported_rate": 0.49}, "refuted", "but on 49% of the half that is reported"),
        ({"q_value": 0.06}, "refuted", "other concepts often do as well (q = 0.06)"),
        ({"q_value": 0.05}, "verified", "q = 0.05"),
        (
            {"best_reference_rate": 0.98},
            "refuted",
            "it fires more on 'cat' (98% against at most 97% above the usual threshold)",
        ),
        ({"best_reference_rate": np.nan, "best_reference": None}, "verified", "q = 0.01"),
        ({"low": 0.5}, "verified", "(50% to 97%)"),
    ],
)
def test_each_rule_alone(change, verdict, reason):
    [(found, why)] = judged(change)
    assert found == verdict
    assert reason in why


def test_the_first_rule_that_applies_decides():
    everything = {"n_recognised": 0, "low": 0.4, "q_value": 1.0, "best_reference_rate": 1.0}
    assert judged(everything)[0][0] == "untestable"
    assert judged(everything | {"n_recognised": 24})[0][0] == "ambiguous"
    assert judged(everything | {"n_recognised": 24, "low": 0.6})[0][0] == "refuted"


def test_all_that_speaks_against_a_name_is_said():
    [(_, why)] = judged({"high": 0.4, "low": 0.1, "rate": 0.2, "q_value": 0.5})
    assert "a right name would reach 50%" in why
    assert "q = 0.5" in why


def test_other_hypotheses_make_no_difference():
    changes = [{}, {"n_recognised": 1}, {"low": 0.2}, {"q_value": 0.9}]
    together = judged(*changes)
    assert together == [judged(change)[0] for change in changes]
    assert judged(*changes[::-1]) == together[::-1]


def test_settings_move_the_lines():
    assert judged({}, line=0.75)[0][0] == "ambiguous"
    assert judged({"n_recognised": 11}, min_recognised=0.4)[0][0] == "verified"
    assert judged({"q_value": 0.06}, max_q=0.1)[0][0] == "verified"


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
        unchecked(verdicts)(evidence, line=0.5, min_recognised=0.5, max_q=0.05)
