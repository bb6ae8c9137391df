"""What both models saw, by the numbers of pictures that are asked for."""

import pandas as pd

from sieve_assets.assets.reference_pictures import references
from sieve_assets.assets.witnesses import NEURONS_TOGETHER, Witnesses, by_neurons


def test_a_concept_with_other_numbers_of_pictures_is_there_several_times(finished):
    bench = finished.bench()
    chosen = tuple(references(bench))
    other = next(
        name for name in finished.table("concept_hypotheses")["concept"] if name not in chosen
    )
    seen = Witnesses(bench, "cnn", chosen, ((other, 2), (chosen[0], 3), (other, 1)))

    assert seen.drawn == [*((name, 3) for name in chosen), (other, 2), (other, 1)]
    assert seen.concepts == [*chosen, other, other]
    seeds = seen.pictures.groupby("place")["seed"].agg(list).tolist()
    assert seeds == [[0, 1, 2]] * 4 + [[0, 1], [0]]
    assert seen.pictures["picture_id"].nunique() == 4 * 3 + 2


def test_intervals_are_those_of_the_rows_whatever_they_are_held_against(finished):
    bench = finished.bench()
    rows = finished.table("evidence", model="cnn")
    pairs = rows.filter(["model", "neuron", "concept", "n_pictures"])
    asked = tuple(dict.fromkeys((name, 3) for name in pairs["concept"]))
    for compared in ((), tuple(references(bench))):
        found = Witnesses(bench, "cnn", compared, asked).intervals(pairs)
        assert found["low"].tolist() == rows["matched_low"].tolist()
        assert found["high"].tolist() == rows["matched_high"].tolist()


def test_a_neurons_pairs_stay_together():
    pairs = pd.DataFrame({"neuron": [n for n in range(2 * NEURONS_TOGETHER + 1) for _ in range(3)]})

    parts = list(by_neurons(pairs))

    assert [part["neuron"].nunique() for part in parts] == [NEURONS_TOGETHER] * 2 + [1]
    assert pd.concat(parts).equals(pairs)
