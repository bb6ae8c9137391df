"""What happened since a plan was made, beside what it said: by target, stage and quantity.

Not here: making plans (see `plans`).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from sieve_assets.assets.errands import DRAWN, EMBEDDED, LOOKED_AT
from sieve_assets.assets.hypothesize import concept_names
from sieve_assets.assets.quantities import (
    BYTES,
    CONCEPTS,
    EMBEDDINGS,
    IMAGES,
    IN_BANK,
    PARTITIONS,
    PASSES,
    SECONDS,
    SELECTED,
    TO_DRAW,
)
from sieve_assets.assets.resources import Workbench
from sieve_assets.method.planned_work import FLOAT_BYTES
from sieve_assets.stores.content_files import Place, size_of

_LATEST = """
SELECT * FROM plans WHERE model IN (SELECT unnest($models))
QUALIFY row_number() OVER (PARTITION BY model ORDER BY made_at DESC) = 1 ORDER BY model
"""
_WORK = """
SELECT stage, quantity, expected, most, basis FROM planned_work
WHERE model = $model AND made_at = $made_at AND NOT (quantity = $idle AND most = 0) ORDER BY place
"""
_MADE = """
SELECT stage, list(neuron) AS neurons, sum(seconds) AS seconds FROM provenance
WHERE model = $model AND recorded_at >= $made_at GROUP BY stage
"""
_IMAGE_WORK = """
SELECT sum({}) FROM image_work WHERE stage = $stage AND model = $model AND recorded_at >= $made_at
"""
_NOTED = {
    ("probe_embeddings", EMBEDDINGS): EMBEDDED,
    ("reference_pictures", TO_DRAW): DRAWN,
    ("generated_image_sets", TO_DRAW): DRAWN,
    ("activation_rates", PASSES): LOOKED_AT,
    ("evidence", TO_DRAW): DRAWN,
    ("evidence", PASSES): LOOKED_AT,
    ("evidence", EMBEDDINGS): EMBEDDED,
    ("verdict_controls", TO_DRAW): DRAWN,
    ("verdict_controls", PASSES): LOOKED_AT,
    ("verdict_controls", EMBEDDINGS): EMBEDDED,
}
"""What `image_work` knows, by stage and quantity; the bytes of these stages too."""
_SELECTED = "SELECT count(*) FROM neuron_ratios WHERE model = $model AND status = 'selected'"
_CONCEPTS = "SELECT count(DISTINCT concept) FROM concept_hypotheses WHERE model = $model"
_BEFORE = "SELECT n_scenes_before FROM plans WHERE model = $model AND made_at = $made_at"


def outcomes(bench: Workbench, models: Sequence[str] = ()) -> dict[str, pd.DataFrame]:
    """The latest plan of each target beside what has happened since.

    Args:
        bench: The study and its stores.
        models: Targets; all if none is named.

    Returns:
        By target that has a plan: stage, quantity, expected, most, basis, happened.
    """
    wanted = list(models) or sorted(bench.study.targets)
    plans = bench.warehouse.read(_LATEST, {"models": wanted})
    pairs = zip(plans["model"], plans["made_at"], strict=True)
    return {model: _Outcome(bench, model, made_at).table() for model, made_at in pairs}


def scenes_so_far(bench: Workbench, model: str) -> int:
    """Scenes with a known truth that the target, as it is now, has looked at."""
    sql = "SELECT coalesce(sum(n_scenes), 0) AS n FROM scene_activations WHERE weights_hash = $1"
    return int(bench.warehouse.read(sql, [bench.target_hash(model)])["n"].iloc[0])


@dataclass(frozen=True)
class _Outcome:
    bench: Workbench
    model: str
    made_at: datetime

    def table(self) -> pd.DataFrame:
        """What was planned, with what has happened."""
        planned = self._read(_WORK, idle=PARTITIONS)
        places = zip(planned["stage"], planned["quantity"], strict=True)
        return planned.assign(happened=[float(self._happened(*place)) for place in places])

    def _happened(self, stage: str, quantity: str) -> float:
        if quantity == PARTITIONS:
            return len(self._neurons(stage))
        if quantity == SECONDS:
            rendering_s = self._rendering_s() if stage == "probe_images" else 0.0
            return self._made.get(stage, ([], 0.0))[1] + rendering_s
        if (stage, quantity) in _NOTED:
            return self._n(stage, _NOTED[stage, quantity])
        if quantity == BYTES and stage in {noted for noted, _ in _NOTED}:
            return self._image_work("n_bytes", stage)
        return self._counts[stage, quantity]()

    def _read(self, sql: str, **more: Any) -> pd.DataFrame:
        """The answer to a question that may name the target and the moment of the plan."""
        known = {"model": self.model, "made_at": self.made_at, **more}
        named = {name: value for name, value in known.items() if f"${name}" in sql}
        return self.bench.warehouse.read(sql, named)

    def _count(self, sql: str, **more: Any) -> int:
        """The one number that a question is answered by; 0 of nothing."""
        found = self._read(sql, **more).iloc[0, 0]
        return 0 if pd.isna(found) else int(found)  # pyright: ignore[reportArgumentType, reportGeneralTypeIssues] (a number)

    @cached_property
    def _made(self) -> dict[str, tuple[list[int], float]]:
        """By stage, the neurons that were made since and what they took (s)."""
        found = self._read(_MADE)
        rows = zip(found["stage"], found["neurons"], found["seconds"], strict=True)
        return {stage: (list(neurons), float(seconds)) for stage, neurons, seconds in rows}

    def _neurons(self, stage: str) -> list[int]:
        return self._made.get(stage, ([], 0.0))[0]

    def _of_made(self, select: str, table: str, stage: str = "") -> str:
        """A question about the rows of a table by neuron that were made since."""
        neurons = ", ".join(str(neuron) for neuron in self._neurons(stage or table))
        return f"{select} FROM {table} WHERE model = $model AND neuron IN ({neurons or 'NULL'})"

    @property
    def _counts(self) -> dict[tuple[str, str], Callable[[], float]]:
        """How to count what has happened, by stage and quantity."""
        n_bytes = self.bench.study.targets[self.model].width * FLOAT_BYTES
        return {
            ("probe_images", IMAGES): lambda: len(self._images),
            ("probe_images", BYTES): lambda: _size(self._rendered),
            ("probe_pass", PASSES): lambda: self._passed("n_images", 0),
            ("probe_pass", BYTES): self._pass_bytes,
            ("probe_activations", BYTES): self._activation_bytes,
            ("neuron_ratios", SELECTED): lambda: self._count(_SELECTED),
            ("patch_embeddings", PASSES): lambda: self._patches("count(*)"),
            ("patch_embeddings", EMBEDDINGS): lambda: self._patches("count(DISTINCT uri)"),
            ("patch_embeddings", BYTES): self._patch_bytes,
            ("concept_hypotheses", CONCEPTS): lambda: self._count(_CONCEPTS),
            ("concept_hypotheses", EMBEDDINGS): self._n_texts,
            ("reference_pictures", IN_BANK): self._n_shared_references,
            ("generated_image_sets", IN_BANK): self._n_shared,
            ("oracle_rates", PASSES): self._n_scenes,
            ("oracle_rates", BYTES): lambda: self._n_scenes() * n_bytes,
        }

    @property
    def _images(self) -> list[str]:
        """Where the listed probe images are, if they were listed since."""
        if not self._neurons("probe_images"):
            return []
        probe = self.bench.study.targets[self.model].probe
        return list(
            self._read("SELECT uri FROM probe_images WHERE probe = $probe", probe=probe)["uri"]
        )

    @property
    def _rendered(self) -> list[Path]:
        root = self.bench.rendered_probes
        return [Path(uri) for uri in self._images if Path(uri).is_relative_to(root)]

    def _rendering_s(self) -> float:
        """From the first to the last image that was rendered since, which no note holds (s)."""
        made_at = self.made_at.replace(tzinfo=UTC).timestamp()
        written = [path.stat().st_mtime for path in self._rendered if path.is_file()]
        since = [moment for moment in written if moment >= made_at]
        return max(since) - min(since) if since else 0.0

    def _passed(self, column: str, absent: Any) -> Any:
        """A value of the target's probe pass, if it was made since."""
        if not self._neurons("probe_pass"):
            return absent
        return self._read("SELECT * FROM probe_passes WHERE model = $model")[column].iloc[0]

    def _pass_bytes(self) -> float:
        uris = [*self._passed("activations_uri", []), self._passed("strongest_uri", "")]
        return _size(self.bench.arrays.root / uri for uri in uris)

    def _activation_bytes(self) -> float:
        sql = self._of_made(
            "SELECT sum(len(activation))", "neuron_activations", "probe_activations"
        )
        return self._count(sql) * FLOAT_BYTES

    def _patches(self, count: str) -> int:
        return self._count(self._of_made(f"SELECT {count}", "patch_embeddings"))

    def _patch_bytes(self) -> float:
        uris = self._read(self._of_made("SELECT DISTINCT uri", "patch_embeddings"))["uri"]
        return _size(self._stored(uris)) + self._patches("sum(len(embedding))") * FLOAT_BYTES

    def _n_texts(self) -> int:
        return len(concept_names(self.bench.study)) if self._neurons("concept_hypotheses") else 0

    def _image_work(self, what: str, stage: str, rest: str = "") -> int:
        """How much a stage drew, looked at or embedded since."""
        return self._count(_IMAGE_WORK.format(what) + rest, stage=stage)

    def _n(self, stage: str, work: str) -> int:
        """So many images of one kind of work."""
        return self._image_work("n_images", stage, f" AND work = '{work}'")

    def _n_shared(self) -> int:
        linked = self._of_made("SELECT count(DISTINCT picture_id)", "generated_image_sets")
        return self._count(linked) - self._n("generated_image_sets", DRAWN)

    def _n_shared_references(self) -> int:
        if not self._neurons("reference_pictures"):
            return 0
        linked = self._count("SELECT count(*) FROM reference_pictures WHERE model = $model")
        return linked - self._n("reference_pictures", DRAWN)

    def _stored(self, uris: Iterable[str]) -> Iterable[Place]:
        return [self.bench.images.root / uri for uri in uris]

    def _n_scenes(self) -> int:
        before = self._count(_BEFORE)
        return scenes_so_far(self.bench, self.model) - before


def _size(paths: Iterable[Place]) -> float:
    """Bytes of the files that are there."""
    return float(sum(map(size_of, paths)))
