"""Hypothesize: what a neuron sees in its samples, in clusters, each named by concepts."""

import hashlib
from collections.abc import Mapping

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.probe import probe_images, probe_pass
from sieve_assets.assets.records import Attempts, split_by_neuron, work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.select import neuron_ratios, selected_samples
from sieve_assets.assets.stages import Recipe, Share, stage
from sieve_assets.method.concept_sets import parse_concepts
from sieve_assets.study import Concepts, Study

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
    return Recipe((settings,), f"{bench.target_hash(model)} {bench.vision_language_hash}")


@stage(
    group="hypothesize",
    by="neuron",
    reads=[selected_samples, neuron_ratios, probe_pass, probe_images],
    recipe=_patches_recipe,
    version="2",
)
def patch_embeddings(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """Each sample cropped to what the neuron responds to, as a unit vector. SIEVE, Sec. 3.3."""
    from sieve_assets.assets.cropping import Cropper  # noqa: PLC0415 (scipy is slow to import)

    attempts = Attempts()
    for recorder in work(context, bench, patch_embeddings):
        compute = Cropper(bench, recorder.share).rows
        recorder.write_each(attempts, compute, table="patch_embeddings")
    attempts.finish("patch_embeddings")


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
        (how.model_dump(include=CLUSTER_SETTINGS), how.single_cluster_test, bench.study.seed)
    )


@stage(group="hypothesize", by="neuron", reads=[patch_embeddings], recipe=_clusters_recipe)
def clusters(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """The neuron's patches in Ward clusters, their number by silhouette. SIEVE, Sec. 3.3."""
    attempts = Attempts()
    for recorder in work(context, bench, clusters):
        patches = read_patches(bench, recorder.share)
        recorder.write_each(
            attempts,
            lambda neuron, found=patches, model=recorder.share.model: cluster_rows(
                found.get(neuron), model, neuron, bench.study
            ),
            table="clusters",
        )
    attempts.finish("clusters")


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
    settings = (concept_names(how), how.template, bench.study.hypothesize.n_concepts)
    return Recipe(settings, bench.vision_language_hash)


@stage(
    group="hypothesize",
    by="neuron",
    reads=[clusters, patch_embeddings],
    recipe=_hypotheses_recipe,
)
def concept_hypotheses(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """The concepts nearest to each cluster, by mean cosine g(t, C). SIEVE, Eq. 1 to 3."""
    count, attempts = bench.study.hypothesize.n_concepts, Attempts()
    for recorder in work(context, bench, concept_hypotheses):
        texts = embed_concepts(bench, bench.study.concepts)
        patches = read_patches(bench, recorder.share)
        recorder.write_each(
            attempts,
            lambda neuron, found=patches, model=recorder.share.model, texts=texts: hypothesis_rows(
                found.get(neuron), model, neuron, texts, count
            ),
            table="concept_hypotheses",
        )
    attempts.finish("concept_hypotheses")


def concept_names(how: Concepts) -> list[str]:
    """The concept set's names in their order.

    Raises:
        ValueError: The file is not UTF-8, or holds no concepts or what cannot be one.
    """
    try:
        return list(parse_concepts(how.file.read_text(encoding="utf-8")).names)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"concepts: expected UTF-8 text in {how.file}, got {error}. Save it as UTF-8."
        ) from error
    except ValueError as error:
        raise ValueError(f"{how.file}: {error}") from error


def embed_concepts(bench: Workbench, how: Concepts) -> dict[str, np.ndarray]:
    """The concept set's names in their order, each with its unit vector."""
    names = concept_names(how)
    vectors = bench.vision_language.embed_texts([how.template.replace("{}", n) for n in names])
    return dict(zip(names, vectors, strict=True))


def hypothesis_rows(
    patches: pd.DataFrame | None,
    model: str,
    neuron: int,
    texts: Mapping[str, np.ndarray],
    count: int,
) -> pd.DataFrame:
    """The neuron's rows of `concept_hypotheses`; none if it has no patches."""
    from sieve_assets.method.concept_hypotheses import (  # noqa: PLC0415 (with its neighbours)
        best_concepts,
        cluster_scores,
    )

    if patches is None:
        return pd.DataFrame()
    scores = cluster_scores(
        np.stack(list(patches["embedding"])),
        patches["cluster"].to_numpy(np.int64),
        np.stack(list(texts.values())),
    )
    best = best_concepts(scores, count=count)
    cluster, place = (axis.ravel() for axis in np.indices(best.shape))
    return pd.DataFrame(
        {
            "model": model,
            "neuron": neuron,
            "cluster": cluster,
            "place": place,
            "concept": np.array(list(texts))[best.ravel()],
            "score": scores[cluster, best.ravel()],
        }
    )
