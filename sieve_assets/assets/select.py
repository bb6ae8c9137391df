"""Select: which neurons have a clear preference, and the images that show it."""

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.partitions import Share
from sieve_assets.assets.probe import probe_activations, probe_pass, read_pass
from sieve_assets.assets.probe_sets import probe_images, read_probe
from sieve_assets.assets.records import work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import Recipe, stage
from sieve_assets.method import neuron_ratios as ratios_method
from sieve_assets.method import selected_samples as samples_method
from sieve_assets.study import Study

MOST_TARGETS = 1_000_000
"""Of one warehouse: more than there can be."""


def beta_of(study: Study, model: str) -> float:
    """The threshold that the target's rule is held against."""
    target = study.targets[model]
    of_rule = study.select.beta_signed if target.rule == "signed" else study.select.beta
    return of_rule if target.beta is None else target.beta


def read_activations(bench: Workbench, share: Share) -> np.ndarray:
    """Activations `[neuron, image]` of a share on the probe images that are not held out."""
    images = read_probe(bench, bench.study.targets[share.model].probe)
    is_used = ~images["is_held_out"].to_numpy()
    if len(share.neurons) == 1:
        return read_distribution(bench, share.model, share.neurons[0])[None, is_used]
    found = bench.warehouse.read(
        "SELECT activation FROM neuron_activations WHERE model = $model"
        " AND neuron IN (SELECT unnest($neurons)) ORDER BY neuron",
        {"model": share.model, "neurons": share.neurons},
    )
    return np.stack([activation[is_used] for activation in found["activation"]])


def read_distribution(bench: Workbench, model: str, neuron: int) -> np.ndarray:
    """One neuron's activations by position of the probe set, without reading its neighbours'.

    DuckDB looks into an index only for a condition that stands alone; the limit keeps the other
    one out of it.

    Raises:
        LookupError: None are stored.
    """
    found = bench.warehouse.read(
        "SELECT activation FROM (SELECT model, activation FROM neuron_activations"
        " WHERE neuron = $neuron LIMIT $targets) WHERE model = $model",
        {"model": model, "neuron": neuron, "targets": MOST_TARGETS},
    )
    if found.empty:
        raise LookupError(
            f"read_distribution: expected the activations of {model}, neuron {neuron}, got none "
            "stored. Materialize probe_activations first."
        )
    return found["activation"].iloc[0]


def _ratios_recipe(bench: Workbench, model: str) -> Recipe:
    select = bench.study.select
    return Recipe(
        {
            "rule": bench.study.targets[model].rule,
            "beta": beta_of(bench.study, model),
            "percentile": select.percentile,
            "normalise": select.normalise,
            "gate": select.gate,
        }
    )


@stage(
    group="select",
    by="neuron",
    reads=[probe_activations, probe_images],
    recipe=_ratios_recipe,
    given=["select_settings"],
    facts="""
    SELECT r.neuron, s.status, r.ratio, r.beta, r.p99, r.median, r.is_sparse AS "mostly one value"
    FROM neuron_ratios r JOIN neuron_ratios s ON s.model = r.model AND s.neuron = r.neuron
    WHERE r.model = $model AND r.neuron IN (SELECT unnest($neurons))
    """,
)
def neuron_ratios(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """How clear a neuron's preference is, and whether it is selected.

    Contrast = p99 / median of its activations on the probe images (signed activations:
    (p99 - median) / (1.4826 MAD)); a neuron is selected if that exceeds β. Source: SIEVE, Sec. 3.2.
    """
    select = bench.study.select
    for recorder in work(context, bench, neuron_ratios):
        share = recorder.share
        rule, beta = bench.study.targets[share.model].rule, beta_of(bench.study, share.model)
        found = ratios_method.neuron_ratios(
            read_activations(bench, share),
            rule=rule,
            beta=beta,
            percentile=select.percentile,
            normalise=select.normalise,
            gate=select.gate,
        )
        rows = pd.DataFrame(found._asdict()).assign(
            model=share.model, neuron=share.neurons, rule=rule, beta=beta
        )
        recorder.write(rows)


def _samples_recipe(bench: Workbench, model: str) -> Recipe:
    """Beta is among the settings only where it admits samples, not whole neurons."""
    select = bench.study.select
    line = {"beta": beta_of(bench.study, model), "normalise": select.normalise}
    is_by_sample = select.gate == "sample"
    return Recipe(
        {"n_samples": select.n_samples, "gate": select.gate} | (line if is_by_sample else {})
    )


@stage(
    group="select",
    by="neuron",
    reads=[neuron_ratios, probe_pass, probe_images],
    recipe=_samples_recipe,
    given=["select_settings"],
    facts="""
    SELECT r.neuron, s.status, count(x.rank) AS samples, max(x.activation) AS strongest,
        min(x.activation) AS weakest, first(x.image_id ORDER BY x.rank)
        AS "strongest image"
    FROM neuron_ratios r JOIN neuron_ratios s ON s.model = r.model AND s.neuron = r.neuron
    LEFT JOIN selected_samples x ON x.model = r.model AND x.neuron = r.neuron
    WHERE r.model = $model AND r.neuron IN (SELECT unnest($neurons)) GROUP BY ALL
    """,
)
def selected_samples(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """The strongest probe images of each selected neuron, from rank 0.

    Images that are held out are never among them. Source: SIEVE, Sec. 3.2.
    """
    select = bench.study.select
    for recorder in work(context, bench, selected_samples):
        share = recorder.share
        rows = _samples(bench, share)
        if select.gate == "sample":
            rows = rows.loc[_passes(bench, share, rows)]
        recorder.write(rows)


def _samples(bench: Workbench, share: Share) -> pd.DataFrame:
    """The selected neurons' kept samples as rows."""
    images = read_probe(bench, bench.study.targets[share.model].probe)
    neurons = read_selected(bench, share)
    positions, activations = strongest_samples(bench, share.model, neurons)
    count = positions.shape[1]
    return pd.DataFrame(
        {
            "model": share.model,
            "neuron": np.repeat(neurons, count),
            "rank": np.tile(np.arange(count), len(neurons)),
            "image_id": images["image_id"].to_numpy()[positions.ravel()],
            "activation": activations.ravel(),
        }
    )


def strongest_samples(
    bench: Workbench, model: str, neurons: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Positions and activations `[neuron rank]` of neurons' strongest images, selected or not."""
    kept = bench.arrays.open(str(read_pass(bench, model)["strongest_uri"]), verify=True)
    count = bench.study.select.n_samples
    return kept["positions"][neurons, :count], kept["activations"][neurons, :count]


def read_selected(bench: Workbench, share: Share) -> np.ndarray:
    """The share's selected neurons, in order."""
    found = bench.warehouse.read(
        "SELECT neuron FROM neuron_ratios WHERE model = $model AND status = 'selected'"
        " AND neuron IN (SELECT unnest($neurons)) ORDER BY neuron",
        {"model": share.model, "neurons": share.neurons},
    )
    return found["neuron"].to_numpy(np.int64)


def _passes(bench: Workbench, share: Share, rows: pd.DataFrame) -> np.ndarray:
    """Whether each sample passes the gate on samples (method.md, decision 2)."""
    neurons = read_selected(bench, share)
    if not len(neurons):
        return np.zeros(0, dtype=bool)
    only = Share(share.model, neurons.tolist(), [])
    return samples_method.passes_gate(
        rows["activation"].to_numpy().reshape(len(neurons), -1),
        read_activations(bench, only),
        rule=bench.study.targets[share.model].rule,
        normalise=bench.study.select.normalise,
        beta=beta_of(bench.study, share.model),
    ).ravel()
