"""Which pictures a concept needs, and the name that says all that a picture depends on."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from sieve_assets.method.checked_inputs import refusal, require_at_least

_SLOT = "{}"


class PictureRequest(NamedTuple):
    """A picture to draw."""

    picture_id: str
    prompt: str
    seed: int


def prompt_for(concept: str, template: str) -> str:
    """The text that the generator gets for a concept.

    Args:
        concept: A concept, which may hold braces of its own.
        template: Text with {} exactly once; the bare "{}" is the paper's.

    Returns:
        The template with the concept in place of {}.

    Raises:
        ValueError: {} is not in the template exactly once, or the concept is blank.

    Source: SIEVE, Sec. 3.4; docs/method.md, decisions 13 and 14.
    """
    if template.count(_SLOT) != 1:
        expected = "a template with {} exactly once"
        remedy = 'Write {} where the concept goes, as in "a photo of a {}".'
        raise ValueError(refusal("prompt_for", expected, repr(template), remedy))
    if not concept.strip():
        remedy = "Pass names from parse_concepts."
        raise ValueError(refusal("prompt_for", "a concept", repr(concept), remedy))
    return template.replace(_SLOT, concept)


def picture_id(identity: Mapping[str, object], prompt: str, seed: int) -> str:
    """The hash of all that a picture depends on, and of nothing else.

    Neither the neuron nor the target is in it: pictures belong to concepts and are shared.

    Args:
        identity: The generator's weights' hash and every argument besides prompt and seed; what
            JSON can hold.
        prompt: The text that the generator gets.
        seed: Of this picture's own noise, at least 0.

    Returns:
        SHA-256, in hexadecimal, of the canonical JSON (sorted keys).

    Raises:
        TypeError: The identity holds what JSON cannot.
        ValueError: The identity holds nan or infinity, or the seed is negative.

    Source: docs/method.md, "What is shared".
    """
    require_at_least("picture_id", "seed", seed, 0)
    picture = {"identity": dict(identity), "prompt": prompt, "seed": seed}
    try:
        text = json.dumps(picture, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        remedy = "Give numbers, strings, lists and string-keyed tables only."
        message = refusal("picture_id", "an identity that JSON can hold", str(error), remedy)
        raise type(error)(message) from error
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def picture_requests(
    prompts: Iterable[str], *, identity: Mapping[str, object], n_images: int
) -> list[PictureRequest]:
    """The pictures that a list of prompts needs: seeds 0 to n_images - 1 of each.

    The same seeds for every prompt, so that a picture does not depend on the order of the concepts.

    Args:
        prompts: May repeat; a prompt is drawn once.
        identity: As in `picture_id`.
        n_images: Pictures a prompt, at least 1; 50 in the `paper` profile.

    Returns:
        Requests by first appearance of the prompt, then by seed.

    Raises:
        TypeError: As `picture_id`.
        ValueError: As `picture_id`, or n_images < 1.

    Source: SIEVE, Sec. 3.4; docs/method.md, decisions 15 and 20.
    """
    require_at_least("picture_requests", "n_images", n_images, 1)
    return [
        PictureRequest(picture_id(identity, prompt, seed), prompt, seed)
        for prompt in dict.fromkeys(prompts)
        for seed in range(n_images)
    ]


def missing_pictures(
    requests: Iterable[PictureRequest], drawn: Collection[str]
) -> list[PictureRequest]:
    """The requests that the bank cannot answer yet, each once, in their order.

    Args:
        requests: From `picture_requests`; several lists may be joined.
        drawn: Ids of the pictures in the bank.

    Returns:
        What is left to draw.

    Source: docs/method.md, "What is shared".
    """
    present = set(drawn)
    by_id = {request.picture_id: request for request in requests}
    return [request for name, request in by_id.items() if name not in present]


def beginning_at(place: float, requests: Iterable[PictureRequest]) -> list[PictureRequest]:
    """The requests by their prompts in order, from a place among them on; those before it last.

    Runs that divide a target's neurons have many concepts in common. When each begins at a place of
    its own, a concept's pictures are drawn by the run that begins next before it.

    Args:
        place: Share of the prompts that come before, at least 0 and less than 1.
        requests: Pictures of a prompt stay together and in their order.

    Raises:
        ValueError: There is no such place.
    """
    if not 0 <= place < 1:
        remedy = "Pass the share of the target's neurons that come before."
        raise ValueError(refusal("beginning_at", "a place from 0 to below 1", str(place), remedy))
    listed = sorted(requests, key=lambda one: one.prompt)
    prompts = list(dict.fromkeys(one.prompt for one in listed))
    last = set(prompts[: int(place * len(prompts))])
    return sorted(listed, key=lambda one: one.prompt in last)
