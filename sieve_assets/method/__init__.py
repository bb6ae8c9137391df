"""The method: plain functions of arrays, one module a stage; no Dagster, no disk, no model zoo.

In the order of the pipeline: `probe_images`, `probe_pass` (the only module that uses torch),
`neuron_ratios`, `selected_samples`, `patch_embeddings`, `clusters`, `concept_sets`,
`concept_hypotheses`, `generated_image_sets`, `activation_rates`, `verified_concepts`. What every
function refuses in the same words is in `checked_inputs`. docs/method.md maps equations to
functions and tables, and lists where the project differs from the paper (arXiv 2603.24953).
"""
