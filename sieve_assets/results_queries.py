"""What `results` asks the tables, in SQL; `$model` is NULL for all targets."""

from sieve_assets.reports.atlas.shown_names import NAMES

_OF_TARGET = "($model IS NULL OR model = $model)"

TARGETS = f"""
SELECT model, probe, n_images, n_neurons, n_selected, n_low_contrast, n_dead,
    coalesce(n_named, 0) AS n_named, coalesce(n_verified, 0) AS n_verified,
    coalesce(n_names, 0) AS n_names, coalesce(n_verified_names, 0) AS n_verified_names
FROM (
    SELECT model, probe, n_images, count(neuron) AS n_neurons,
        count(*) FILTER (status = 'selected') AS n_selected,
        count(*) FILTER (status = 'low_contrast') AS n_low_contrast,
        count(*) FILTER (status = 'dead') AS n_dead
    FROM probe_passes LEFT JOIN neuron_ratios USING (model) GROUP BY ALL
) LEFT JOIN (
    SELECT model, count(DISTINCT neuron) AS n_named, count(*) AS n_names,
        count(DISTINCT neuron) FILTER (verdict = 'verified') AS n_verified,
        count(*) FILTER (verdict = 'verified') AS n_verified_names
    FROM ({NAMES}) GROUP BY model
) USING (model) ORDER BY model
"""  # noqa: S608 (the query of names)
NEURONS = f"""
SELECT model, neuron, status, ratio, median, p99, rule, beta
FROM neuron_ratios WHERE {_OF_TARGET} ORDER BY model, neuron
"""  # noqa: S608 (the line above)
EXPLANATIONS = f"""
SELECT x.model, x.neuron, x.explainer, x.place, x.concept, x.score, e.verdict, e.n_pictures,
    e.activation_rate, e.ci_low, e.ci_high, e.ar_to_report, e.null_ar, e.lift, e.matched_ar,
    e.score AS evidence_score, e.q_value, t.oracle_true, e.reason
FROM (SELECT * FROM explanations WHERE {_OF_TARGET}) x
LEFT JOIN compared_evidence e USING (model, neuron, concept)
LEFT JOIN compared_truth t USING (model, neuron, concept)
ORDER BY x.model, x.explainer, x.neuron, x.place
"""  # noqa: S608 (the line above)
ACTIVATIONS = """
SELECT image_id, activation FROM probe_activations
WHERE model = $model AND neuron = $neuron ORDER BY image_id
"""
SAMPLES = """
SELECT s.rank, s.image_id, s.activation, i.label, i.uri, p.x0, p.y0, p.x1, p.y1, p.crop_retention,
    p.is_whole_image, p.uri AS patch_uri, c.cluster
FROM selected_samples s
JOIN probe_passes o ON o.model = s.model
JOIN probe_images i ON i.probe = o.probe AND i.image_id = s.image_id
LEFT JOIN patch_embeddings p ON p.model = s.model AND p.neuron = s.neuron AND p.rank = s.rank
LEFT JOIN clusters c ON c.model = s.model AND c.neuron = s.neuron AND c.rank = s.rank
WHERE s.model = $model AND s.neuron = $neuron ORDER BY s.rank
"""
DRAWN = """
SELECT concept, seed, generator, picture_id, uri FROM generated_image_sets
UNION SELECT concept, seed, generator, picture_id, uri FROM reference_pictures
UNION SELECT concept, seed, generator, picture_id, uri FROM compared_pictures
"""
PICTURES = f"""
SELECT d.*, a.activation[$neuron + 1] AS activation, a.activation[$neuron + 1] > r.p99 AS fires
FROM ({DRAWN}) d
LEFT JOIN probe_passes o ON o.model = $model
LEFT JOIN neuron_ratios r ON r.model = $model AND r.neuron = $neuron
LEFT JOIN picture_activations a ON a.model = $model AND a.picture_id = d.picture_id
    AND a.weights_hash = o.weights_hash
WHERE d.concept = $concept ORDER BY d.generator, d.seed
"""  # noqa: S608 (the query above)
SCHEMA = """
SELECT table_name AS "table", column_name AS "column", data_type AS type, comment AS meaning
FROM duckdb_columns() WHERE NOT internal ORDER BY table_oid, column_index
"""
