"""The stages of a study in their order. Not here: what a stage does."""

from sieve_assets.assets.ablation import ablation
from sieve_assets.assets.beta_sweep import beta_sweep
from sieve_assets.assets.class_agreement import class_agreement, compared_classes
from sieve_assets.assets.compared_names import compared_evidence, compared_pictures, compared_truth
from sieve_assets.assets.control_explanations import control_explanations
from sieve_assets.assets.described_explanations import described_explanations
from sieve_assets.assets.domain_shift import domain_shift
from sieve_assets.assets.evaluate import has_known_truth, oracle_rates, truth_agreement
from sieve_assets.assets.evidence import evidence
from sieve_assets.assets.falcon_explanations import falcon_explanations
from sieve_assets.assets.hypothesize import clusters, concept_hypotheses, patch_embeddings
from sieve_assets.assets.imported_explanations import imported_explanations
from sieve_assets.assets.layer_explanations import layer_explanations
from sieve_assets.assets.mask_explanations import mask_explanations
from sieve_assets.assets.method_comparison import method_comparison, score_truth
from sieve_assets.assets.neuron_ablation import neuron_ablation
from sieve_assets.assets.neuron_atlas import atlas_stage
from sieve_assets.assets.neuron_explanations import neuron_explanations
from sieve_assets.assets.probe import probe_activations, probe_pass
from sieve_assets.assets.probe_embeddings import probe_embeddings
from sieve_assets.assets.probe_sets import probe_images
from sieve_assets.assets.reference_pictures import reference_pictures
from sieve_assets.assets.revised_names import revised_names
from sieve_assets.assets.select import neuron_ratios, selected_samples
from sieve_assets.assets.stages import Stage
from sieve_assets.assets.target_report import target_report_of
from sieve_assets.assets.verdict_controls import verdict_controls
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
    revised_names,
    verdict_controls,
)
EVALUATION = (oracle_rates, truth_agreement)
"""Stages that need images whose truth is known: probe sets of the embedded world."""
COMPARISON: tuple[Stage, ...] = (
    imported_explanations,
    layer_explanations,
    mask_explanations,
    control_explanations,
    falcon_explanations,
    neuron_explanations,
    described_explanations,
    compared_pictures,
    compared_evidence,
    compared_truth,
    method_comparison,
    score_truth,
    ablation,
    beta_sweep,
    compared_classes,
    class_agreement,
    neuron_ablation,
    domain_shift,
)
"""Stages of a study that asks for other explainers: one with a section `compare`."""


def stages_of(study: Study) -> tuple[Stage, ...]:
    """The stages of a study, in order."""
    is_known = any(has_known_truth(study, model) for model in study.targets)
    compared = COMPARISON * (study.compare is not None)
    return (
        *STAGES,
        *(EVALUATION * is_known),
        atlas_stage(study),
        *compared,
        target_report_of(study),
    )
