"""Hypothesize: what the neuron sees in its strongest images, in clusters, each named from the concept set."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.probe import probe_pass, read_pass
from sieve_assets.assets.records import Attempts, Recorder
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.select import neuron_ratios, selected_samples
from sieve_assets.assets.stages import Share, shares, stage
from sieve_assets.method.concept_sets import parse_concepts
from sieve_assets.stores.probe_images import open_image

if TYPE_CHECKING:
    from sieve_assets.method.patch_embeddings import PixelBox


@dataclass
class Cropper:
    """Cuts and embeds the patches of one target's neurons; a patch that comes again is embedded once."""

    bench: Workbench
    share: Share
    embedded: dict[str, np.ndarray] = field(default_factory=dict)

    @cached_property
    def samples(self) -> dict[int, pd.DataFrame]:
        """Each neuron's samples with their image and the neuron's median."""
        found = self.bench.warehouse.read(
            "SELECT s.*, i.uri, i.width_px, i.height_px, i.position, r.median"
            " FROM selected_samples s JOIN probe_images i ON i.image_id = s.image_id"
            " JOIN neuron_ratios r ON r.model = s.model AND r.neuron = s.neuron"
            " WHERE s.model = $model AND i.probe = $probe AND s.neuron IN (SELECT unnest($neurons))"
            " ORDER BY s.neuron, s.rank",
            {
                "model": self.share.model,
                "probe": self.bench.study.targets[self.share.model].probe,
                "neurons": self.share.neurons,
            },
        )
        return dict(tuple(found.groupby("neuron")))

    @cached_property
    def maps(self) -> np.ndarray:
        """Maps of every neuron's strongest images, `[neuron, place, row, column]`."""
        uri = read_pass(self.bench, self.share.model)["strongest_uri"]
        return self.bench.arrays.open(uri)["maps"]

    def rows(self, neuron: int) -> pd.DataFrame:
        """The neuron's rows of `patch_embeddings`; none if it was not selected."""
        from sieve_assets.method.patch_embeddings import (  # noqa: PLC0415 (scipy is slow)
            PixelBox,
            crop_retention,
        )

        samples = self.samples.get(neuron)
        if samples is None:
            return pd.DataFrame()
        images = [open_image(uri) for uri in samples["uri"]]
        boxes = [self._box(neuron, sample) for sample in samples.itertuples()]
        crops = [image.crop(box) for image, box in zip(images, boxes, strict=True)]
        seen = self.bench.target(self.share.model).activations(crops)[:, neuron]
        retention = crop_retention(
            seen, samples["activation"].to_numpy(), samples["median"].to_numpy()
        )
        is_whole = retention < self.bench.study.hypothesize.min_retention
        for place in np.flatnonzero(is_whole):
            boxes[place] = PixelBox(0, 0, *images[place].size)
            crops[place] = images[place]
        stored = [self.bench.images.put(crop) for crop in crops]
        return samples[["model", "neuron", "rank", "image_id"]].assign(
            **dict(zip(PixelBox._fields, np.array(boxes).T, strict=True)),
            crop_retention=retention,
            is_whole_image=is_whole,
            uri=[one.uri for one in stored],
            embedding=self._embeddings(
                dict(zip([one.sha256 for one in stored], crops, strict=True)), stored
            ),
        )

    def _box(self, neuron: int, sample: object) -> "PixelBox":
        from sieve_assets.method.patch_embeddings import (  # noqa: PLC0415 (scipy is slow)
            box_in_original,
            crop_box,
        )

        how, transform = (
            self.bench.study.hypothesize,
            self.bench.study.targets[self.share.model].transform,
        )
        in_frame = crop_box(
            self.maps[neuron, sample.rank],
            frame_px=transform.crop_px,
            level=how.crop_level,
            padding=how.crop_padding,
            min_side=how.crop_min_side,
        )
        return box_in_original(
            in_frame,
            width_px=sample.width_px,
            height_px=sample.height_px,
            resize_px=transform.resize_px,
            crop_px=transform.crop_px,
        )

    def _embeddings(self, crops: dict[str, object], stored: list) -> list[np.ndarray]:
        new = [sha256 for sha256 in crops if sha256 not in self.embedded]
        if new:
            vectors = self.bench.vision_language.embed_images([crops[sha256] for sha256 in new])
            self.embedded |= dict(zip(new, vectors, strict=True))
        return [self.embedded[one.sha256] for one in stored]


@stage(group="hypothesize", by="neuron", reads=[selected_samples, neuron_ratios, probe_pass])
def patch_embeddings(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """Each sample cropped to what the neuron responds to, as a unit vector. Source: SIEVE, Sec. 3.3."""
    how, attempts = bench.study.hypothesize, Attempts()
    for share in shares(context, bench.study):
        settings = how.model_dump(
            include={"crop_level", "crop_padding", "crop_min_side", "min_retention"}
        )
        weights = f"{bench.target(share.model).weights_hash} {bench.vision_language.weights_hash}"
        recorder = Recorder(context, bench, patch_embeddings, share, (settings,), weights)
        recorder.require_inputs()
        recorder.write_each(attempts, Cropper(bench, share).rows, table="patch_embeddings")
    attempts.finish("patch_embeddings")


def read_patches(bench: Workbench, share: Share) -> dict[int, pd.DataFrame]:
    """Each selected neuron's patches in rank order, with their clusters where there are some."""
    found = bench.warehouse.read(
        "SELECT p.neuron, p.rank, p.embedding, c.cluster FROM patch_embeddings p"
        " LEFT JOIN clusters c ON c.model = p.model AND c.neuron = p.neuron AND c.rank = p.rank"
        " WHERE p.model = $model AND p.neuron IN (SELECT unnest($neurons)) ORDER BY p.neuron, p.rank",
        {"model": share.model, "neurons": share.neurons},
    )
    return dict(tuple(found.groupby("neuron")))


def neuron_generator(seed: int, model: str, neuron: int) -> np.random.Generator:
    """The randomness of one neuron, whatever other neurons run with it."""
    name = int.from_bytes(hashlib.sha256(model.encode()).digest()[:8])
    return np.random.default_rng([seed, name, neuron])


@stage(group="hypothesize", by="neuron", reads=[patch_embeddings])
def clusters(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """The neuron's patches in Ward clusters, their number by silhouette. Source: SIEVE, Sec. 3.3."""
    from sieve_assets.method.clusters import cluster_patches  # noqa: PLC0415 (scikit-learn is slow)

    how, attempts = bench.study.hypothesize, Attempts()
    settings = how.model_dump(
        include={"max_clusters", "min_patches", "null_draws", "null_percentile", "min_silhouette"}
    )
    for share in shares(context, bench.study):
        chosen = (settings, how.single_cluster_test, bench.study.seed)
        recorder = Recorder(context, bench, clusters, share, chosen)
        recorder.require_inputs()
        patches = read_patches(bench, share)

        def rows(
            neuron: int, model: str = share.model, patches: dict[int, pd.DataFrame] = patches
        ) -> pd.DataFrame:
            if neuron not in patches:
                return pd.DataFrame()
            found = cluster_patches(
                np.stack(list(patches[neuron]["embedding"])),
                test=how.single_cluster_test,
                generator=neuron_generator(bench.study.seed, model, neuron),
                **settings,
            )
            values = found._asdict()
            return patches[neuron][["neuron", "rank"]].assign(
                model=model, cluster=values.pop("labels"), **values
            )

        recorder.write_each(attempts, rows, table="clusters")
    attempts.finish("clusters")


@stage(group="hypothesize", by="neuron", reads=[clusters, patch_embeddings])
def concept_hypotheses(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """The concepts nearest to each cluster, by mean cosine g(t, C). Source: SIEVE, Eq. 1 to 3."""
    from sieve_assets.method.concept_hypotheses import (  # noqa: PLC0415 (scikit-learn is slow)
        best_concepts,
        cluster_scores,
    )

    concepts, how = bench.study.concepts, bench.study.hypothesize
    names = np.array(parse_concepts(concepts.file.read_text(encoding="utf-8")).names)
    texts = bench.vision_language.embed_texts([concepts.template.format(name) for name in names])
    attempts = Attempts()
    for share in shares(context, bench.study):
        settings = (names.tolist(), concepts.template, how.n_concepts)
        weights = bench.vision_language.weights_hash
        recorder = Recorder(context, bench, concept_hypotheses, share, settings, weights)
        recorder.require_inputs()
        patches = read_patches(bench, share)

        def rows(
            neuron: int, model: str = share.model, patches: dict[int, pd.DataFrame] = patches
        ) -> pd.DataFrame:
            if neuron not in patches:
                return pd.DataFrame()
            labels = patches[neuron]["cluster"].to_numpy(np.int64)
            scores = cluster_scores(np.stack(list(patches[neuron]["embedding"])), labels, texts)
            best = best_concepts(scores, count=how.n_concepts)
            cluster, place = (axis.ravel() for axis in np.indices(best.shape))
            return pd.DataFrame(
                {
                    "model": model,
                    "neuron": neuron,
                    "cluster": cluster,
                    "place": place,
                    "concept": names[best.ravel()],
                    "score": scores[cluster, best.ravel()],
                }
            )

        recorder.write_each(attempts, rows, table="concept_hypotheses")
    attempts.finish("concept_hypotheses")
