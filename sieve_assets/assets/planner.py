"""One target's plan: for each stage that is to run, how much of what.

Not here: pictures (see `picture_planner`), the formulas (`method.planned_work`), what is stored
already (`outlook`), what a piece of work takes (`rehearsal`), and where plans are kept (`plans`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from sieve_assets.assets.evaluate import has_known_truth
from sieve_assets.assets.expectations import Expectations
from sieve_assets.assets.known_scenes import missing_scenes
from sieve_assets.assets.outlook import Outlook
from sieve_assets.assets.picture_planner import PicturePlanner
from sieve_assets.assets.pipeline import stages_of
from sieve_assets.assets.probe import SHARD_IMAGES
from sieve_assets.assets.quantities import (
    BYTES,
    CONCEPTS,
    EMBEDDINGS,
    IMAGES,
    NOTHING,
    PARTITIONS,
    PASSES,
    SECONDS,
    SELECTED,
    Amounts,
    Shared,
)
from sieve_assets.assets.rehearsal import Rehearsal
from sieve_assets.method import planned_work as work
from sieve_assets.method.planned_work import FLOAT_BYTES, Amount, counted, estimated
from sieve_assets.study import Study


class Planned(NamedTuple):
    """An amount of something that a stage is to do."""

    stage: str
    quantity: str
    amount: Amount


@dataclass
class Planner:
    """Plans one target.

    Attributes:
        outlook: What is to be made, and what is stored.
        tried: What a piece of work takes.
        shared: What is planned for other targets before it.
    """

    outlook: Outlook
    tried: Rehearsal
    shared: Shared

    @cached_property
    def expected(self) -> Expectations:
        """What is known or expected of the target's neurons."""
        return Expectations(self.outlook, self.tried)

    def plan(self) -> Iterator[Planned]:
        """What is to be done, by stage in their order; nothing if all is up to date.

        Raises:
            LookupError: Something that a stage needs is not there.
            ValueError: A model, or what it gives on the sample, is not what the study says.
        """
        for stage in () if self.outlook.is_done else stages_of(self._study):
            neurons = self.outlook.neurons(stage.name)
            amounts = {PARTITIONS: counted(len(neurons)), **self._told(stage.name)}
            if neurons:
                amounts |= self._step(stage.name)
                seconds = self.outlook.seconds_a_partition(stage.name)
                if SECONDS not in amounts and seconds is not None:
                    amounts[SECONDS] = amounts[PARTITIONS].times(seconds)
            elif len(amounts) == 1:
                continue
            is_certain = self.outlook.is_certain(stage.name)
            for quantity, amount in amounts.items():
                yield Planned(stage.name, quantity, amount.if_at_all(is_certain=is_certain))

    def _told(self, stage: str) -> Amounts:
        """What is told whether or not the stage is to run."""
        if stage == "neuron_ratios":
            is_selected, is_known = self.expected.selection
            n_selected, most = int(is_selected.sum()), int((is_selected | ~is_known).sum())
            known = is_known.all()
            return {SELECTED: counted(n_selected) if known else estimated(n_selected, most)}
        if stage == "concept_hypotheses":
            concepts = self.expected.concepts(np.ones(self.outlook.width, dtype=bool))
            return {CONCEPTS: concepts.amount(len(concepts.listed), 1)}
        return {}

    def _step(self, stage: str) -> Amounts:
        steps = {
            "probe_images": self._images,
            "probe_pass": self._pass,
            "probe_activations": self._activations,
            "neuron_ratios": self._ratios,
            "patch_embeddings": self._patches,
            "clusters": self._clusters,
            "concept_hypotheses": self._texts,
            "probe_embeddings": self._pictures.probe_embeddings,
            "reference_pictures": self._pictures.reference_pictures,
            "generated_image_sets": self._pictures.generated_image_sets,
            "activation_rates": self._pictures.activation_rates,
            "evidence": self._pictures.evidence,
            "verdict_controls": self._pictures.verdict_controls,
            "oracle_rates": self._scenes,
        }
        return steps[stage]() if stage in steps else {}

    @cached_property
    def _pictures(self) -> PicturePlanner:
        return PicturePlanner(self.outlook, self.tried, self.shared, self.expected)

    @property
    def _study(self) -> Study:
        return self.outlook.bench.study

    def _images(self) -> Amounts:
        name = self._study.targets[self.outlook.model].probe
        if name in self.shared.probes:
            self.expected.notes.append("probe_images: listed with the target before")
            return {PARTITIONS: NOTHING}
        self.shared.probes.add(name)
        sample, images = self.tried.sample, counted(self.expected.n_images)
        return {
            IMAGES: images,
            BYTES: images.times(sample.image_bytes),
            SECONDS: images.times(sample.render_s + sample.list_s),
        }

    def _pass(self) -> Amounts:
        n_bytes = work.pass_bytes(
            self.expected.n_images,
            width=self.outlook.width,
            places=self.tried.places,
            n_kept=self._study.select.n_kept,
            shard_images=SHARD_IMAGES,
        )
        passes = counted(self.expected.n_images)
        seconds = passes.times(self.tried.observed.seconds)
        return {PASSES: passes, BYTES: counted(n_bytes), SECONDS: seconds}

    def _activations(self) -> Amounts:
        n_values = len(self.outlook.neurons("probe_activations")) * self.expected.n_images
        return {BYTES: counted(n_values * FLOAT_BYTES)}

    def _ratios(self) -> Amounts:
        n_values = len(self.outlook.neurons("neuron_ratios")) * self.expected.n_images
        return {SECONDS: counted(n_values).times(self.tried.ratio_s)}

    def _patches(self) -> Amounts:
        is_ahead = self.outlook.is_ahead("patch_embeddings")
        is_selected, is_certain = self.expected.selection
        if self._study.select.gate == "sample":
            is_certain = is_certain & self.outlook.are_known("selected_samples")
        crops = work.crops(
            is_selected[is_ahead], is_certain[is_ahead], self.expected.n_samples[is_ahead]
        )
        if not crops.most:
            return {PASSES: crops}
        found = self.tried.cropped
        return {
            PASSES: crops,
            EMBEDDINGS: crops.if_at_all(is_certain=False),  # equal patches are embedded once
            BYTES: crops.times(found.patch_bytes + found.n_features * FLOAT_BYTES),
            SECONDS: crops.times(found.seconds),
        }

    def _clusters(self) -> Amounts:
        if self.outlook.seconds_a_partition("clusters") is not None:
            return {}
        is_ahead = self.outlook.is_ahead("clusters")
        is_selected, is_certain = self.expected.selection
        ones = np.ones(self.outlook.width, dtype=int)[is_ahead]
        neurons = work.crops(is_selected[is_ahead], is_certain[is_ahead], ones)
        return {SECONDS: neurons.times(self.tried.cropped.cluster_s)} if neurons.most else {}

    def _texts(self) -> Amounts:
        texts = counted(len(self.outlook.names))
        return {EMBEDDINGS: texts, SECONDS: texts.times(self.tried.text_s(self.outlook.names))}

    def _scenes(self) -> Amounts:
        if not has_known_truth(self._study, self.outlook.model):
            return {}
        from sieve_assets.terrarium.captions import concept_named  # noqa: PLC0415 (this world's)
        from sieve_assets.terrarium.oracle_scenes import (  # noqa: PLC0415
            CONCEPT_SCENES,
            set_of,
            unbiased_set,
        )

        bench, names = self.outlook.bench, self.outlook.names
        concepts = self.expected.concepts(self.outlook.is_ahead("oracle_rates"))
        are_shown = [concept_named(name).is_of_the_world for name in names]
        shown = {name for name, is_shown in zip(names, are_shown, strict=True) if is_shown}
        wanted = [unbiased_set(), *(set_of(name) for name in concepts.listed if name in shown)]
        missing = missing_scenes(bench, bench.target_hash(self.outlook.model), wanted)
        n_known = sum(one.n_scenes for one in missing)
        of_each = CONCEPT_SCENES * len(shown) / len(names)
        looks = concepts.amount(n_known, of_each, most=concepts.most * CONCEPT_SCENES)
        return {
            PASSES: looks,
            BYTES: looks.times(self.outlook.width * FLOAT_BYTES),
            SECONDS: looks.times(self.tried.scene_s) if looks.most else NOTHING,
        }
