"""Checks of the controls: what must fail is hardly ever verified, what must pass nearly always is.

Not here: how the checks reach Dagster (see `reporting`).
"""

from collections.abc import Callable, Mapping

import numpy as np

from sieve_assets.assets.control_kinds import FAIL, PASS, UNTESTABLE
from sieve_assets.assets.partitions import OF_A_MODEL, Share
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import Check

MOST_FAILING, LEAST_PASSING = 0.02, 0.95
"""Share of them that is verified: at most, and at least."""
_ROWS = "SELECT control, expected, verdict FROM verdict_controls WHERE model = $1 ORDER BY ALL"


def _of_kinds(bench: Workbench, share: Share, *expected: str) -> Mapping[str, np.ndarray]:
    """The verdicts on the controls of which something is expected, by kind."""
    rows = bench.warehouse.read(_ROWS, [share.model])
    rows = rows[rows["expected"].isin(expected)]
    kinds, verdicts = (np.array(rows[name].tolist(), str) for name in ("control", "verdict"))
    return {str(kind): verdicts[kinds == kind] for kind in dict.fromkeys(kinds)}


def said(bench: Workbench, verdicts: np.ndarray) -> str:
    """How many are verified, with the interval of their share."""
    from sieve_assets.method.verdict_controls import verified_share  # noqa: PLC0415 (scipy is slow)

    found = verified_share(verdicts == "verified", confidence=bench.study.verify.confidence)
    return f"{found.n_verified} of {found.n} verified ({found.low:.1%} to {found.high:.1%})"


def _figures(*expected: str) -> Callable[[Workbench, Share], Mapping[str, str]]:
    def figures(bench: Workbench, share: Share) -> Mapping[str, str]:
        kinds = _of_kinds(bench, share, *expected)
        if not kinds:
            return {"controls": "none: nothing is said of this target's verdicts"}
        everything = {"together": np.concatenate(list(kinds.values()))}
        return {kind: said(bench, some) for kind, some in {**everything, **kinds}.items()}

    return figures


def _failing(bench: Workbench, share: Share) -> Mapping[int, str]:
    found = _together(_of_kinds(bench, share, FAIL, UNTESTABLE))
    problems: list[str] = []
    if (found == "verified").sum() > MOST_FAILING * len(found):
        problems.append(f"expected at most {MOST_FAILING:.0%} verified, got {said(bench, found)}")
    for kind, verdicts in _of_kinds(bench, share, UNTESTABLE).items():
        n_others = int((verdicts != UNTESTABLE).sum())
        if n_others > MOST_FAILING * len(verdicts):
            what = f"{n_others} of {len(verdicts)} that are not"
            problems.append(f"expected {kind} to be untestable, got {what}")
    return _told(problems, "Verified names of this target are not to be relied on")


def _passing(bench: Workbench, share: Share) -> Mapping[int, str]:
    found = _together(_of_kinds(bench, share, PASS))
    problems: list[str] = []
    if (found == "verified").sum() < LEAST_PASSING * len(found):
        problems.append(f"expected at least {LEAST_PASSING:.0%} verified, got {said(bench, found)}")
    return _told(problems, "Right names of this target may have been refused")


def _together(kinds: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([*kinds.values(), np.empty(0, str)])


def _told(problems: list[str], meaning: str) -> Mapping[int, str]:
    why = "the reasons are in verdict_controls (docs/method.md, section 3)"
    return {OF_A_MODEL: f"{'; '.join(problems)}. {meaning}: {why}."} if problems else {}


CHECKS = [
    Check(
        "controls_fail",
        f"Of names that must fail, at most {MOST_FAILING:.0%} are verified; words that mean "
        "nothing are untestable.",
        _failing,
        is_blocking=False,
        figures=_figures(FAIL, UNTESTABLE),
    ),
    Check(
        "controls_pass",
        f"Of names that must pass, at least {LEAST_PASSING:.0%} are verified.",
        _passing,
        is_blocking=False,
        figures=_figures(PASS),
    ),
]
"""They warn: chance alone can break one, and nothing is made of the controls."""
