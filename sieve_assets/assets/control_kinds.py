"""What controls of the verdict there are, and what each verdict must be.

Not here: how they are made (see `chance_controls`, `known_controls`), and what comes of them (see
`verdict_controls`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from sieve_assets.assets.errands import Errand
from sieve_assets.assets.evaluate import has_known_truth
from sieve_assets.assets.hypothesize import neuron_generator
from sieve_assets.assets.picture_bank import draw_missing, embed, observe, pictures_of
from sieve_assets.assets.probe_sets import read_probe
from sieve_assets.assets.reference_pictures import references
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.seen_activations import Activations, StoredActivations
from sieve_assets.assets.witnesses import Witnesses
from sieve_assets.method.generated_image_sets import picture_requests, prompt_for

FAIL, UNTESTABLE, PASS, REPORTED = "fail", "untestable", "pass", "reported"
PERMUTED, SHUFFLED, MEANINGLESS = "permuted activations", "shuffled names", "meaningless words"
LOGITS, PLANTED, COPY = "class logits", "planted directions", "random weights"
EXPECTED = {
    PERMUTED: FAIL,
    SHUFFLED: FAIL,
    MEANINGLESS: UNTESTABLE,
    LOGITS: PASS,
    PLANTED: PASS,
    COPY: REPORTED,
}
"""By kind, what the verdict must be: not verified, untestable, verified, or whatever it is."""
_FAR = 1_000_000
"""Beyond every neuron: where draws that belong to no neuron take their seeds."""


class Kind(NamedTuple):
    """Controls that are judged together: a family of their own.

    `pairs` are `neuron` (its place in `activations`) and `concept`, each pair once, with
    `n_pictures`, `told` (the neuron as the table has it), `draw`, `quality` and `oracle_true`.
    """

    control: str
    pairs: pd.DataFrame
    activations: Activations
    witnesses: Witnesses


@dataclass(frozen=True)
class Subject:
    """The target whose verdicts are tried.

    Attributes:
        errand: For whom networks look at pictures.
        tested: Its hypotheses: `neuron`, `concept` and `n_pictures`, each once.
    """

    errand: Errand
    tested: pd.DataFrame

    @property
    def bench(self) -> Workbench:
        """Stores and models."""
        return self.errand.bench

    @property
    def model(self) -> str:
        """Its name."""
        return self.errand.model

    @property
    def count(self) -> int:
        """Controls of a kind that costs something."""
        return self.bench.study.verify.n_controls

    @property
    def has_known_truth(self) -> bool:
        """Whether it is known what its probe images show."""
        return has_known_truth(self.bench.study, self.model)

    @cached_property
    def stored(self) -> StoredActivations:
        """Its own activations."""
        return StoredActivations(self.bench, self.model)

    @cached_property
    def images(self) -> pd.DataFrame:
        """Its probe images."""
        return read_probe(self.bench, self.bench.study.targets[self.model].probe)

    @cached_property
    def drawn(self) -> list[str]:
        """Concepts whose pictures are there anyway: references and its hypotheses."""
        return list(dict.fromkeys([*references(self.bench), *self.tested["concept"]]))

    @property
    def _n_images(self) -> int:
        return self.bench.study.generator.n_images

    def pairs(self, neurons: np.ndarray, concepts: Sequence[str], **known: object) -> pd.DataFrame:
        """Pairs of a kind; what is not told is as usual."""
        pairs = pd.DataFrame({"neuron": neurons, "concept": concepts}).reset_index(drop=True)
        usual = {
            "n_pictures": self._n_images,
            "told": pairs["neuron"],
            "draw": 0,
            "quality": np.nan,
            "oracle_true": None,
        }
        return pairs.assign(**{**usual, **known})

    def witnesses(self, pairs: pd.DataFrame) -> Witnesses:
        """What the vision-language model saw of the references and of the pairs' concepts."""
        asked = zip(pairs["concept"], pairs["n_pictures"], strict=True)
        hypotheses = dict.fromkeys((str(concept), int(number)) for concept, number in asked)
        return Witnesses(self.bench, self.model, tuple(references(self.bench)), tuple(hypotheses))

    def have(self, concepts: Sequence[str], *, is_observed: bool) -> None:
        """Draw all pictures of concepts that the bank lacks, and embed them.

        Args:
            concepts: Each once.
            is_observed: Whether the target is to look at them too.
        """
        drawing = self.bench.study.generator
        requests = picture_requests(
            [prompt_for(one, drawing.prompt) for one in concepts],
            identity=self.bench.generator_identity,
            n_images=drawing.n_images,
        )
        draw_missing(self.errand, requests)
        pictures = pictures_of(self.bench, requests)
        embed(self.errand, pictures)
        if is_observed:
            observe(self.errand, pictures)

    def generator(self, number: int) -> np.random.Generator:
        """Randomness of draws that belong to no neuron."""
        return neuron_generator(self.bench.study.seed, self.model, _FAR + number)
