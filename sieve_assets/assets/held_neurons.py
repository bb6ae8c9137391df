"""How many images of each class a target gets wrong, or right, once one of its neurons is held.

By the stored activations where a linear head reads the neurons, else by forward passes. Not here:
what is made of it (see `neuron_ablation`).
"""

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from sieve_assets.assets.explanations import comparison
from sieve_assets.assets.image_classes import CLASS, accepted_labels
from sieve_assets.assets.probe import frames_of, read_all_activations
from sieve_assets.assets.progress import tracked
from sieve_assets.assets.resources import Workbench
from sieve_assets.image_sets.ahead import batched
from sieve_assets.image_sets.listing import open_image

if TYPE_CHECKING:
    from sieve_assets.method.neuron_ablation import Answers, Effects
    from sieve_assets.models.heads import Classified, LinearHead
    from sieve_assets.models.target import Target
    from sieve_assets.models.watching import Held

HEAD, FORWARD = "linear head", "forward passes"
NEURONS_TOGETHER = 16
"""Between two looks at how far it is."""
_SELECTED = """
SELECT neuron FROM neuron_ratios WHERE model = $1 AND status = 'selected'
ORDER BY ratio DESC, neuron
"""


class HeldNeurons(NamedTuple):
    """What ablation does to some of a target's neurons."""

    neurons: np.ndarray
    held_at: np.ndarray
    """What each of them is held at."""
    effects: "Effects"
    n_right: np.ndarray
    """Images of each class that the network as it is gets right."""
    made_by: str


def held_neurons(
    bench: Workbench,
    model: str,
    images: pd.DataFrame,
    first: np.ndarray,
    *,
    log: logging.Logger,
) -> HeldNeurons:
    """All neurons by a linear head, else some by forward passes.

    Args:
        bench: Stores and models.
        model: The target.
        images: Labelled probe images (`image_classes.labelled_images`).
        first: Neurons that forward passes are spent on before others.
        log: The run's.

    Raises:
        ValueError: The network has more or fewer classes than labels are known for.
    """
    from sieve_assets.method.neuron_ablation import held_values  # noqa: PLC0415 (at a run)
    from sieve_assets.models.watching import Held  # noqa: PLC0415 (torch is slow)

    target, activations = bench.target(model), read_all_activations(bench, model)
    head = target.linear_head(_tried(bench, target, images))
    values = held_values(activations, at_mean=_is_held_at_mean(bench, model))
    if head is not None:
        return _by_head(head, activations[images["position"]], images, values, log)
    chosen = [Held(int(one), float(values[one])) for one in _chosen(bench, model, first)]
    return _by_forward_passes(bench, target, images, chosen, log)


def _is_held_at_mean(bench: Workbench, model: str) -> bool:
    value = comparison(bench.study).neuron_ablation.value
    is_signed = bench.study.targets[model].rule == "signed"
    return value == "mean" or (value == "rest" and is_signed)


def _tried(bench: Workbench, target: "Target", images: pd.DataFrame) -> "Classified":
    """What the network makes of a batch of images from all over the set.

    Raises:
        ValueError: It has more or fewer classes than labels are known for.
    """
    some = images.iloc[:: max(len(images) // bench.batch_size, 1)]
    seen = target.classified(list(_frames(bench, target, some)), held_at=None)
    n_classes, n_labels = seen.logits.shape[1], len(accepted_labels(bench, target.name))
    if n_classes != n_labels:
        raise ValueError(
            f"neuron_ablation: expected a label for each of the {n_classes} classes of "
            f"{target.name}, got {n_labels}. Correct compare.neuron_ablation.labels in the study "
            "file."
        )
    return seen


def _frames(bench: Workbench, target: "Target", images: pd.DataFrame) -> Iterator[np.ndarray]:
    image_set = bench.images_of(target.name)
    listed = list(zip(images["uri"], images["sha256"], strict=True))
    return frames_of(
        bench,
        target,
        listed,
        lambda one: open_image(image_set, one[0], sha256=one[1]),
        readers=image_set.readers,
    )


def _by_head(
    head: "LinearHead",
    activations: np.ndarray,
    images: pd.DataFrame,
    values: np.ndarray,
    log: logging.Logger,
) -> HeldNeurons:
    from sieve_assets.method import neuron_ablation as method  # noqa: PLC0415 (at a run)

    classes = images[CLASS].to_numpy(np.int64)
    logits = method.linear_logits(activations, head.weight, head.bias)
    parts = tracked(range(len(values)), "neurons held", log, unit="neuron", size=NEURONS_TOGETHER)
    held = (
        answers
        for part in map(list, parts)
        for answers in method.linear_answers(
            logits, classes, activations[:, part], head.weight[:, part], values[part]
        )
    )
    before = method.answers(logits, classes)
    found = method.effects(before, held, classes, n_classes=logits.shape[1])
    n_right = np.bincount(classes[before.is_right], minlength=logits.shape[1])
    return HeldNeurons(np.arange(len(values)), values, found, n_right, HEAD)


def _chosen(bench: Workbench, model: str, first: np.ndarray) -> np.ndarray:
    """The neurons that forward passes are spent on: `first`, then the selected ones."""
    selected = bench.warehouse.read(_SELECTED, [model])["neuron"]
    chosen = list(dict.fromkeys([*first, *selected]))
    return np.array(chosen[: comparison(bench.study).neuron_ablation.n_forward], np.int64)


def _by_forward_passes(
    bench: Workbench,
    target: "Target",
    images: pd.DataFrame,
    held_at: Sequence["Held"],
    log: logging.Logger,
) -> HeldNeurons:
    """Each batch of images as it is, and once for each neuron with the neuron held."""
    from sieve_assets.method import neuron_ablation as method  # noqa: PLC0415 (at a run)

    coming = batched(_frames(bench, target, images), bench.batch_size)
    what = f"{target.name} with neurons held"
    classes = images[CLASS].to_numpy(np.int64)
    parts: list[list[method.Answers]] = []
    for part in tracked(range(len(images)), what, log, unit="image", size=bench.batch_size):
        frames = next(coming)
        logits = (target.classified(frames, held_at=one).logits for one in (None, *held_at))
        of_part = classes[part[0] : part[-1] + 1]
        parts.append([method.answers(one.cpu().numpy(), of_part) for one in logits])
    before, *held = (_joined(of_neuron) for of_neuron in zip(*parts, strict=True))
    n_classes = len(accepted_labels(bench, target.name))
    found = method.effects(before, held, classes, n_classes=n_classes)
    n_right = np.bincount(classes[before.is_right], minlength=n_classes)
    neurons, values = zip(*held_at, strict=True)
    return HeldNeurons(np.array(neurons), np.array(values), found, n_right, FORWARD)


def _joined(parts: "Sequence[Answers]") -> "Answers":
    return type(parts[0])(*(np.concatenate(one) for one in zip(*parts, strict=True)))
