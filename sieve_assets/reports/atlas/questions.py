"""What a neuron's page is made of, asked of the warehouse; the page shows these very questions."""

from collections.abc import Mapping, Sequence
from typing import Any

RATIOS = """
SELECT neuron, status, rule, beta, ratio, is_sparse, median, p99
FROM neuron_ratios WHERE model = $model AND neuron IN (SELECT unnest($neurons)) ORDER BY neuron
"""
SAMPLES = """
SELECT s.neuron, s.rank, s.image_id, s.activation, i.label, i.uri, i.sha256,
    i.width_px, i.height_px, p.x0, p.y0, p.x1, p.y1, p.crop_retention, p.is_whole_image,
    p.uri AS crop_uri, c.cluster
FROM selected_samples s
JOIN probe_passes pp ON pp.model = s.model
JOIN probe_images i ON i.probe = pp.probe AND i.image_id = s.image_id
LEFT JOIN patch_embeddings p ON p.model = s.model AND p.neuron = s.neuron AND p.rank = s.rank
LEFT JOIN clusters c ON c.model = s.model AND c.neuron = s.neuron AND c.rank = s.rank
WHERE s.model = $model AND s.neuron IN (SELECT unnest($neurons)) ORDER BY s.neuron, s.rank
"""
HYPOTHESES = """
SELECT h.neuron, h.cluster, h.place, h.concept, h.score, v.paper_kept
FROM concept_hypotheses h
LEFT JOIN verified_concepts v
    ON v.model = h.model AND v.neuron = h.neuron AND v.cluster = h.cluster AND v.concept = h.concept
WHERE h.model = $model AND h.neuron IN (SELECT unnest($neurons))
ORDER BY h.neuron, h.cluster, h.place
"""
EVIDENCE = """
SELECT e.*, v.verdict, v.reason
FROM evidence e
LEFT JOIN verdicts v ON v.model = e.model AND v.neuron = e.neuron AND v.concept = e.concept
WHERE e.model = $model AND e.neuron IN (SELECT unnest($neurons))
ORDER BY e.neuron, e.score DESC, e.concept
"""
REVISED = """
SELECT neuron, concept, is_new, score, runner_up, runner_up_score, natural_ap, drawn_ap, n_pictures,
    activation_rate, ci_low, ci_high, p_value, word_rank, probe_share, matched_ar, matched_low,
    matched_high, verdict, reason, oracle_true
FROM revised_names
WHERE model = $model AND neuron IN (SELECT unnest($neurons)) ORDER BY neuron
"""
ORACLE = """
SELECT neuron, concept, oracle_ar, oracle_f1, best_concept, best_f1, oracle_true
FROM oracle_rates WHERE model = $model AND neuron IN (SELECT unnest($neurons))
GROUP BY ALL ORDER BY neuron, concept
"""
PROVENANCE = """
SELECT neuron, stage, run_id, recorded_at, n_rows, settings_hash, weights_hash, input_hash,
    output_hash
FROM provenance WHERE model = $model AND neuron IN (SELECT unnest($neurons))
    AND stage IN (SELECT unnest($stages))
ORDER BY neuron, recorded_at, stage
"""
FAILURES = """
SELECT neuron, stage, reason FROM failures
WHERE model = $model AND neuron IN (SELECT unnest($neurons)) ORDER BY neuron, failed_at
"""
ACTIVATIONS = """
SELECT neuron, activation FROM neuron_activations
WHERE model = $model AND neuron IN (SELECT unnest($neurons)) ORDER BY neuron
"""
ASKED = {
    "Selected, or not": RATIOS,
    "Strongest probe images, their crops and clusters": SAMPLES,
    "Hypotheses": HYPOTHESES,
    "Evidence and verdicts": EVIDENCE,
    "Revised name": REVISED,
    "Known truth": ORACLE,
    "Activations on all probe images": ACTIVATIONS,
}
"""Questions by what they answer."""


def as_asked(sql: str, parameters: Mapping[str, str | Sequence[int] | Sequence[str]]) -> str:
    """A question with its parameters in place, to be asked in any DuckDB shell."""
    for name, value in parameters.items():
        sql = sql.replace(f"${name}", _literal(value))
    return sql.strip()


def _literal(value: Any) -> str:
    if isinstance(value, str):
        quoted = value.replace("'", "''")
        return f"'{quoted}'"
    return f"[{', '.join(_literal(one) for one in value)}]" if _is_many(value) else str(value)


def _is_many(value: object) -> bool:
    return isinstance(value, Sequence)
