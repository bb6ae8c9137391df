"""The code location: every stage of the study as an asset, and their workbench. No logic."""

import dagster as dg

from sieve_assets.assets.hypothesize import clusters, concept_hypotheses, patch_embeddings
from sieve_assets.assets.probe import probe_activations, probe_images, probe_pass
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.select import neuron_ratios, selected_samples
from sieve_assets.assets.verify import activation_rates, generated_image_sets, verified_concepts

STAGES = (
    probe_images,
    probe_pass,
    probe_activations,
    neuron_ratios,
    selected_samples,
    patch_embeddings,
    clusters,
    concept_hypotheses,
    generated_image_sets,
    activation_rates,
    verified_concepts,
)


def definitions_of(bench: Workbench) -> dg.Definitions:
    """The definitions of one study.

    Raises:
        StudyError: The study file is missing or wrong.
    """
    return dg.Definitions(
        assets=[stage.asset(bench.study) for stage in STAGES],
        resources={"bench": bench},
        executor=dg.in_process_executor,
    )


defs = definitions_of(Workbench())
