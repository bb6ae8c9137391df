"""Small contact sheets of neurons: what each sees by cluster, and each name's pictures."""

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

from sieve_assets.reports.contact_sheets import (
    MOST_COLUMNS,
    Room,
    Row,
    Tile,
    contact_sheet,
    thumbnails,
)
from sieve_assets.reports.inline_images import InlineImage, OpenImage
from sieve_assets.stores.warehouse import Warehouse

N_KEPT = 8192
"""Thumbnails kept while sheets are made, 2 kB each: hypotheses share pictures."""
N_AT_ONCE = 256
"""Neurons in a query: a picture's activations, of all neurons, pass through it once for each."""
OF_CLUSTERS, OF_CONCEPTS = Room(label_px=16, end_px=32), Room(label_px=88, end_px=26)

_PATCHES = """
SELECT c.neuron, c.cluster, p.uri, count(*) OVER (PARTITION BY c.neuron, c.cluster) AS n_patches
FROM clusters c
JOIN patch_embeddings p USING (model, neuron, rank)
WHERE c.model = $model AND c.neuron IN (SELECT unnest($neurons))
QUALIFY row_number() OVER (PARTITION BY c.neuron, c.cluster ORDER BY c.rank) <= $n_tiles
ORDER BY c.neuron, c.cluster, c.rank
"""
_PICTURES = """
WITH named AS (
    SELECT neuron, concept, min(cluster) AS cluster,
        string_agg(DISTINCT cluster, ',' ORDER BY cluster) AS clusters
    FROM activation_rates WHERE model = $model AND neuron IN (SELECT unnest($neurons))
    GROUP BY neuron, concept
), first_pictures AS (
    SELECT model, neuron, cluster, clusters, concept, seed, picture_id, uri
    FROM generated_image_sets JOIN named USING (neuron, cluster, concept)
    WHERE model = $model
    QUALIFY row_number() OVER (PARTITION BY neuron, concept ORDER BY seed) <= $n_tiles
)
SELECT g.neuron, g.clusters, g.concept, g.uri, r.activation_rate,
    a.activation[g.neuron + 1] > r.threshold AS is_active
FROM first_pictures g
JOIN concept_hypotheses h USING (model, neuron, cluster, concept)
JOIN activation_rates r USING (model, neuron, cluster, concept)
JOIN probe_passes pp USING (model)
JOIN picture_activations a ON a.model = g.model AND a.picture_id = g.picture_id
    AND a.weights_hash = pp.weights_hash
ORDER BY g.neuron, r.activation_rate DESC, g.cluster, h.place, g.seed
"""


def cluster_sheets(
    warehouse: Warehouse,
    model: str,
    neurons: Collection[int],
    open_image: OpenImage,
    max_bytes: int,
) -> dict[int, InlineImage]:
    """What each neuron sees: a row a cluster, with its number, its strongest patches and its size.

    Args:
        warehouse: The study's results.
        model: Target.
        neurons: Channels of the target's layer.
        open_image: Opens a patch of the image store.
        max_bytes: Most bytes of a sheet.

    Returns:
        A sheet of each neuron that has clusters, unless not even a part of it fits.
    """

    def row(patches: list[Any]) -> Row:
        first = patches[0]
        tiles = [Tile(patch.uri) for patch in patches]
        return Row(str(first.cluster), tiles, f"of {first.n_patches}")

    found = _read(warehouse, _PATCHES, model, neurons)
    rows = {
        of_neuron[0].neuron: [row(patches) for patches in _by(of_neuron, "cluster")]
        for of_neuron in _by(found, "neuron")
    }
    return _sheets(rows, open_image, OF_CLUSTERS, max_bytes)


def concept_sheets(
    warehouse: Warehouse,
    model: str,
    neurons: Collection[int],
    open_image: OpenImage,
    max_bytes: int,
) -> dict[int, InlineImage]:
    """How each name was tested: a row with its clusters, first pictures and activation rate.

    A name of several clusters has one row: its pictures are the same. They are the first by seed,
    whatever the neuron does on them; those above its threshold are framed.

    Args:
        warehouse: The study's results.
        model: Target.
        neurons: Channels of the target's layer.
        open_image: Opens a picture of the image store.
        max_bytes: Most bytes of a sheet.

    Returns:
        A sheet of each neuron that has tested hypotheses, highest rate first, unless not even a
        part of it fits.
    """

    def row(pictures: list[Any]) -> Row:
        first = pictures[0]
        tiles = [Tile(picture.uri, bool(picture.is_active)) for picture in pictures]
        return Row(f"{first.clusters}: {first.concept}", tiles, f"{first.activation_rate:.2f}")

    found = _read(warehouse, _PICTURES, model, neurons)
    rows = {
        of_neuron[0].neuron: [row(pictures) for pictures in _by(of_neuron, "concept")]
        for of_neuron in _by(found, "neuron")
    }
    return _sheets(rows, open_image, OF_CONCEPTS, max_bytes)


def _read(warehouse: Warehouse, sql: str, model: str, neurons: Collection[int]) -> Iterator[Any]:
    """The rows of the neurons, some neurons at once."""
    asked = [int(neuron) for neuron in neurons]
    for at in range(0, len(asked), N_AT_ONCE):
        some = {"model": model, "neurons": asked[at : at + N_AT_ONCE], "n_tiles": MOST_COLUMNS}
        yield from warehouse.read(sql, some).itertuples(index=False)


def _by(rows: Iterable[Any], *names: str) -> Iterator[list[Any]]:
    """The rows that follow each other and agree in what is named."""
    for _, group in itertools.groupby(rows, attrgetter(*names)):
        yield list(group)


def _sheets(
    rows: Mapping[int, Sequence[Row]], open_image: OpenImage, room: Room, max_bytes: int
) -> dict[int, InlineImage]:
    thumbnail = thumbnails(open_image, n_kept=N_KEPT)
    made = {
        neuron: contact_sheet(of_neuron, thumbnail, room, max_bytes=max_bytes)
        for neuron, of_neuron in rows.items()
    }
    return {neuron: sheet for neuron, sheet in made.items() if sheet}
