"""Has the pictures of hypotheses drawn look by look, more only where it is open how they end.

Not here: when a hypothesis is clear (`method.sequential_drawing`), and what is made of it then.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sieve_assets.assets.errands import Errand
from sieve_assets.assets.picture_bank import draw_missing, embed, observe
from sieve_assets.assets.reference_pictures import references
from sieve_assets.assets.witnesses import Witnesses, by_neurons
from sieve_assets.method.generated_image_sets import picture_requests, prompt_for

if TYPE_CHECKING:
    from sieve_assets.method.activation_rates import Interval


def with_numbers(errand: Errand, pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs with `n_pictures`, how many pictures each is judged by; these are in the bank.

    Without looks as many of each. With looks each pair's own pictures say when it is clear,
    whatever other neurons and targets had drawn for the same concept. Of a reference all are there
    anyway.
    """
    from sieve_assets.method.sequential_drawing import (  # noqa: PLC0415 (scipy is slow)
        pictures_needed,
    )

    bench, looks = errand.bench, errand.bench.study.generator.looks
    numbers = np.full(len(pairs), bench.study.generator.n_images)
    if looks:
        is_looked_at = ~pairs["concept"].isin(references(bench)).to_numpy()
        some = pairs[is_looked_at]

        def look(rows: np.ndarray, number: int) -> "Interval":
            return _intervals(errand, some.iloc[rows].assign(n_pictures=number))

        numbers[is_looked_at] = pictures_needed(
            look, len(some), looks=looks, line=bench.study.verify.min_rate
        )
    found = pairs.assign(n_pictures=numbers)
    if looks:
        _draw(errand, found)
    return found


def witnesses_of(errand: Errand, pairs: pd.DataFrame, compared: Iterable[str]) -> Witnesses:
    """What both models see of the pairs' pictures, at which they look now, and of references."""
    asked = zip(pairs["concept"], pairs["n_pictures"], strict=True)
    hypotheses = tuple(dict.fromkeys((str(concept), int(number)) for concept, number in asked))
    found = Witnesses(errand.bench, errand.model, tuple(compared), hypotheses)
    pictures = found.pictures.drop_duplicates("picture_id")
    observe(errand, pictures)
    embed(errand, pictures)
    return found


def _intervals(errand: Errand, pairs: pd.DataFrame) -> "Interval":
    """Draw what the pairs lack, look at it, and measure."""
    from sieve_assets.method.activation_rates import Interval  # noqa: PLC0415 (scipy is slow)

    number = pairs["n_pictures"].max()
    errand.log.info("%s: %d names are looked at on %d pictures", errand.model, len(pairs), number)
    _draw(errand, pairs)
    witnesses = witnesses_of(errand, pairs, ())
    found = pd.concat([witnesses.intervals(part) for part in by_neurons(pairs)])
    return Interval(found["low"].to_numpy(), found["high"].to_numpy())


def _draw(errand: Errand, pairs: pd.DataFrame) -> None:
    """Draw what the bank lacks of the pairs' pictures; of each concept the most that one needs."""
    settings, identity = errand.bench.study.generator, errand.bench.generator_identity
    rising = pairs.sort_values(["n_pictures", "concept"])
    most = dict(zip(rising["concept"], rising["n_pictures"], strict=True))
    requests = [
        request
        for concept, number in most.items()
        for request in picture_requests(
            [prompt_for(concept, settings.prompt)], identity=identity, n_images=int(number)
        )
    ]
    draw_missing(errand, requests)
