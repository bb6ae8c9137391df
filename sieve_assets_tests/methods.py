"""The tiny study whose neurons several methods name, all judged, with a truth that is known."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sieve_assets.assets import (
    compared_names,
    control_explanations,
    evaluate,
    method_comparison,
    neuron_atlas,
    pipeline,
    revised_names,
    target_report,
)
from sieve_assets.stores.warehouse import Replacement
from sieve_assets.terrarium import oracle_scenes, workers
from sieve_assets_tests.studies import BY_NEURON, JUDGED, StudyRun

COMPARED = {
    "n_reference = 4": "n_reference = 4\n\n[compare.www]\nn_images = 9\nalpha = 0.5\n\n"
    "[compare.linear]\nslope = 60.0\nshift = 0.13"
}
"""Changes that ask for other explainers, with settings by which tiny random models name neurons."""
NAMES = ["dog on grass", "animal", "snow", "penguin", "cat at night", "bus", "owl", "a fish"]
NAMED = """model,neuron,description
cnn,0,sky
cnn,1,dog on grass
cnn,2,grass OR sand
cnn,3,a purple submarine
cnn,4,owl
cnn,5,night
vit,2,owl
"""
"""Names that people gave: of those beyond the concept set, the CNN's neurons 2 and 5 have a true
one."""
KEY = ["model", "neuron", "concept"]
OF_FIGURES = ("method_comparison", "score_truth", "ablation", "class_agreement")
N_UNBIASED = 300
OF_COMPARISON = tuple(stage.name for stage in pipeline.COMPARISON)


@contextmanager
def known_truth() -> Iterator[None]:
    """Few scenes, and the truth of the CNN's images taken for known though they lie in a folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(oracle_scenes, "UNBIASED_SCENES", N_UNBIASED)
        patch.setattr(oracle_scenes, "CONCEPT_SCENES", 8)
        patch.setattr(workers, "N_WORKERS", 1)
        for module in (
            *(compared_names, control_explanations, evaluate),
            *(method_comparison, neuron_atlas, pipeline, revised_names, target_report),
        ):
            patch.setattr(module, "has_known_truth", lambda _, model: model == "cnn")
        yield


def judged_study(finished: StudyRun, folder: Path) -> StudyRun:
    """A copy of the tiny study with a comparison, in a folder."""
    (folder / "names.txt").write_text("\n".join(NAMES))
    (folder / "others.csv").write_text(NAMED)
    imported = f'\n\n[compare.imported.others]\nfile = "{folder}/others.csv"\n'
    [[old, new]] = COMPARED.items()
    concepts = str(finished.bench().study.concepts.file)
    changes = {old: f"{new}{imported}", concepts: f"{folder}/names.txt"}
    study = finished.changed(folder, changes)
    with known_truth():
        for model in ("cnn", "vit"):
            for stage in ("reference_pictures", *BY_NEURON, *JUDGED, *OF_COMPARISON):
                study.of_model(model, stage)
    return study


def varied_study(methods: StudyRun, folder: Path) -> StudyRun:
    """A copy in which evidence, verdicts and truth are drawn by lot, with the figures of that.

    What tiny networks do is nearly the same for all names: no mean of it tells one column from
    another.
    """
    study = methods.changed(folder)
    with known_truth():
        for model in ("cnn", "vit"):
            draw_lots(study, model)
    return study


def draw_lots(study: StudyRun, model: str) -> None:
    """Write evidence, verdicts and truth by lot over what a target has, and make its figures anew.

    In a study that has been judged; nothing that is stored then says so.
    """
    generator = np.random.default_rng(27)
    for table, lots in (("compared_evidence", _evidence), ("compared_truth", _truth)):
        rows = study.table(table, model=model)
        drawn = rows.assign(**lots(rows, generator))
        study.bench().warehouse.replace(Replacement(table, drawn, rows[KEY]))
    study.forget(model, *OF_FIGURES)
    study.of_model(model, *OF_FIGURES)


def _evidence(rows: pd.DataFrame, generator: np.random.Generator) -> dict[str, Any]:
    n_rows = len(rows)
    rates = ("activation_rate", "ar_to_decide", "ar_to_report", "matched_ar")
    scores = ("lift", "mad", "natural_ap", "drawn_ap", "natural_f1", "natural_correlation")
    lots: dict[str, Any] = {name: generator.integers(0, 9, n_rows) / 8 for name in rates}
    for name in ("score", "auc", *scores):
        lots[name] = generator.normal(size=n_rows).round(1)
    for name in scores:
        lots[name][generator.random(n_rows) < 0.1] = np.nan
    return lots | {"verdict": generator.choice(["verified", "refuted"], n_rows)}


def _truth(rows: pd.DataFrame, generator: np.random.Generator) -> dict[str, Any]:
    """Nothing is true of two neurons."""
    return {"oracle_true": (generator.random(len(rows)) < 0.4) & ~rows["neuron"].isin([0, 4])}
