"""Which device runs the models."""

import torch


def device_for(wanted: str) -> str:
    """The device's name in torch: the one that is wanted or, for "auto", the best there is.

    CUDA comes before Apple's MPS, and that before the CPU.

    Raises:
        ValueError: There is no such device on this machine.
    """
    if wanted == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.empty(0, device=wanted)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"device: expected one that this machine has, got {wanted!r} ({reason}). Set "
            'SIEVE_DEVICE to "cuda", "mps" or "cpu", or leave it away.'
        ) from error
    return wanted
