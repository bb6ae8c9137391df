"""The stages of a study in their order. Not here: what a stage does."""

from sieve_assets.assets.evaluate import has_known_truth, oracle_rates, truth_agreement
from sieve_assets.assets.evidence import evidence
from sieve_assets.assets.hypothesize import clusters, concept_hypotheses, patch_embeddings
from sieve_assets.assets.probe import probe_activations, probe_pass
from sieve_assets.assets.probe_embeddings import probe_embeddings
from sieve_assets.assets.probe_sets import probe_images
from sieve_assets.assets.reference_pictures import reference_pictures
from sieve_assets.assets.select import neuron_ratios, selected_samples
from sieve_assets.assets.stages import Stage
from sieve_assets.assets.verdicts import verdicts
from sieve_assets.assets.verify import activation_rates, generated_image_sets, verified_concepts
from sieve_assets.study import Study

STAGES = (
    probe_images,
    probe_pass,
    probe_embeddings,
    reference_pictures,
    probe_activations,
    neuron_ratios,
    selected_samples,
    patch_embeddings,
    clusters,
    concept_hypotheses,
    generated_image_sets,
    activation_rates,
    evidence,
    verified_concepts,
    verdicts,
)
EVALUATION = (oracle_rates, truth_agreement)
"""Stages that need images whose truth is known: probe sets of the embedded world."""


def stages_of(study: Study) -> tuple[Stage, ...]:
    """The stages of a study, in order."""
    is_known = any(has_known_truth(study, model) for model in study.targets)
    return (*STAGES, *EVALUATION) if is_known else STAGES
