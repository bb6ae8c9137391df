"""Networks beside a target's own, that the verdict is tried on: its classes, and a random copy."""

import torch
from torch import nn

from sieve_assets import study_targets
from sieve_assets.models.batches import loading
from sieve_assets.models.layers import output_layer
from sieve_assets.models.networks import load_network
from sieve_assets.models.origins import transform_of
from sieve_assets.models.target import NeuronTarget
from sieve_assets.settings_hash import settings_hash

_REMEDY = "Use another SIEVE_DEVICE, or free the memory of this one."


def load_logits(
    name: str, settings: study_targets.Target, *, device: str, batch_size: int
) -> NeuronTarget:
    """The target's network, whose outputs stand in the place of its layer's neurons.

    Args:
        name: Of the target.
        settings: Of the target.
        device: torch's name of it.
        batch_size: Pictures in one forward pass.

    Raises:
        LookupError: The network's last module gives no vector, or its weights cannot be had.
        ValueError: The weights do not fit.
        MemoryError: The weights do not fit on the device.
    """
    with loading(f"logits of {name}", _REMEDY):
        network = load_network(settings, where=f"logits of {name}").to(device)
    found = output_layer(network, transform_of(settings))
    changes = {**found._asdict(), "directions": None}
    return NeuronTarget(name, settings.model_copy(update=changes), network, batch_size=batch_size)


def load_random_copy(
    name: str, settings: study_targets.Target, *, seed: int, device: str, batch_size: int
) -> NeuronTarget:
    """The target with weights that know nothing; the same for the same seed on every device.

    Args:
        name: Of the target.
        settings: Of the target.
        seed: Of the weights.
        device: torch's name of it.
        batch_size: Pictures in one forward pass.

    Raises:
        LookupError: The network or the layer does not exist.
        ValueError: The network does not fit the settings.
        MemoryError: The weights do not fit on the device.
    """
    with loading(f"a random copy of {name}", _REMEDY):
        network = load_network(settings, where=f"a random copy of {name}")
        randomise(network, seed=seed)
        copy = NeuronTarget(name, settings, network.to(device), batch_size=batch_size)
    copy.weights_hash = settings_hash(copy.weights_hash, "random weights", seed)
    return copy


@torch.no_grad()
def randomise(network: nn.Module, *, seed: int) -> None:
    """Give a network on the CPU new weights: as its modules are made, the others shuffled.

    What no module knows how to make anew, such as a class token, keeps its values in another order.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for module in network.modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()
                continue
            for values in module.parameters(recurse=False):
                values.copy_(values.flatten()[torch.randperm(values.numel())].view_as(values))
