"""Hypothesize: what a neuron sees in its samples, in clusters, each named by concepts."""

import hashlib

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.partitions import Share
from sieve_assets.assets.probe import probe_pass
from sieve_assets.assets.probe_sets import probe_images
from sieve_assets.assets.records import split_by_neuron, work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.select import neuron_ratios, selected_samples
from sieve_assets.assets.shown import crop_pictures
from sieve_assets.assets.soundness import drawable, files_are_whole, unit_vectors
from sieve_assets.assets.stages import Recipe, stage
from sieve_assets.settings_hash import settings_hash
from sieve_assets.stores.concept_lists import Listing, listings, names_of, origins
from sieve_assets.study import Study

VISION_LANGUAGE = "vision-language model"
CROP_SETTINGS = {"crop_level", "crop_padding", "crop_min_side", "min_retention"}
CLUSTER_SETTINGS = {
    "max_clusters",
    "min_patches",
    "null_draws",
    "null_percentile",
    "min_silhouette",
}
_PATCHES = """
SELECT p.neuron, p.rank, p.embedding, c.cluster
FROM patch_embeddings p
LEFT JOIN clusters c ON c.model = p.model AND c.neuron = p.neuron AND c.rank = p.rank
WHERE p.model = $model AND p.neuron IN (SELECT unnest($neurons))
ORDER BY p.neuron, p.rank
"""


def _patches_recipe(bench: Workbench, model: str) -> Recipe:
    settings = bench.study.hypothesize.model_dump(include=CROP_SETTINGS)
    vision_language = bench.vision_language_hash
    return Recipe(
        {"crop": settings},
        f"{bench.target_hash(model)} {vision_language}",
        {"target": bench.target_identity(model), VISION_LANGUAGE: {"weights": vision_language}},
    )


@stage(
    group="hypothesize",
    by="neuron",
    reads=[selected_samples, neuron_ratios, probe_pass, probe_images],
    recipe=_patches_recipe,
    version="2",
    given=["target_weights", "vision_language_model", "hypothesize_settings"],
    runs_models=True,
    facts="""
    SELECT r.neuron, s.status, count(p.rank) AS patches, avg(p.crop_retention)
        AS "activation that the crops retain", count(*) FILTER (p.is_whole_image)
        AS "whole images in their place"
    FROM neuron_ratios r JOIN neuron_ratios s ON s.model = r.model AND s.neuron = r.neuron
    LEFT JOIN patch_embeddings p ON p.model = r.model AND p.neuron = r.neuron
    WHERE r.model = $model AND r.neuron IN (SELECT unnest($neurons)) GROUP BY ALL
    """,
    checks=[unit_vectors("patch_embeddings"), files_are_whole("patch_embeddings")],
)
def patch_embeddings(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """Each sample cropped to what the neuron responds to, as a unit vector.

    The crop is where the neuron's map is above half of its range; one that drives the neuron too
    little gives way to the whole image. Source: SIEVE, Sec. 3.3; docs/method.md, decisions 6 to 9.
    """
    from sieve_assets.assets.cropping import Cropper  # noqa: PLC0415 (scipy is slow to import)

    for recorder in work(context, bench, patch_embeddings):
        cropper = Cropper(bench, recorder.share)
        cropper.load()
        recorder.write_each(cropper.rows)


def read_patches(bench: Workbench, share: Share) -> dict[int, pd.DataFrame]:
    """Each selected neuron's patches in rank order, with their clusters where there are some."""
    found = bench.warehouse.read(_PATCHES, {"model": share.model, "neurons": share.neurons})
    return split_by_neuron(found)


def neuron_generator(seed: int, model: str, neuron: int) -> np.random.Generator:
    """The randomness of one neuron, whatever other neurons run with it."""
    name = int.from_bytes(hashlib.sha256(model.encode()).digest()[:8], "big")
    return np.random.default_rng([seed, name, neuron])


def _clusters_recipe(bench: Workbench, _model: str) -> Recipe:
    how = bench.study.hypothesize
    return Recipe(
        {
            "clusters": how.model_dump(include=CLUSTER_SETTINGS),
            "single_cluster_test": how.single_cluster_test,
            "seed": bench.study.seed,
        }
    )


@stage(
    group="hypothesize",
    by="neuron",
    reads=[patch_embeddings],
    recipe=_clusters_recipe,
    given=["hypothesize_settings"],
    facts="""
    SELECT p.neuron, s.status, count(c.rank) AS patches, any_value(c.n_clusters) AS clusters,
        any_value(c.silhouette) AS silhouette, max(c.best_silhouette) AS "best silhouette tried"
    FROM (SELECT unnest($neurons) AS neuron) p
    JOIN neuron_ratios s ON s.model = $model AND s.neuron = p.neuron
    LEFT JOIN clusters c ON c.model = $model AND c.neuron = p.neuron GROUP BY ALL
    """,
)
def clusters(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """The neuron's patches in Ward clusters, their number by mean silhouette.

    More than one only if the silhouette beats what the study asks for. Source: SIEVE, Sec. 3.3;
    docs/method.md, decision 10.
    """
    for recorder in work(context, bench, clusters):
        patches = read_patches(bench, recorder.share)
        recorder.write_each(
            lambda neuron, found=patches, model=recorder.share.model: cluster_rows(
                found.get(neuron), model, neuron, bench.study
            )
        )


def cluster_rows(
    patches: pd.DataFrame | None, model: str, neuron: int, study: Study
) -> pd.DataFrame:
    """The neuron's rows of `clusters`; none if it has no patches."""
    from sieve_assets.method.clusters import cluster_patches  # noqa: PLC0415 (scipy is slow)

    if patches is None:
        return pd.DataFrame()
    found = cluster_patches(
        np.stack(list(patches["embedding"])),
        test=study.hypothesize.single_cluster_test,
        generator=neuron_generator(study.seed, model, neuron),
        **study.hypothesize.model_dump(include=CLUSTER_SETTINGS),
    )
    values = found._asdict()
    return patches.filter(["neuron", "rank"]).assign(
        model=model, cluster=values.pop("labels"), **values
    )


def _hypotheses_recipe(bench: Workbench, _model: str) -> Recipe:
    how = bench.study.concepts
    weights = bench.vision_language_hash
    return Recipe(
        {
            "concepts": concept_names(bench.study),
            "template": how.template,
            "n_concepts": bench.study.hypothesize.n_concepts,
        },
        weights,
        {VISION_LANGUAGE: {"weights": weights}, "concepts from": origins(how)},
    )


@stage(
    group="hypothesize",
    by="neuron",
    reads=[clusters, patch_embeddings],
    recipe=_hypotheses_recipe,
    given=["concept_set", "vision_language_model", "hypothesize_settings"],
    runs_models=True,
    facts="""
    SELECT p.neuron, s.status, count(h.concept) AS hypotheses, max(h.score) AS "best cosine",
        list(DISTINCT h.concept ORDER BY h.concept) FILTER (h.concept IS NOT NULL) AS concepts
    FROM (SELECT unnest($neurons) AS neuron) p
    JOIN neuron_ratios s ON s.model = $model AND s.neuron = p.neuron
    LEFT JOIN concept_hypotheses h ON h.model = $model AND h.neuron = p.neuron GROUP BY ALL
    """,
    pictures=crop_pictures,
    checks=[drawable()],
)
def concept_hypotheses(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """The K concepts nearest to each cluster of patches: the names that are put to the test.

    g(t, C) is the mean cosine between a concept's text and the cluster's patches. Source: SIEVE,
    Eq. 1 to 3.
    """
    from sieve_assets.assets.naming import Namer  # noqa: PLC0415 (as its neighbours)

    count = bench.study.hypothesize.n_concepts
    for recorder in work(context, bench, concept_hypotheses):
        model = recorder.share.model
        namer = Namer(model, read_patches(bench, recorder.share), embed_concepts(bench), count)
        recorder.write_each(namer.rows)


def concept_names(study: Study) -> list[str]:
    """The concept set's names in their order. Errors: as `concept_listings`."""
    return names_of(concept_listings(study))


def concept_listings(study: Study) -> list[Listing]:
    """What each source of the concept set gives.

    Raises:
        ValueError: A file is not UTF-8, or holds no concepts or what cannot be one.
        LookupError: A target does not say what its classes are called, or a library is missing.
    """

    def class_names(target: str) -> list[str]:
        from sieve_assets.models import class_names as names  # noqa: PLC0415 (it may load torch)

        return names.class_names(study.targets[target])

    return listings(study.concepts, class_names)


def embed_concepts(bench: Workbench) -> dict[str, np.ndarray]:
    """The concept set's names in their order, each with its unit vector; embedded once."""
    names = concept_names(bench.study)
    template = bench.study.concepts.template
    vectors = embed_texts(bench, [template.replace("{}", name) for name in names])
    return dict(zip(names, vectors, strict=True))


def embed_texts(bench: Workbench, texts: list[str]) -> np.ndarray:
    """The texts' unit vectors, `[text feature]`; the same texts are embedded and read once."""
    texts_id = settings_hash(bench.vision_language_hash, texts)
    if texts_id not in bench.text_vectors:
        bench.text_vectors[texts_id] = _vectors(bench, texts_id, texts)
    return bench.text_vectors[texts_id]


def _vectors(bench: Workbench, texts_id: str, texts: list[str]) -> np.ndarray:
    known = bench.warehouse.read("SELECT uri FROM text_embeddings WHERE texts_id = $1", [texts_id])
    if len(known):
        return bench.arrays.open(str(known["uri"].iloc[0]), verify=True)["embeddings"]
    vectors = bench.vision_language.embed_texts(texts)
    uri = bench.arrays.put({"embeddings": vectors})
    row = {"texts_id": texts_id, "uri": uri, "n_texts": len(texts)}
    bench.warehouse.add_missing("text_embeddings", pd.DataFrame([row]))
    return vectors
