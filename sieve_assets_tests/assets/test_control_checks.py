"""The checks say how many controls are verified, and fail where these are too many or too few."""

import pandas as pd
import pytest

from sieve_assets.assets.control_checks import CHECKS
from sieve_assets.assets.partitions import OF_A_MODEL, Share
from sieve_assets.stores.warehouse import Replacement

FAILS, PASSES = CHECKS
SHARE = Share("cnn", [OF_A_MODEL], ["cnn"])


def with_verdicts(study, control, *verdicts):
    """The study with these verdicts on a kind's controls, and no others of what is expected."""
    rows = study.table("verdict_controls", model="cnn")
    some = rows[rows["control"] == control].head(1)
    group = {"fail", "untestable"} if some["expected"].iloc[0] != "pass" else {"pass"}
    others = rows[~rows["expected"].isin(group)]
    other = [some.assign(draw=at, verdict=verdict) for at, verdict in enumerate(verdicts)]
    study.bench().warehouse.replace(
        Replacement("verdict_controls", pd.concat([others, *other]), rows[["model"]].head(1))
    )
    return study.bench()


@pytest.mark.parametrize(
    ("n", "n_verified", "is_told"), [(50, 1, False), (49, 1, True), (1, 0, False), (100, 3, True)]
)
def test_more_than_two_percent_of_what_must_fail_is_too_many(copied, n, n_verified, is_told):
    verdicts = ["verified"] * n_verified + ["refuted"] * (n - n_verified)
    bench = with_verdicts(copied, "permuted activations", *verdicts)

    problems = FAILS.find(bench, SHARE)

    assert bool(problems) == is_told
    if is_told:
        assert f"at most 2% verified, got {n_verified} of {n} verified (" in problems[OF_A_MODEL]
    assert FAILS.figures(bench, SHARE)["permuted activations"].startswith(
        f"{n_verified} of {n} verified"
    )


@pytest.mark.parametrize(("n", "n_verified", "is_told"), [(20, 19, False), (19, 18, True)])
def test_less_than_ninety_five_percent_of_what_must_pass_is_too_few(copied, n, n_verified, is_told):
    verdicts = ["verified"] * n_verified + ["ambiguous"] * (n - n_verified)
    bench = with_verdicts(copied, "class logits", *verdicts)

    problems = PASSES.find(bench, SHARE)

    assert bool(problems) == is_told
    if is_told:
        assert f"at least 95% verified, got {n_verified} of {n}" in problems[OF_A_MODEL]


def test_words_that_mean_nothing_must_be_untestable_not_just_refuted(copied):
    bench = with_verdicts(copied, "meaningless words", "untestable", "refuted")

    problem = FAILS.find(bench, SHARE)[OF_A_MODEL]

    assert "expected meaningless words to be untestable, got 1 of 2 that are not" in problem


def test_a_target_without_controls_passes_and_says_so(finished):
    share = Share("nobody", [OF_A_MODEL], ["nobody"])
    for check in CHECKS:
        assert check.find(finished.bench(), share) == {}
        assert "none" in check.figures(finished.bench(), share)["controls"]


def test_they_only_warn():
    assert not any(check.is_blocking for check in CHECKS)


def test_dagster_is_told_the_figures_beside_the_outcome(copied):
    copied.forget("cnn", "verdict_controls")

    result = copied.of_model("cnn", "verdict_controls")

    of_run = [one for one in result.get_asset_check_evaluations() if "partitions" in one.metadata]
    told = {one.check_name: one.metadata for one in of_run}
    for check in CHECKS:
        for kind, figures in check.figures(copied.bench(), SHARE).items():
            assert told[check.name][kind].value == figures
    assert {"together", "permuted activations"} <= set(told["controls_fail"])
    assert {"together", "class logits"} <= set(told["controls_pass"])
