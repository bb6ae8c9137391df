"""SIEVE's names on images of another kind than those that they were found on.

Not here: what is computed (`method.domain_shift`), and which images show a concept (see
`shown_images`).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.errands import Errand
from sieve_assets.assets.evidence import evidence
from sieve_assets.assets.explanations import comparison
from sieve_assets.assets.hypothesize import VISION_LANGUAGE
from sieve_assets.assets.partitions import shares
from sieve_assets.assets.probe import probe_activations, probe_pass, target_as_made
from sieve_assets.assets.probe_embeddings import probe_embeddings
from sieve_assets.assets.probe_sets import (
    PROBE_STATE,
    probe_images,
    read_probe,
    render_if_absent,
)
from sieve_assets.assets.records import work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.select import neuron_ratios
from sieve_assets.assets.shown import shift_pictures
from sieve_assets.assets.shown_images import (
    KNOWN,
    SEEN,
    Recognition,
    activations_on,
    is_truth_known,
    known_to_show,
)
from sieve_assets.assets.stages import Recipe, stage
from sieve_assets.assets.verdicts import verdicts
from sieve_assets.image_sets.listing import list_images

NO_PROBE = "no probe set of another kind"
N_KEPT = 5
"""Strongest images of either kind that are kept for pictures."""
_NAMES = """
SELECT v.neuron, v.concept, v.verdict, e.activation_rate, r.p99 AS threshold
FROM verdicts v
JOIN evidence e ON e.model = v.model AND e.neuron = v.neuron AND e.concept = v.concept
JOIN neuron_ratios r ON r.model = v.model AND r.neuron = v.neuron
WHERE v.model = $model AND v.neuron NOT IN (SELECT unnest($left_out::INTEGER[]))
ORDER BY v.neuron, v.concept
"""
_ACTIVATION = "SELECT activation FROM neuron_activations WHERE model = $1 AND neuron = $2"


class _Kind(NamedTuple):
    """Images of one kind, and what is known of them."""

    images: pd.DataFrame
    shows: np.ndarray
    """[image concept]"""
    activation_of: Callable[[int], np.ndarray]
    """Of a neuron, by image."""


def shifted_probe(bench: Workbench, model: str) -> str | None:
    """The probe set of another kind that a target's names are tried on; None without one."""
    return comparison(bench.study).domain_shift.probes.get(model)


def _recipe(bench: Workbench, model: str) -> Recipe:
    name = shifted_probe(bench, model)
    if name is None:
        return Recipe({"images": NO_PROBE}, status=NO_PROBE)
    made = target_as_made(bench, model)
    settings = {
        "n_strongest": comparison(bench.study).domain_shift.n_strongest,
        "probe": name,
        PROBE_STATE: bench.image_set(name).state(),
    }
    if is_truth_known(bench, bench.study.targets[model].probe, name):
        return Recipe(settings, **made)
    how, weights = bench.study, bench.vision_language_hash
    recognition = {
        "shown_percentile": how.verify.shown_percentile,
        "template": how.concepts.template,
        "prompt": how.generator.prompt,
        "n_images": how.generator.n_images,
        "generator": dict(bench.generator_identity),
    }
    return Recipe(
        settings | recognition,
        f"{made['weights_hash']} {weights}",
        {**made["models"], VISION_LANGUAGE: {"weights": weights}},
    )


@stage(
    group="compare",
    by="model",
    reads=[
        probe_images,
        probe_pass,
        probe_embeddings,
        probe_activations,
        neuron_ratios,
        evidence,
        verdicts,
    ],
    recipe=_recipe,
    given=["target_weights", "vision_language_model", "generator_model", "compare_settings"],
    runs_models=True,
    facts="""
    SELECT -1 AS neuron, any_value(shifted_probe) AS "probe set of another kind",
        count(*) FILTER (verdict = 'verified') AS "verified names",
        avg(activation_rate) FILTER (verdict = 'verified') AS "their AR on pictures",
        avg(recall) FILTER (verdict = 'verified') AS "recall on the probe images",
        avg(shifted_recall) FILTER (verdict = 'verified') AS "on images of another kind",
        any_value(shown_by) AS "what is shown, by"
    FROM domain_shift WHERE model = $model
    """,
    pictures=shift_pictures,
)
def domain_shift(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """SIEVE's names on the target's probe images, on images of another kind, and on pictures.

    Whether what a neuron is called holds where images look otherwise. Targets without a probe set
    of another kind (`compare.domain_shift`) get no rows. Source: SIEVE, Sec. 4.5, Fig. 5;
    docs/explainers.md.
    """
    for share in shares(context, bench.study):
        name = shifted_probe(bench, share.model)
        if name is not None:
            render_if_absent(bench, name)
    for recorder in work(context, bench, domain_shift):
        name = shifted_probe(bench, recorder.share.model)
        asked = {"model": recorder.share.model, "left_out": sorted(recorder.lineage.unreliable)}
        names = bench.warehouse.read(_NAMES, asked)
        if name is None or names.empty:
            recorder.write(pd.DataFrame())
        else:
            recorder.write(shift_rows(recorder.errand, name, names))


def shift_rows(errand: Errand, shifted: str, names: pd.DataFrame) -> pd.DataFrame:
    """Rows of `domain_shift`, one a name.

    Args:
        errand: For which target.
        shifted: The probe set of another kind.
        names: `neuron`, `concept`, `verdict`, `activation_rate` and `threshold`, at least one.
    """
    bench, model = errand.bench, errand.model
    probe, concepts = bench.study.targets[model].probe, sorted(set(names["concept"]))
    is_known = is_truth_known(bench, probe, shifted)
    listed = read_probe(bench, probe), list_images(bench.image_set(shifted)).images
    shown = _known if is_known else _recognised
    shows = shown(errand, (probe, shifted), listed, concepts)
    answers = activations_on(errand, shifted, listed[1])
    kinds = {
        "": _Kind(
            listed[0],
            shows[0],
            lambda neuron: np.asarray(
                bench.warehouse.read(_ACTIVATION, [model, neuron])["activation"].iloc[0]
            ),
        ),
        "shifted_": _Kind(listed[1], shows[1], lambda neuron: answers[:, neuron].copy()),
    }
    count = comparison(bench.study).domain_shift.n_strongest
    parts = [_rows_of_neuron(own, concepts, kinds, count) for _, own in names.groupby("neuron")]
    return pd.concat(parts, ignore_index=True).assign(
        model=model, probe=probe, shifted_probe=shifted, shown_by=KNOWN if is_known else SEEN
    )


def _known(
    errand: Errand, probes: Sequence[str], listed: Sequence[pd.DataFrame], concepts: Sequence[str]
) -> list[np.ndarray]:
    pairs = zip(probes, listed, strict=True)
    return [known_to_show(errand.bench, name, images, concepts) for name, images in pairs]


def _recognised(
    errand: Errand, probes: Sequence[str], listed: Sequence[pd.DataFrame], concepts: Sequence[str]
) -> list[np.ndarray]:
    recognition = Recognition(errand, concepts)
    return [recognition.shown(name, images) for name, images in zip(probes, listed, strict=True)]


def _rows_of_neuron(
    own: pd.DataFrame, concepts: Sequence[str], kinds: dict[str, _Kind], count: int
) -> pd.DataFrame:
    """A neuron's names with its scores on images of each kind."""
    from sieve_assets.method.domain_shift import (  # noqa: PLC0415 (at a run)
        firing_share,
        shown_scores,
        strongest,
    )

    threshold = float(own["threshold"].iloc[0])
    columns = pd.Index(concepts).get_indexer(pd.Index(own["concept"]))
    found: dict[str, object] = {}
    for prefix, kind in kinds.items():
        activation = kind.activation_of(int(own["neuron"].iloc[0]))
        scores = shown_scores(
            activation, kind.shows[:, columns], threshold=threshold, n_strongest=count
        )
        found |= {f"{prefix}{name}": values for name, values in scores._asdict().items()}
        found[f"{prefix}firing_share"] = firing_share(activation, threshold)
        uris = kind.images["uri"].iloc[strongest(activation, N_KEPT)].tolist()
        found[f"{prefix}strongest_uris"] = [uris] * len(own)
    return own.assign(**found)
