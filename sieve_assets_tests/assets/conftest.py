"""Copies of the tiny study to change and run again, and a count of what its models are asked."""

import pytest


@pytest.fixture
def copied(finished, tmp_path):
    """The tiny study with its results."""
    return finished.changed(tmp_path)


@pytest.fixture(scope="session")
def compared(finished, tmp_path_factory):
    """The same with other explainers run; for tests that only read it."""
    from sieve_assets_tests.methods import COMPARED  # noqa: PLC0415 (as in the conftest above)

    study = finished.changed(tmp_path_factory.mktemp("compared"), COMPARED)
    for model in ("cnn", "vit"):
        study.of_model(model, "layer_explanations")
        study.of_model(model, "neuron_explanations")
    return study


@pytest.fixture(scope="session")
def varied(methods, tmp_path_factory):
    """The study of all methods, with evidence and truth drawn by lot; for tests that only read."""
    from sieve_assets_tests.methods import varied_study  # noqa: PLC0415 (as in the conftest above)

    return varied_study(methods, tmp_path_factory.mktemp("varied"))


@pytest.fixture
def empty(finished, tmp_path):
    """The tiny study, nothing of it run yet."""
    return finished.anew(tmp_path)


@pytest.fixture
def count(monkeypatch):
    """`count(NeuronTarget, "observe")` gives a list that grows by each call's number of inputs."""

    def watch(owner, name):
        original, sizes = getattr(owner, name), []

        def counted(self, inputs, *rest):
            sizes.append(len(inputs))
            return original(self, inputs, *rest)

        monkeypatch.setattr(owner, name, counted)
        return sizes

    return watch


@pytest.fixture
def unlucky_three(monkeypatch):
    """Clusters of neuron 3 cannot be computed."""
    from sieve_assets.assets import hypothesize  # noqa: PLC0415 (its function is replaced)

    original = hypothesize.cluster_rows

    def fail_for_three(patches, model, neuron, study):
        if neuron == 3:
            raise ValueError("clusters: expected luck, got none.")
        return original(patches, model, neuron, study)

    monkeypatch.setattr(hypothesize, "cluster_rows", fail_for_three)
