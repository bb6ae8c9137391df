"""What cards say: every model has one, every training is told."""

import tomllib

from sieve_assets.terrarium.cards import CARDS
from sieve_assets.terrarium.train import SCHEDULES
from sieve_assets.terrarium.world import DATA

STUDY = tomllib.loads((DATA.parents[1] / "sieve.toml").read_text(encoding="utf-8"))


def test_every_model_of_the_study_has_a_card():
    assert set(CARDS) == {*STUDY["targets"], "vision_language", "generator"}


def test_every_training_is_told_in_one_card():
    told = [name for card in CARDS.values() for name in card.trainings]

    assert sorted(told) == sorted(SCHEDULES)
    assert CARDS["generator"].schedules["denoiser"] is SCHEDULES["denoiser"]


def test_cards_are_whole_sentences():
    for card in CARDS.values():
        for text in (card.purpose, card.architecture, card.data, card.limits):
            assert text.endswith(".")
            assert "{" not in text
            assert "  " not in text
