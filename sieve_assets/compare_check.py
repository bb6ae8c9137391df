"""What `sieve check` says of a comparison: imported names, classes, the sentence model."""

import click

from sieve_assets.study import Study


def tell_comparison(study: Study) -> bool:
    """Say what there is to compare, or what is wrong with it: a line each; whether all is right."""
    return all([_tell_imported(study), _tell_classes(study), _tell_text_model(study)])


def _tell_imported(study: Study) -> bool:
    """Say what imported files name."""
    from sieve_assets.stores.explanation_files import is_about, read_names  # noqa: PLC0415 (pandas)

    files = study.compare.imported if study.compare else {}
    is_right = True
    for name, model in ((name, model) for name in files for model in study.targets):
        if not is_about(files[name], model):
            continue
        try:
            found = read_names(study, name, model)
        except (ValueError, OSError) as error:
            is_right = False
            click.echo(str(error))
        else:
            n_neurons = found.rows["neuron"].nunique()
            said = f"{len(found.rows)} names of {n_neurons} neurons of {model}"
            click.echo(f"compare.imported.{name}: ok, {said}; {found.n_repeated} repeated")
    return is_right


def _tell_classes(study: Study) -> bool:
    """Say which targets' neurons are classes."""
    from sieve_assets.models.class_names import classes_of_neurons  # noqa: PLC0415 (seconds)

    is_right = True
    for model, target in study.targets.items():
        try:
            classes = classes_of_neurons(target)
        except (ValueError, LookupError, OSError) as error:
            is_right = False
            click.echo(f"target {model}: {error}")
        else:
            if classes:
                said = f"{classes[0]!r} to {classes[-1]!r}"
                click.echo(f"target {model}: its neurons are {len(classes)} classes, {said}")
    return is_right


def _tell_text_model(study: Study) -> bool:
    """Load the sentence model, if the study names one."""
    if study.compare is None or study.compare.text_model is None:
        return True
    from sieve_assets.models.sentence_model import load_sentence_model  # noqa: PLC0415 (seconds)

    try:
        model = load_sentence_model(study.compare.text_model, device="cpu", batch_size=1)
    except (ValueError, LookupError, MemoryError) as error:
        click.echo(f"compare.text_model: {error}")
        return False
    n_features = model.embed_texts(["a"]).shape[1]
    click.echo(f"compare.text_model: ok, {n_features} features a text")
    return True
