"""One target's plan of what the picture bank is asked for: to draw, to look at, to embed.

Not here: the other stages (see `planner`).
"""

from dataclasses import dataclass

import numpy as np

from sieve_assets.assets.chance_controls import words_of
from sieve_assets.assets.expectations import Concepts, Expectations
from sieve_assets.assets.known_controls import class_names_of, classes_of
from sieve_assets.assets.outlook import Outlook
from sieve_assets.assets.quantities import (
    BYTES,
    EMBEDDINGS,
    IN_BANK,
    NOTHING,
    PASSES,
    SECONDS,
    TO_DRAW,
    Amounts,
    Shared,
)
from sieve_assets.assets.reference_pictures import references
from sieve_assets.assets.rehearsal import Rehearsal
from sieve_assets.method import planned_work as work
from sieve_assets.method.generated_image_sets import PictureRequest
from sieve_assets.method.planned_work import FLOAT_BYTES, Amount, counted, estimated


@dataclass(frozen=True)
class PicturePlanner:
    """Plans the stages that need pictures.

    Attributes:
        outlook: What is to be made, and what is stored.
        tried: What a piece of work takes.
        shared: What is planned for other targets before it.
        expected: What is known or expected of the target's neurons.
    """

    outlook: Outlook
    tried: Rehearsal
    shared: Shared
    expected: Expectations

    @property
    def _n_images(self) -> int:
        return self.outlook.bench.study.generator.n_images

    @property
    def _n_first(self) -> int:
        """Pictures that every hypothesis gets."""
        return self.outlook.bench.study.generator.n_first

    @property
    def _references(self) -> list[str]:
        return references(self.outlook.bench)

    def reference_pictures(self) -> Amounts:
        """What the references lack."""
        requests = self.outlook.requests(self._references)
        missing = self._missing(requests)
        self.shared.pictures |= missing
        draw = counted(len(missing))
        in_bank = counted(len(requests) - len(missing))
        return {IN_BANK: in_bank, TO_DRAW: draw, **self._drawing(draw)}

    def generated_image_sets(self) -> Amounts:
        """What the hypotheses lack, of the pictures that each of them gets."""
        concepts = self.expected.concepts(self.outlook.is_ahead("generated_image_sets"))
        requests = self.outlook.requests(concepts.listed, n_images=self._n_first)
        missing = self._missing(requests)
        draw = self._to_draw(concepts, len(missing))
        needed = concepts.amount(len(requests), self._n_first)
        is_bank_empty = draw.expected == needed.expected
        self.shared.pictures |= missing
        self.shared.n_guessed += draw.expected - len(missing)
        amounts = {IN_BANK: NOTHING if is_bank_empty else needed.less(draw), TO_DRAW: draw}
        return amounts | self._drawing(draw)

    def _missing(self, requests: list[PictureRequest]) -> set[str]:
        """Pictures that neither the bank has nor an earlier target will draw."""
        return {one.picture_id for one in self.outlook.missing(requests)} - self.shared.pictures

    def _drawing(self, draw: Amount) -> Amounts:
        """What it takes to draw so many pictures."""
        if not draw.most:
            return {SECONDS: NOTHING}
        if self.shared.drawn is None:
            self.shared.drawn = self.tried.drawn(self.outlook.names, most=int(draw.most))
        drawn = self.shared.drawn
        return {BYTES: draw.times(drawn.picture_bytes), SECONDS: draw.times(drawn.seconds)}

    def _to_draw(self, concepts: Concepts, n_missing: int) -> Amount:
        """Pictures to draw, of which some are known to be missing from the bank."""
        if concepts.are_known:
            return counted(n_missing)
        others = [name for name in self.outlook.names if name not in set(concepts.listed)]
        n_open = len(self._missing(self.outlook.requests(others, n_images=self._n_first)))
        n_there = len(others) * self._n_first - n_open + self.shared.n_guessed
        return concepts.amount(
            n_missing,
            work.still_missing(n_there, n_kinds=len(others), n_of_each=self._n_first),
            most=min(concepts.most * self._n_first, n_open),
        )

    def activation_rates(self) -> Amounts:
        """Looks at the hypotheses' pictures."""
        concepts = self.expected.concepts(self.outlook.is_ahead("activation_rates"))
        first = self.outlook.requests(concepts.listed, n_images=self._n_first)
        return self._looks(concepts.amount(len(self.outlook.unseen(first)), self._n_first))

    def _looks(self, looks: Amount) -> Amounts:
        return {
            PASSES: looks,
            BYTES: looks.times(self.outlook.width * FLOAT_BYTES),
            SECONDS: looks.times(self.tried.look_s) if looks.most else NOTHING,
        }

    def probe_embeddings(self) -> Amounts:
        """Probe images that the vision-language model has not seen."""
        name = self.outlook.bench.study.targets[self.outlook.model].probe
        is_shared = name in self.shared.embedded_probes
        self.shared.embedded_probes.add(name)
        if is_shared:
            return self._embedding(NOTHING)
        n_images = self.expected.n_images
        n_stored = 0 if self.outlook.neurons("probe_images") else self.outlook.n_embedded_images
        return self._embedding(counted(n_images - n_stored))

    def _embedding(self, images: Amount) -> Amounts:
        if not images.most:
            return {EMBEDDINGS: images, BYTES: NOTHING, SECONDS: NOTHING}
        found = self.tried.embedded
        return {
            EMBEDDINGS: images,
            BYTES: images.times(found.n_features * FLOAT_BYTES),
            SECONDS: images.times(found.seconds),
        }

    def evidence(self) -> Amounts:
        """Looks at the other concepts' pictures, and what the vision-language model has not seen.

        The hypotheses' own pictures have been looked at before, with looks the first of them; the
        others are drawn here, as many as are planned if no hypothesis is clear before the last
        look.
        """
        concepts = self.expected.concepts(self.outlook.is_ahead("evidence"))
        passes, embeddings = self._looks_at_references(concepts), self._to_embed(concepts)
        if self._n_first == self._n_images:
            return _together(self._looks(passes), self._embedding(embeddings))
        more = self._to_draw_later(concepts)
        looks = self._looks(_at_most(passes.plus(self._unseen_later(concepts))))
        return {
            TO_DRAW: more,
            **_together(looks, self._embedding(_at_most(embeddings)), self._drawing(more)),
        }

    def _to_draw_later(self, concepts: Concepts) -> Amount:
        """Pictures after the first look, of what is no reference.

        Those that other targets may have drawn before count too: they need not.
        """
        chosen = set(self._references)
        others = [name for name in concepts.listed if name not in chosen]
        missing = self._missing(self._later(others))
        return _at_most(concepts.amount(len(missing), self._n_images - self._n_first))

    def _unseen_later(self, concepts: Concepts) -> Amount:
        unseen = self.outlook.unseen(self._later(concepts.listed))
        return concepts.amount(len(unseen), self._n_images - self._n_first)

    def _later(self, concepts: list[str]) -> list[PictureRequest]:
        """The pictures of concepts after the first look."""
        return [one for one in self.outlook.requests(concepts) if one.seed >= self._n_first]

    def _looks_at_references(self, concepts: Concepts) -> Amount:
        listed = set(concepts.listed)
        others = [name for name in self._references if name not in listed]
        unseen = len(self.outlook.unseen(self.outlook.requests(others)))
        if concepts.are_known:
            return counted(unseen)
        n_open = len(self.outlook.names) - len(listed)
        return estimated(unseen * (1 - concepts.guessed / max(n_open, 1)), unseen)

    def _to_embed(self, concepts: Concepts) -> Amount:
        known = list(dict.fromkeys([*self._references, *concepts.listed]))
        missing = self.outlook.unembedded(self.outlook.requests(known))
        missing_ids = {one.picture_id for one in missing} - self.shared.embedded
        self.shared.embedded |= missing_ids
        n_names, n_listed = len(self.outlook.names), len(concepts.listed)
        share = (n_names - len(known)) / max(n_names - n_listed, 1)
        others = (n_names - len(known)) * self._n_images
        return concepts.amount(
            len(missing_ids),
            share * self._n_images,
            most=min(concepts.most * self._n_images, others),
        )

    def verdict_controls(self) -> Amounts:
        """What only controls need: pictures of words and classes, and what two networks see."""
        bench, model = self.outlook.bench, self.outlook.model
        if not bench.study.verify.n_controls:
            return {}
        concepts = self.expected.concepts(np.ones(self.outlook.width, dtype=bool))
        drawn = [*self._references, *concepts.listed]
        words, names = words_of(bench), class_names_of(bench, model)
        classes = classes_of(bench, drawn, names)["concept"].tolist()
        requests = self.outlook.requests([*words, *classes])
        missing = self._missing(requests)
        self.shared.pictures |= missing
        draw = counted(len(missing))
        unembedded = {one.picture_id for one in self.outlook.unembedded(requests)}
        embedding = self._embedding(counted(len(unembedded - self.shared.embedded)))
        self.shared.embedded |= unembedded
        looks = self._looks(self._looks_at_controls(words, classes))
        return _together({TO_DRAW: draw}, self._drawing(draw), looks, embedding)

    def _looks_at_controls(self, words: list[str], classes: list[str]) -> Amount:
        """The target's at the words, and a random copy's and the logits' at images and pictures."""
        how, n_references = self.outlook.bench.study.verify, len(self._references)
        n_own = len(self.outlook.unseen(self.outlook.requests(words)))
        n_images = min(how.n_control_images, self.expected.n_images)
        of_logits = n_images + len({*self._references, *classes}) * self._n_images
        least = n_own + of_logits * bool(classes) + n_images + n_references * self._n_images
        return estimated(least, least + how.n_controls * self._n_images)


def _at_most(amount: Amount) -> Amount:
    """So much if no hypothesis is clear before the last look."""
    return amount.if_at_all(is_certain=False)


def _together(*parts: Amounts) -> Amounts:
    """Amounts of several kinds of work, with their bytes and seconds added up."""
    found: dict[str, Amount] = {}
    for part in parts:
        for name, amount in part.items():
            found[name] = found[name].plus(amount) if name in found else amount
    return found
