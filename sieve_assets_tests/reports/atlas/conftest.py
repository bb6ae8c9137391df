"""What the atlas of the finished tiny study is made of; only to be read."""

import pytest


@pytest.fixture(scope="session")
def materials(finished):
    """Of each target, as the stage collects it."""
    from sieve_assets.assets.atlas_material import material_of  # noqa: PLC0415 (see ../conftest)
    from sieve_assets.assets.neuron_atlas import READS  # noqa: PLC0415 (as above)

    bench, stages = finished.bench(), [one.name for one in READS]
    return {model: material_of(bench, model, stages) for model in bench.study.targets}
