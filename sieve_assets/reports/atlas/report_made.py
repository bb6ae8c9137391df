"""How a target's results were made, for its report: settings, provenance, libraries, limits."""

import importlib.metadata
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from sieve_assets.reports.atlas.report_parts import (
    Section,
    Subject,
    Table,
    count,
    interval_of,
    plural,
    share,
)
from sieve_assets.reports.percent_tables import NONE, rows_in
from sieve_assets.study import Study

LIBRARIES = (
    *("sieve-assets", "torch", "torchvision", "timm", "transformers", "open_clip_torch"),
    *("diffusers", "numpy", "scipy", "scikit-learn", "duckdb", "dagster"),
)
"""Whose versions results may depend on."""
HASH_DIGITS, RUN_DIGITS = 12, 8
_SECTIONS = ("concepts", "vision_language", "generator", "select", "hypothesize", "verify")
_PROVENANCE = """
SELECT stage, list(DISTINCT run_id ORDER BY run_id) AS runs, sum(n_rows) AS n_rows,
    max(recorded_at) AS recorded_at, sum(seconds) AS seconds,
    list(DISTINCT settings_hash ORDER BY settings_hash) AS settings,
    list(DISTINCT weights_hash ORDER BY weights_hash) FILTER (weights_hash IS NOT NULL) AS weights,
    CASE WHEN count(*) = 1 THEN any_value(output_hash)
        ELSE sha256(string_agg(output_hash, '' ORDER BY neuron)) END AS output
FROM provenance WHERE model = $model GROUP BY stage
"""
_FAILURES = "SELECT count(*) AS n FROM failures WHERE model = $model"
_PROBE = "SELECT * FROM probe_passes WHERE model = $model"


def settings_of(study: Study, model: str) -> Mapping[str, Mapping[str, str]]:
    """What is told of a study's settings, by section and name; the same wherever it lies.

    Args:
        study: What was studied.
        model: Target.
    """
    target = study.targets[model]
    parts = {"target": target, "probe set": study.probes[target.probe]}
    parts |= {name: getattr(study, name) for name in _SECTIONS}
    told = {name: dict(_flat(part.model_dump())) for name, part in parts.items()}
    general = {"profile": study.profile, "seed": str(study.seed)}
    return {"study": general, **told, **_compared(study)}


def _compared(study: Study) -> dict[str, dict[str, str]]:
    """A section a method; what is not of one method comes first."""
    if study.compare is None:
        return {}
    values = study.compare.model_dump()
    methods = {name: value for name, value in values.items() if isinstance(value, Mapping)}
    general = {name: value for name, value in values.items() if name not in methods}
    parts = {"compare": general, **{f"compare: {name}": methods[name] for name in methods}}
    told = {name: dict(_flat(part)) for name, part in parts.items()}
    return {name: part for name, part in told.items() if part}


def libraries() -> Mapping[str, str]:
    """Versions of the libraries that are installed."""
    found: dict[str, str] = {}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed as a package"
    return found


def settings_section(subject: Subject) -> Section:
    """The study as it was read, with what stands where the file says nothing."""
    told = settings_of(subject.study, subject.model)
    words = [
        (
            "The study file, with the defaults where it says nothing; of files, their "
            "name. What is absent follows from the network or the generator."
        )
    ]
    tables = [_settings(part, settings) for part, settings in told.items()]
    return Section("settings", "Settings", words, tables=tables, has_narrow_tables=True)


def _settings(part: str, settings: Mapping[str, str]) -> Table:
    name = f"settings-{part.replace(': ', '-').replace(' ', '-')}"
    rows = list(settings.items())
    return Table(name, part.replace("_", " "), "", ["setting", "value"], rows, n_texts=2)


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", _value(value)


def _value(value: Any) -> str:
    if value is None:
        return "absent"
    if isinstance(value, Path):
        return value.name
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple | dict):
        return ", ".join(map(_value, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else f"“{value}”" * (value == "") or str(value)


def provenance_section(subject: Subject, stages: Collection[str]) -> Section:
    """Which runs made what, and with which hashes.

    Args:
        subject: What the report is about.
        stages: Those that the report is made from, in their order.
    """
    found = {row["stage"]: row for row in rows_in(subject.read(_PROVENANCE))}
    rows = [_made(found[name]) for name in stages if name in found]
    table = Table(
        "provenance",
        "What made the rows, by stage",
        f"Hashes are SHA-256, of which the first {HASH_DIGITS} digits are shown: settings, of all "
        "that the stage depends on; weights, of the models that it ran; output, of its rows (of a "
        "stage by neuron, of all neurons' in order). The tables provenance and recipes have them "
        "whole, with what they stand for.",
        ["stage", "runs", "last written (UTC)", "settings", "weights", "output", "rows", "seconds"],
        rows,
        n_texts=6,
    )
    versions = ", ".join(f"{name} {version}" for name, version in libraries().items())
    failed = int(subject.read(_FAILURES)["n"].iloc[0])
    words = [
        _probe_in_words(subject),
        f"Libraries that were installed when this page was made: {versions}.",
    ]
    if failed:
        words.append(
            f"{plural(failed, 'note')} of a failed try of a stage for this target: what follows "
            "leaves those neurons out (table failures)."
        )
    return Section("provenance", "Provenance", words, tables=[table])


def _made(row: Mapping[str, Any]) -> list[str]:
    runs = [run[:RUN_DIGITS] for run in row["runs"]]
    weights = row["weights"] if isinstance(row["weights"], Collection) else []
    return [
        row["stage"],
        ", ".join(runs) if len(runs) <= 2 else f"{len(runs)} runs",  # noqa: PLR2004 (fits a cell)
        f"{row['recorded_at']:%Y-%m-%d %H:%M}",
        *(
            ", ".join(one[:HASH_DIGITS] for one in some) or NONE
            for some in (row["settings"], weights)
        ),
        row["output"][:HASH_DIGITS],
        count(row["n_rows"]),
        f"{row['seconds']:.1f}",
    ]


def _probe_in_words(subject: Subject) -> str:
    found = subject.read(_PROBE)
    if found.empty:
        return "The target has not been observed on its probe set yet."
    row = rows_in(found)[0]
    return (
        f"Observed on {count(row['n_images'])} images of the probe set {row['probe']}; all that "
        f"the activations depend on in the network: {row['weights_hash']}."
    )


def limits_section(subject: Subject, *, is_known: bool, is_complete: bool) -> Section:
    """What the numbers do not say, in plain words."""
    how, generator = subject.study.verify, subject.study.generator
    n = generator.n_images
    half = n // 2
    points = [
        (
            "A verified name is one that an experiment did not refute. It need not be the only "
            "thing that the neuron answers to, nor the only name that fits."
        ),
        (
            "AR is the share of pictures drawn for a name that fire the neuron. It says nothing "
            "of how often the neuron fires on something else, and a name that is too narrow has a "
            "high AR too."
        ),
        (
            f"A name has {n} pictures at most. With {half} of {n} above the threshold the "
            f"{share(how.confidence)} interval is {interval_of(half, n, how.confidence)}: small "
            "differences of AR mean nothing."
        ),
        (
            "An interval of an AR is about more pictures of the same prompt by the same "
            "generator. It knows nothing of how the generator's pictures differ from photographs."
        ),
        (
            "Pictures show a name if the vision-language model says so (the generator check). It "
            "is the model that proposed the names, so that its errors are in both."
        ),
        (
            "The threshold is that of the probe set: a concept that the probe set hardly shows can "
            "neither be proposed nor set a threshold that suits it."
        ),
        (
            "The paper's rule is relative: it keeps some names of any set, and the mean after it "
            "is of the pictures that filtered."
        ),
        (
            f"The lines of the verdict (rate {share(how.min_rate)}, score {how.min_score:g}) were "
            "chosen on the embedded world."
        ),
        (
            "A neuron that is dead, or of low contrast, has no hypothesis. That says nothing about "
            "what it is for."
        ),
        (
            "Neurons of a layer are not independent, and means over few neurons have intervals "
            "that are too short."
        ),
    ]
    if how.revise:
        points.append(
            "A revised name was chosen by the score and judged by its rate on the same pictures, "
            "and can only be a concept that was drawn for this target."
        )
    if not is_known:
        points.append("Whether names are true is not known for this target's images.")
    if not is_complete:
        points.append("Not all neurons have been tested: what is told here is of those so far.")
    words = [
        (
            "docs/method.md, sections 2 and 3, and docs/statistics.md have formula, source and "
            "known weakness of every number here."
        )
    ]
    return Section("limits", "Limits", words, points)
