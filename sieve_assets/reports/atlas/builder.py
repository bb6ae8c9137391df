"""The atlas of one target, written: only files that would be others than they are."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from PIL import Image

from sieve_assets.reports.atlas import index_data, site
from sieve_assets.reports.atlas.exports import export_files
from sieve_assets.reports.atlas.material import Material
from sieve_assets.reports.atlas.neuron_facts import (
    NeuronFacts,
    Row,
    facts_of,
    rows_by_neuron,
    rows_of,
)
from sieve_assets.reports.atlas.neuron_page import Drawn, Shown, page_context
from sieve_assets.reports.atlas.others import NO_OTHERS
from sieve_assets.reports.atlas.pages import render
from sieve_assets.reports.atlas.sheets import in_square, layout, sheet, strip
from sieve_assets.reports.atlas.site import Site, neuron_file
from sieve_assets.stores.content_files import write_changed

PICTURE_PX, CROP_PX = 104, 64
"""Sides of the squares of images and pictures, unless these are smaller, and of crops."""
N_THUMBNAILS, THUMBNAIL_PX, THUMBNAIL_QUALITY = 3, 44, 42
"""A neuron's strongest crops in the index: small, for there may be thousands."""
N_KEPT, N_CROPS_KEPT = 4096, 256
"""Squares of probe images kept in memory, of 32 kB, since neurons share their strongest images; and
of crops, of 12 kB, which are those of the neurons that are being written.
"""
_CHECKS = """
SELECT concept, arg_max(word_rank, n_pictures) AS word_rank FROM (
    SELECT concept, word_rank, n_pictures FROM evidence
    UNION ALL SELECT concept, word_rank, n_pictures FROM revised_names
) GROUP BY concept
"""


@dataclass(frozen=True)
class Builder:
    """Writes what belongs to a target.

    Attributes:
        material: The target's results.
        site: The folder.
        version: Of templates and scripts, as `site.version`.
        stale: Neurons whose rows are not as they would be made now, by stage.
    """

    material: Material
    site: Site
    version: str
    stale: Mapping[str, Sequence[int]]

    def facts(self, neurons: Sequence[int]) -> list[NeuronFacts]:
        """All that is stored of some neurons: of those that have been observed."""
        found = self.material
        facts = facts_of(found.warehouse, found.model, neurons, found.stages)
        for one in facts:
            one.samples = one.samples or self._unselected.get(one.neuron, [])
        return facts

    def write_neuron(self, facts: NeuronFacts) -> None:
        """A neuron's page and its pictures."""
        model, width = self.material.model, self.material.width
        stem = f"{model}/neurons/{neuron_file(facts.neuron, width)}"
        context = page_context(facts, self._shown(facts))
        self.site.keep(
            f"{stem}.html", [self.version, context], lambda: render("neuron.html.j2", **context)
        )
        if not facts.samples:
            return
        images = [[row["sha256"], row["uri"]] for row in facts.samples]
        self.site.keep(f"{stem}.webp", [images, PICTURE_PX], lambda: self._samples(facts.samples))
        crops = [row["crop_uri"] for row in facts.samples]
        if any(crops):
            self.site.keep(f"{stem}-crops.webp", [crops, CROP_PX], lambda: self._crops(crops))
        small = [*images[:N_THUMBNAILS], *crops[:N_THUMBNAILS], THUMBNAIL_PX, THUMBNAIL_QUALITY]
        self.site.keep(f"{stem}-small.webp", small, lambda: self._small(facts.samples))

    def write_concept(self, concept: str) -> None:
        """A concept's page and its pictures, which all targets share."""
        drawn, uris = self.drawn[concept], self._uris[concept]
        how = self.material.study.generator
        file = f"{drawn.slug}.webp"
        context = {
            "root": "..",
            "page": "concept",
            "target": None,
            "concept": concept,
            "slug": drawn.slug,
            "prompt": how.prompt.replace("{}", concept),
            "generator": Path(how.pipeline).name,
            "sheet": {
                "file": file,
                "seeds": [int(seed) for seed in drawn.seeds],
                **drawn.how._asdict(),
            },
            "check": {
                "word_rank": self._checks.get(concept),
                "n_best": self.material.study.verify.n_best_words,
            },
        }
        self.site.keep(
            f"concepts/{drawn.slug}.html",
            [self.version, context],
            lambda: render("concept.html.j2", **context),
        )
        self.site.keep(f"concepts/{file}", [uris, PICTURE_PX], lambda: self._pictures(uris))

    def write_index(self) -> None:
        """The index of the target, what it loads, and the pages of the site as a whole."""
        found, model = self.material, self.material.model
        self.site.put(
            f"{model}/index.html",
            render("index.html.j2", root="..", page="index", target=model),
        )
        for name, value in (
            ("neurons", index_data.neurons_data(found) | {"stale": self.stale}),
            ("words", index_data.words_data(found)),
            ("rates", index_data.rates_data(found)),
            ("history", index_data.history_data(found)),
            ("made_with", index_data.made_with_data(found)),
        ):
            self.site.put_data(f"{model}/index/{name}.js", f"{model}/{name}", value)
        for name, content in export_files(found.warehouse, model).items():
            self.site.put(f"{model}/export/{name}", content)
        self._write_frame()

    def _write_frame(self) -> None:
        """What all targets share: scripts, styles and the first pages."""
        model = self.material.model
        for name, content in site.static_files().items():
            self.site.put(f"assets/{name}", content)
        self.site.keep("assets/vega.js", site.vega_made_from(), site.vega)
        others = self.site.root / model / "index" / "others.js"  # the report's stage makes it
        if not others.exists():
            write_changed(others, site.data_script(f"{model}/others", NO_OTHERS).encode())
        self.site.put("index.html", render("home.html.j2", root=".", page="home", target=None))
        page = render("compare.html.j2", root=".", page="compare", target=None)
        self.site.put("compare.html", page)
        site.write_targets(self.site.root, self.material.study)

    @cached_property
    def drawn(self) -> dict[str, Drawn]:
        """The concepts that were drawn for the target, each with its pictures."""
        found = {}
        for concept, rows in self.material.pictures.groupby("concept", sort=False):
            name = str(concept)
            found[name] = Drawn(name, rows["seed"].tolist(), layout(len(rows)))
        return found

    @cached_property
    def _names(self) -> dict[int, str]:
        tried = self.material.tried[self.material.tried["is_shown"]]
        return dict(zip(tried["neuron"].tolist(), tried["concept"].tolist(), strict=True))

    @cached_property
    def _uris(self) -> dict[str, list[str]]:
        groups = self.material.pictures.groupby("concept", sort=False)["uri"]
        return {str(concept): uris.tolist() for concept, uris in groups}

    @cached_property
    def _checks(self) -> dict[str, int]:
        found = self.material.warehouse.read(_CHECKS)
        return {str(row["concept"]): int(row["word_rank"]) for row in rows_of(found)}

    @cached_property
    def _unselected(self) -> dict[int, list[Row]]:
        return rows_by_neuron(self.material.strongest)

    def _shown(self, facts: NeuronFacts) -> Shown:
        found = self.material
        answers = {
            concept: found.answers[facts.neuron, concept]
            for concept in facts.concepts
            if (facts.neuron, concept) in found.answers
        }
        return Shown(
            model=found.model,
            width=found.width,
            transform=found.transform,
            maps=found.maps[facts.neuron],
            drawn=self.drawn,
            answers=answers,
            name=self._names.get(facts.neuron),
        )

    @cached_property
    def _square(self) -> Callable[[str, int], Image.Image]:
        """Squares of probe images; several neurons ask for the same."""

        @lru_cache(maxsize=N_KEPT)
        def square(uri: str, side_px: int) -> Image.Image:
            return in_square(self.material.open_probe_image(uri), side_px)

        return square

    @cached_property
    def _crop(self) -> Callable[[str], Image.Image]:
        """Squares of crops: the strongest are in the sheet and in the thumbnail."""

        @lru_cache(maxsize=N_CROPS_KEPT)
        def crop(uri: str) -> Image.Image:
            return in_square(self.material.open_stored_image(uri), CROP_PX)

        return crop

    def _samples(self, samples: list[Row]) -> bytes:
        side_px = _side_px(max(row["width_px"], row["height_px"]) for row in samples)
        return sheet([self._square(row["uri"], side_px) for row in samples])

    def _crops(self, uris: list[str]) -> bytes:
        return sheet([self._crop(uri) for uri in uris])

    def _pictures(self, uris: list[str]) -> bytes:
        pictures = [self.material.open_stored_image(uri) for uri in uris]
        side_px = _side_px(max(picture.size) for picture in pictures)
        return sheet([in_square(picture, side_px) for picture in pictures])

    def _small(self, samples: list[Row]) -> bytes:
        squares = [self._seen(row) for row in samples[:N_THUMBNAILS]]
        return strip(squares, THUMBNAIL_PX, THUMBNAIL_QUALITY)

    def _seen(self, row: Row) -> Image.Image:
        """What the neuron sees of a sample: its crop, or the image if none was cut."""
        if row["crop_uri"]:
            return self._crop(row["crop_uri"])
        return self._square(row["uri"], _side_px([row["width_px"], row["height_px"]]))


def _side_px(sides: Iterable[int]) -> int:
    return min(PICTURE_PX, max(sides))
