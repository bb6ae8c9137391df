"""Checks of stored rows by neuron: what must hold before anything is made of them.

Not here: how the checks reach Dagster (see `reporting`).
"""

from collections.abc import Callable, Mapping, Sequence

from sieve_assets.assets.partitions import OF_A_MODEL, Share
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import Check
from sieve_assets.stores.concept_lists import undrawable
from sieve_assets.stores.content_files import has_content

_OF_NEURONS = "model = $model AND neuron IN (SELECT unnest($neurons))"
_UNIT_TOLERANCE = 1e-3


def _found(bench: Workbench, share: Share, sql: str, **more: object) -> dict[int, str]:
    """Neurons and problems, as a query with columns `neuron` and `problem` gives them."""
    rows = bench.warehouse.read(sql, {"model": share.model, "neurons": share.neurons, **more})
    return dict(zip(rows["neuron"].astype(int), rows["problem"].astype(str), strict=True))


def finite(table: str, column: str) -> Check:
    """Every number of a list column is finite."""

    def find(bench: Workbench, share: Share) -> Mapping[int, str]:
        return _found(
            bench,
            share,
            f"SELECT neuron, 'expected finite activations, got ' || bad || ' that are not. Check "  # noqa: S608 (our names)
            "the target''s transform and weights.' AS problem FROM (SELECT neuron, "
            f"len(list_filter({column}, x -> NOT isfinite(x))) AS bad FROM {table} "
            f"WHERE {_OF_NEURONS}) WHERE bad > 0",
        )

    return Check("finite", "Every activation is a finite number.", find)


def unit_vectors(table: str) -> Check:
    """Every embedding has length 1."""

    def find(bench: Workbench, share: Share) -> Mapping[int, str]:
        return _found(
            bench,
            share,
            "SELECT neuron, 'expected unit vectors, got a length of ' || any_value(length) ||"  # noqa: S608 (our names)
            " '. Check the vision-language model.' AS problem FROM (SELECT neuron,"
            " sqrt(list_inner_product(embedding, embedding)) AS length"
            f" FROM {table} WHERE {_OF_NEURONS}) WHERE NOT abs(length - 1) < $tolerance"
            " GROUP BY neuron",
            tolerance=_UNIT_TOLERANCE,
        )

    return Check("unit_vectors", "Every embedding has length 1.", find)


def files_are_whole(table: str) -> Check:
    """Every picture that a table refers to is there and is what was stored."""

    def find(bench: Workbench, share: Share) -> Mapping[int, str]:
        rows = bench.warehouse.read(
            f"SELECT DISTINCT neuron, uri FROM {table} WHERE {_OF_NEURONS}",  # noqa: S608 (our names)
            {"model": share.model, "neurons": share.neurons},
        )
        images = bench.images
        lost = {uri for uri in set(rows["uri"]) if not images.is_whole(uri)}
        bad = rows[rows["uri"].isin(list(lost))].groupby("neuron")["uri"]
        return {
            int(str(neuron)): f"expected stored pictures, got {len(uris)} damaged or lost, e.g. "
            f"{uris.iloc[0]}. Run `sieve mend`, then materialize this again."
            for neuron, uris in bad
        }

    return Check("files", "Every file referred to is there and has the hash in its name.", find)


def arrays_are_whole(uris_of: Callable[[Workbench, str], Sequence[str]]) -> Check:
    """Every array that a target's rows refer to is there and is what was stored."""

    def find(bench: Workbench, share: Share) -> Mapping[int, str]:
        uris = uris_of(bench, share.model)
        bad = [uri for uri in uris if not bench.arrays.is_whole(uri)]
        problem = (
            f"expected stored arrays, got {len(bad)} of {len(uris)} damaged or lost. Run "
            "`sieve mend`."
        )
        return {OF_A_MODEL: problem} if bad else {}

    return Check("files", "Every stored array is there and has the hash in its name.", find)


def linked_files_are_whole(table: str) -> Check:
    """Every picture that a table by target refers to is there and is what was stored."""

    def find(bench: Workbench, share: Share) -> Mapping[int, str]:
        rows = bench.warehouse.read(
            f"SELECT DISTINCT uri FROM {table} WHERE model = $1",  # noqa: S608 (a table of ours)
            [share.model],
        )
        lost = [uri for uri in rows["uri"] if not bench.images.is_whole(uri)]
        problem = f"expected stored pictures, got {len(lost)} of {len(rows)} damaged or lost. "
        return {OF_A_MODEL: f"{problem}Run `sieve mend`."} if lost else {}

    return Check("files", "Every file referred to is there and has the hash in its name.", find)


def drawable() -> Check:
    """No hypothesis is a concept that a text-to-image model cannot draw; only told."""

    def find(bench: Workbench, share: Share) -> Mapping[int, str]:
        rows = bench.warehouse.read(
            f"SELECT DISTINCT neuron, concept FROM concept_hypotheses WHERE {_OF_NEURONS}"  # noqa: S608 (our names)
            " ORDER BY neuron, concept",
            {"model": share.model, "neurons": share.neurons},
        )
        why = undrawable(set(rows["concept"]), bench.study.concepts.language)
        bad = rows[rows["concept"].isin(list(why))].groupby("neuron")["concept"]
        return {
            int(str(neuron)): "expected concepts that can be drawn, got "
            + ", ".join(f"{concept!r} ({why[concept]})" for concept in concepts)
            + ". Its pictures show something else: take it out of the concept set."
            for neuron, concepts in bad
        }

    return Check(
        "drawable",
        "Every hypothesis can be drawn: none is a function word, a number, a single letter or, as "
        "far as an installed WordNet knows, abstract in every sense.",
        find,
        is_blocking=False,
    )


def pages_are_whole(table: str) -> Check:
    """Every file of the atlas that a table by target tells of is there and is what was written."""

    def find(bench: Workbench, share: Share) -> Mapping[int, str]:
        rows = bench.warehouse.read(
            f"SELECT path, list(DISTINCT sha256) AS known FROM {table} GROUP BY path"  # noqa: S608 (ours)
            " HAVING bool_or(model = $1) ORDER BY path",
            [share.model],
        )
        lost = [
            path
            for path, known in rows.itertuples(index=False)
            if not has_content(bench.atlas / path, known)
        ]
        problem = (
            f"expected the atlas's files as they were written, got {len(lost)} of {len(rows)} "
            f"damaged or lost, e.g. {next(iter(lost), '')}. Run `sieve mend`, then materialize "
            "this again."
        )
        return {OF_A_MODEL: problem} if lost else {}

    return Check(
        "files", "Every file of the atlas is there and as it was written.", find, is_blocking=False
    )


def pictures_by_hypothesis() -> Check:
    """Every hypothesis has exactly as many pictures as the study asks for."""

    def find(bench: Workbench, share: Share) -> Mapping[int, str]:
        return _found(
            bench,
            share,
            "SELECT neuron, any_value('expected ' || $wanted || ' pictures of ' || concept ||"
            " ', got ' || n) || '. Materialize it again.' AS problem FROM"
            " (SELECT h.neuron, h.concept, count(DISTINCT g.seed) AS n FROM concept_hypotheses h"
            " LEFT JOIN generated_image_sets g ON g.model = h.model AND g.neuron = h.neuron"
            " AND g.cluster = h.cluster AND g.concept = h.concept WHERE h.model = $model"
            " AND h.neuron IN (SELECT unnest($neurons)) GROUP BY h.neuron, h.cluster, h.concept)"
            " WHERE n != $wanted GROUP BY neuron",
            wanted=bench.study.generator.n_first,
        )

    return Check("pictures", "Every hypothesis has as many pictures as the study asks for.", find)


def rates_in_intervals() -> Check:
    """Every activation rate lies within its confidence interval, and the interval in 0 to 1."""

    def find(bench: Workbench, share: Share) -> Mapping[int, str]:
        return _found(
            bench,
            share,
            "SELECT neuron, 'expected an activation rate within its interval, got ' ||"  # noqa: S608 (our names)
            " any_value(activation_rate || ' and ' || ci_low || ' to ' || ci_high) || '.'"
            f" AS problem FROM activation_rates WHERE {_OF_NEURONS} AND NOT (0 <= ci_low"
            " AND ci_low <= activation_rate AND activation_rate <= ci_high AND ci_high <= 1"
            " AND n_active <= n_images) GROUP BY neuron",
        )

    return Check("in_interval", "Every rate lies within its confidence interval.", find)
