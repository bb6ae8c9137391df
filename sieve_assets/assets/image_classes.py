"""Which class of a target each of its probe images shows, and which words are true of a class.

Not here: what the target makes of it (see `neuron_ablation`).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sieve_assets.assets.evaluate import has_known_truth
from sieve_assets.assets.explanations import comparison
from sieve_assets.assets.probe_sets import read_probe
from sieve_assets.assets.resources import Workbench
from sieve_assets.stores.label_lists import read_labels
from sieve_assets.study_probes import TerrariumProbe

CLASS = "class"
"""Column of a labelled image's class."""


def accepted_labels(bench: Workbench, model: str) -> list[frozenset[str]]:
    """What a probe image may be labelled for each class of a target, in the order of its outputs.

    By a file of the study; of the embedded world's classifiers by its objects; else by what the
    weights say.

    Raises:
        LookupError: Nothing says it.
        ValueError: The file is not UTF-8, or has no label.
    """
    file = comparison(bench.study).neuron_ablation.labels.get(model)
    if file is not None:
        return [frozenset({label} - {""}) for label in read_labels(file)]
    settings = bench.study.targets[model]
    if has_known_truth(bench.study, model):
        from sieve_assets.terrarium.probe import class_labels as of_world  # noqa: PLC0415

        if settings.n_classes == len(of_world()):
            return [frozenset({label}) for label in of_world()]
    from sieve_assets.models.class_labels import class_labels  # noqa: PLC0415 (torch is slow)

    return class_labels(settings)


def labelled_images(bench: Workbench, model: str) -> pd.DataFrame:
    """The probe images whose class is known, with it in a column `CLASS`; `position` says which."""
    from sieve_assets.models.class_labels import classes_of  # noqa: PLC0415 (as above)

    images = read_probe(bench, bench.study.targets[model].probe)
    labels, numbers = np.unique(images["label"].fillna("").to_numpy(str), return_inverse=True)
    classes = classes_of(list(labels), accepted_labels(bench, model))
    found = images.assign(**{CLASS: classes[numbers]})
    return found.loc[found[CLASS] >= 0].reset_index(drop=True)


def shares_of_classes(
    images: pd.DataFrame, concepts: Sequence[str], probe: TerrariumProbe
) -> np.ndarray:
    """How many of each class's images show a concept `[class, concept]`, by the world's truth.

    Args:
        images: Labelled images of a rendered probe set.
        concepts: Words or phrases.
        probe: What the study says of the set.
    """
    from sieve_assets.method.neuron_ablation import concept_shares  # noqa: PLC0415 (at a run)
    from sieve_assets.terrarium.captions import concept_named, truth_table  # noqa: PLC0415
    from sieve_assets.terrarium.probe import scenes_of  # noqa: PLC0415 (only this world)

    scenes = scenes_of(list(images["image_id"]), n_images=probe.n_images, seed=probe.seed)
    shows = truth_table(scenes, tuple(concept_named(one) for one in concepts))
    classes = images[CLASS].to_numpy(np.int64)
    return concept_shares(shows, classes, n_classes=int(classes.max()) + 1)
