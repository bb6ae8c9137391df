"""Whether the intervals of activation rates hold: beside the rates on 500 other pictures.

From what `make demo` made. For a sample of the concepts that SIEVE named, draws 500 pictures with
other seeds, and says for the names with a rate between .05 and .95 on these how often intervals of
as many pictures as the study draws cover it, and how far it is from the rate on scenes rendered
for the concept.
"""

import argparse
from collections.abc import Sequence

import numpy as np
import pandas as pd
from PIL import Image
from rich.console import Console
from rich.progress import track

from sieve_assets.assets.resources import Workbench
from sieve_assets.method.activation_rates import activation_rates
from sieve_assets.method.generated_image_sets import prompt_for

N_MORE = 500
FIRST_SEED = 1_000_000
"""Of the other pictures: far from those of any study."""
GRADED = (0.05, 0.95)
CONFIDENCE = 0.95
N_SIMULATED = 200_000

_NAMES = """
SELECT model, neuron, concept, threshold, oracle_ar FROM oracle_rates WHERE is_of_world
ORDER BY model, neuron, concept
"""


def draw_more(bench: Workbench, concept: str) -> list[Image.Image]:
    """Pictures of a concept that no study has."""
    prompt, size = prompt_for(concept, bench.study.generator.prompt), bench.pictures_at_once
    pictures = []
    for start in range(0, N_MORE, size):
        seeds = range(FIRST_SEED + start, FIRST_SEED + min(start + size, N_MORE))
        pictures += bench.generator.draw([prompt] * len(seeds), list(seeds))
    return pictures


def fired(bench: Workbench, names: pd.DataFrame, concepts: Sequence[str]) -> pd.DataFrame:
    """The names of some concepts, with whether the neuron fires on each of the other pictures."""
    found = []
    for concept in track(concepts, "concepts"):
        pictures = draw_more(bench, concept)
        for model, part in names[names["concept"] == concept].groupby("model"):
            seen = bench.target(str(model)).activations(pictures)[:, part["neuron"]]
            fires = seen > np.asarray(part["threshold"], np.float32)
            found.append(part.assign(fires=list(fires.T)))
    return pd.concat(found, ignore_index=True)


def covered(fires: np.ndarray, n_images: int) -> np.ndarray:
    """Whether intervals of `n_images` pictures each cover the rate on all the others."""
    n_sets = fires.shape[1] // n_images
    some = fires[:, : n_sets * n_images].reshape(len(fires), n_sets, n_images)
    others = (fires.sum(axis=1)[:, None] - some.sum(axis=2)) / (fires.shape[1] - n_images)
    low, high = _interval(some.reshape(-1, n_images))
    return (low <= others.ravel()) & (others.ravel() <= high)


def expected(rates: np.ndarray, n_images: int, generator: np.random.Generator) -> float:
    """The same share if pictures were independent draws at these rates."""
    true = generator.choice(rates, N_SIMULATED)
    some = generator.binomial(n_images, true)
    others = generator.binomial(N_MORE - n_images, true) / (N_MORE - n_images)
    low, high = _interval(np.arange(n_images) < np.arange(n_images + 1)[:, None])
    return float(((low[some] <= others) & (others <= high[some])).mean())


def _interval(fires: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = activation_rates(
        fires.astype(np.float32), np.full(len(fires), 0.5, np.float32), confidence=CONFIDENCE
    )
    return found.ci_low, found.ci_high


def main() -> None:
    """Draw, look, and print the shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--concepts", type=int, default=40, help="how many are drawn (40)")
    asked = parser.parse_args()
    console, bench, generator = Console(width=200), Workbench(), np.random.default_rng(0)
    names = bench.warehouse.read(_NAMES)
    concepts = sorted(set(names["concept"]))
    chosen = sorted(generator.permutation(concepts)[: asked.concepts].tolist())
    rows = fired(bench, names, chosen)
    rates = np.array([one.mean() for one in rows["fires"]])
    is_graded = (rates > GRADED[0]) & (rates < GRADED[1])
    n_images, some = bench.study.generator.n_images, np.stack(list(rows["fires"]))[is_graded]
    hits = covered(some, n_images)
    hoped = expected(rates[is_graded], n_images, generator)
    gap = rates - rows["oracle_ar"].to_numpy(np.float64)
    console.print(
        f"{len(chosen)} concepts of {len(concepts)}, {len(rows)} names, {len(some)} with a rate "
        f"between .05 and .95 on {N_MORE} other pictures.\nIntervals of {n_images} pictures cover "
        f"the rate on the others in {hits.mean():.1%} of {len(hits)} cases; expected {hoped:.1%}, "
        f"with that rate's own error.\nDrawn less rendered rate: {_told(gap[is_graded])} over these"
    )
    for model in bench.study.targets:
        console.print(
            f"  {model}, all of its names: {_told(gap[(rows['model'] == model).to_numpy()])}"
        )


def _told(gaps: np.ndarray) -> str:
    return f"{gaps.mean():+.3f} in the mean, {np.abs(gaps).mean():.3f} of either sign"


if __name__ == "__main__":
    main()
