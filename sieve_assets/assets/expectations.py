"""What is known of a target's neurons before a run, and what is to be expected where it is not.

Not here: how much work follows (see `planner`).
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from sieve_assets.assets.outlook import Outlook
from sieve_assets.assets.rehearsal import Rehearsal
from sieve_assets.method import planned_work as work
from sieve_assets.method.planned_work import Amount, counted, estimated
from sieve_assets.study import Study


class Concepts(NamedTuple):
    """The concepts of some neurons' hypotheses, as far as they are known."""

    listed: list[str]
    """Those of stored hypotheses."""
    guessed: float
    """Others that may be expected."""
    most: float
    """Others at most."""
    are_known: bool
    """Whether the stored hypotheses are all there will be."""

    def amount(self, listed: float, of_each: float, *, most: float | None = None) -> Amount:
        """So much for those that are listed, and `of_each` for each other one.

        Args:
            listed: For those that are listed.
            of_each: To be expected of another one.
            most: Of all others together; as many of each if None.
        """
        if self.are_known:
            return counted(listed)
        bound = self.most * of_each if most is None else most
        return estimated(listed + self.guessed * of_each, listed + bound)


@dataclass
class Expectations:
    """What is known or expected of one target.

    Attributes:
        outlook: What is to be made, and what is stored.
        tried: What comes of a few images.
        notes: Where estimates come from, as far as it has been asked.
    """

    outlook: Outlook
    tried: Rehearsal
    notes: list[str] = field(default_factory=list)

    @property
    def _study(self) -> Study:
        return self.outlook.bench.study

    @cached_property
    def n_images(self) -> int:
        """Probe images."""
        if self.outlook.neurons("probe_images"):
            return self.tried.sample.n_images
        return self.outlook.n_listed

    @cached_property
    def selection(self) -> tuple[np.ndarray, np.ndarray]:
        """Whether each neuron is selected, as far as it can be told, and whether that is known."""
        is_known = self.outlook.are_known("neuron_ratios")
        is_stored = self.outlook.are_stored("neuron_ratios")
        if is_stored.all():
            return self.outlook.selected, is_known
        found = np.where(is_stored, self.outlook.selected, self.tried.selected)
        n_tried = len(self.tried.observed.activations)
        self.notes.append(
            f"neurons selected: estimated from {n_tried:,} of {self.n_images:,} probe images"
        )
        return found, is_known

    @cached_property
    def n_samples(self) -> np.ndarray:
        """Samples of each neuron, if it is selected."""
        most = min(self._study.select.n_samples, self.n_images)
        return np.where(self.outlook.are_known("selected_samples"), self.outlook.n_samples, most)

    @cached_property
    def n_clusters(self) -> np.ndarray:
        """Clusters of each neuron, if it is selected, as far as it can be told."""
        is_stored = self.outlook.are_stored("clusters")
        if is_stored.all():
            return self.outlook.n_clusters
        mean, of_what = self.outlook.clusters_a_neuron(), "the mean of those stored"
        if mean is None:
            mean = self.tried.cropped.n_clusters
            of_what = "the mean of some neurons that were tried"
        self.notes.append(f"clusters a neuron: {mean:.1f} expected, {of_what}")
        return np.where(is_stored, self.outlook.n_clusters, mean)

    def concepts(self, neurons: np.ndarray) -> Concepts:
        """The concepts of some neurons `[neuron]`."""
        is_known = self.outlook.are_known("concept_hypotheses") | ~neurons
        is_new = ~self.outlook.are_stored("concept_hypotheses") & neurons
        listed = self.outlook.concepts(neurons & ~is_new)
        if is_known.all():
            return Concepts(listed, 0, 0, are_known=True)
        how, n_names = self._study.hypothesize, len(self.outlook.names)
        of_a_cluster = min(how.n_concepts, n_names)
        is_selected, is_certain = self.selection
        n_new = (is_selected * self.n_clusters)[is_new].sum() * of_a_cluster
        bound = work.most_clusters(
            int(self.n_samples.max()), max_clusters=how.max_clusters, min_patches=how.min_patches
        )
        if n_new:
            note = (
                "distinct concepts: expected as if every name were as likely; real ones repeat more"
            )
            self.notes.append(note) if note not in self.notes else None
        n_open = int(((is_selected | ~is_certain) & ~is_known).sum())
        return Concepts(
            listed,
            work.new_concepts(float(n_new), n_names=n_names, n_taken=len(listed)),
            min(n_open * bound * of_a_cluster, n_names - len(listed)),
            are_known=False,
        )
