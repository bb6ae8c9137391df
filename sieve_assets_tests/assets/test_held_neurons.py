"""Which neurons forward passes are spent on; what they give is tested with `neuron_ablation`."""

import numpy as np

from sieve_assets.assets.held_neurons import _chosen
from sieve_assets.study_compare import Compare
from sieve_assets.study_experiments import NeuronAblation


def test_forward_passes_are_for_the_given_neurons_then_the_most_selective(finished):
    bench = finished.bench()
    ablation = NeuronAblation(n_forward=3)
    bench.__dict__["study"] = bench.study.model_copy(
        update={"compare": Compare(neuron_ablation=ablation)}
    )
    ratios = finished.table("neuron_ratios", model="cnn", status="selected")
    by_ratio = ratios.sort_values(["ratio", "neuron"], ascending=[False, True])["neuron"].tolist()
    last = by_ratio[-1]

    found = _chosen(bench, "cnn", np.array([last]))

    assert len(by_ratio) > 3
    assert found.tolist() == [last, *by_ratio[:2]]
