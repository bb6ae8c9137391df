"""What the atlas of one target is made of, as it comes out of the stores and models.

Not here: how it comes out (`assets.atlas_material`), and what is made of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sieve_assets.method.concept_rates import StrongestNeurons
from sieve_assets.method.near_names import NearNames
from sieve_assets.reports.inline_images import OpenImage
from sieve_assets.stores.warehouse import Warehouse
from sieve_assets.study import Study
from sieve_assets.study_targets import Transform


@dataclass(frozen=True)
class Material:
    """One target's results.

    Attributes:
        warehouse: The tables.
        study: What was studied.
        model: The target.
        stages: Stages by neuron whose provenance a neuron's page tells.
        transform: How the target makes a frame of an image.
        maps: Activation maps of every neuron's strongest probe images, `[neuron rank row column]`.
        strongest: Of neurons that were not selected, the strongest images, as `SAMPLES` gives them.
        tried: All names of the target's neurons, as `tried_names` gives them.
        names: Their texts, each once, in the order of `positions`.
        positions: Where each is on the map, `[name 2]`.
        words: The concept set.
        near: The names nearest to each of its words.
        pictures: What was drawn for the target: `concept`, `seed`, `uri`, by concept and seed.
        answers: The neurons' activations on the pictures of their own names, by neuron and
            concept, in the order of `pictures`.
        rated: The concepts of which the target has seen pictures, in the order of `firing`.
        firing: The neurons that fire most on each of them.
        n_rated: Pictures of each of them.
        open_probe_image: Opens a probe image by its uri.
        open_stored_image: Opens a patch or picture by its uri.
    """

    warehouse: Warehouse
    study: Study
    model: str
    stages: Sequence[str]
    transform: Transform
    maps: np.ndarray
    strongest: pd.DataFrame
    tried: pd.DataFrame
    names: Sequence[str]
    positions: np.ndarray
    words: Sequence[str]
    near: NearNames
    pictures: pd.DataFrame
    answers: Mapping[tuple[int, str], np.ndarray]
    rated: Sequence[str]
    firing: StrongestNeurons
    n_rated: np.ndarray
    open_probe_image: OpenImage
    open_stored_image: OpenImage

    @property
    def width(self) -> int:
        """Neurons of the target."""
        return self.study.targets[self.model].width
