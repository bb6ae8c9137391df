"""Select: which neurons have a clear preference, and the images that show it."""

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.probe import (
    probe_activations,
    probe_images,
    probe_pass,
    read_pass,
    read_probe,
)
from sieve_assets.assets.records import work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import Recipe, Share, stage
from sieve_assets.method import neuron_ratios as ratios_method
from sieve_assets.method import selected_samples as samples_method
from sieve_assets.study import Study


def beta_of(study: Study, model: str) -> float:
    """The threshold that the target's rule is held against."""
    is_signed = study.targets[model].rule == "signed"
    return study.select.beta_signed if is_signed else study.select.beta


def read_activations(bench: Workbench, share: Share) -> np.ndarray:
    """Activations `[neuron, image]` of a share on the probe images that are not held out."""
    found = bench.warehouse.read(
        "SELECT activation FROM neuron_activations WHERE model = $model"
        " AND neuron IN (SELECT unnest($neurons)) ORDER BY neuron",
        {"model": share.model, "neurons": share.neurons},
    )
    images = read_probe(bench, bench.study.targets[share.model].probe)
    return np.stack(list(found["activation"]))[:, ~images["is_held_out"].to_numpy()]


def _ratios_recipe(bench: Workbench, model: str) -> Recipe:
    select, rule = bench.study.select, bench.study.targets[model].rule
    beta = beta_of(bench.study, model)
    return Recipe((rule, beta, select.percentile, select.normalise, select.gate))


@stage(group="select", by="neuron", reads=[probe_activations, probe_images], recipe=_ratios_recipe)
def neuron_ratios(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """How clear a neuron's preference is: p99 / median, selected above beta. SIEVE, Sec. 3.2."""
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
        recorder.write(rows, table="neuron_ratios")


def _samples_recipe(bench: Workbench, model: str) -> Recipe:
    """Beta is among the settings only where it admits samples, not whole neurons."""
    select = bench.study.select
    is_by_sample = select.gate == "sample"
    line = (beta_of(bench.study, model), select.normalise) if is_by_sample else ()
    return Recipe((select.n_samples, select.gate, *line))


@stage(
    group="select",
    by="neuron",
    reads=[neuron_ratios, probe_pass, probe_images],
    recipe=_samples_recipe,
)
def selected_samples(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """The strongest probe images of each selected neuron. Source: SIEVE, Sec. 3.2."""
    select = bench.study.select
    for recorder in work(context, bench, selected_samples):
        share = recorder.share
        rows = _samples(bench, share)
        if select.gate == "sample":
            rows = rows.loc[_passes(bench, share, rows)]
        recorder.write(rows, table="selected_samples")


def _samples(bench: Workbench, share: Share) -> pd.DataFrame:
    """The selected neurons' kept samples as rows."""
    images = read_probe(bench, bench.study.targets[share.model].probe)
    kept = bench.arrays.open(str(read_pass(bench, share.model)["strongest_uri"]), verify=True)
    neurons = read_selected(bench, share)
    positions = kept["positions"][neurons, : bench.study.select.n_samples]
    count = positions.shape[1]
    return pd.DataFrame(
        {
            "model": share.model,
            "neuron": np.repeat(neurons, count),
            "rank": np.tile(np.arange(count), len(neurons)),
            "image_id": images["image_id"].to_numpy()[positions.ravel()],
            "activation": kept["activations"][neurons, :count].ravel(),
        }
    )


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
