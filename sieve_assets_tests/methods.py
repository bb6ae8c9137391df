"""The tiny study whose neurons several methods name, all judged, with a truth that is known."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sieve_assets.assets import (
    compared_names,
    control_explanations,
    evaluate,
    method_comparison,
    pipeline,
    revised_names,
)
from sieve_assets.terrarium import oracle_scenes, workers
from sieve_assets_tests.studies import BY_NEURON, LAST, StudyRun

COMPARED = {
    "n_reference = 4": "n_reference = 4\n\n[compare.www]\nn_images = 9\nalpha = 0.5\n\n"
    "[compare.linear]\nslope = 60.0\nshift = 0.13"
}
"""Changes that ask for other explainers, with settings by which tiny random models name neurons."""
NAMES = ["dog on grass", "animal", "snow", "penguin", "cat at night", "bus", "owl", "a fish"]
NAMED = """model,neuron,description
cnn,1,dog on grass
cnn,3,a purple submarine
cnn,4,owl
vit,2,owl
"""
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
            *(method_comparison, pipeline, revised_names),
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
            for stage in ("reference_pictures", *BY_NEURON, *LAST, *OF_COMPARISON):
                study.of_model(model, stage)
    return study
