"""What every stage works with: the study, its stores and its models, loaded once a process.

Not here: where the stores are (see `places`). Heavy libraries load on first use.
"""

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import Field, PrivateAttr

from sieve_assets.assets.places import Places
from sieve_assets.study_probes import FolderProbe, TerrariumProbe

if TYPE_CHECKING:
    import numpy as np

    from sieve_assets.image_sets.image_set import ImageSet
    from sieve_assets.models.captioner import Captioner
    from sieve_assets.models.generator import Generator
    from sieve_assets.models.language_model import LanguageModel
    from sieve_assets.models.sentence_model import SentenceModel
    from sieve_assets.models.target import Target
    from sieve_assets.models.vision_language import VisionLanguage


_Model = TypeVar("_Model")


class Workbench(Places):
    """Where results go and what computes them."""

    device: str = Field(
        default_factory=lambda: os.environ.get("SIEVE_DEVICE", "auto"),
        description="torch's name of the device that runs the models; auto: CUDA, MPS or CPU.",
    )
    batch_size: int = Field(
        default_factory=lambda: int(os.environ.get("SIEVE_BATCH_SIZE", "64")),
        description="Pictures in one forward pass, fewer if memory runs out; results do not"
        " depend on it.",
    )
    atlas_url: str = Field(
        default_factory=lambda: os.environ.get("SIEVE_ATLAS_URL", "http://127.0.0.1:3001"),
        description="Where the neuron atlas is served, for links in Dagster: by `sieve ui`.",
    )

    _targets: dict[str, "Target"] = PrivateAttr(default_factory=dict)
    _text_models: dict[tuple[str, str], Any] = PrivateAttr(default_factory=dict)
    _image_sets: dict[str, "ImageSet"] = PrivateAttr(default_factory=dict)
    _text_vectors: dict[str, "np.ndarray"] = PrivateAttr(default_factory=dict)

    def anew(self, **other: Any) -> "Workbench":
        """The same workbench with the study file read again and no model loaded.

        Args:
            **other: Fields that are to be others.
        """
        same = {name: getattr(self, name) for name in type(self).model_fields}
        return Workbench(**{**same, **other})

    def image_set(self, probe: str) -> "ImageSet":
        """The images of the probe set called `probe`; of rendered ones, those rendered so far."""
        if probe not in self._image_sets:
            from sieve_assets.image_sets.opening import image_set_of  # noqa: PLC0415 (fsspec)

            how = self.study.probes[probe]
            if isinstance(how, TerrariumProbe):
                from sieve_assets.terrarium.probe import scene_folder  # noqa: PLC0415 (this world)

                folder = self.rendered_probes / scene_folder(how.n_images, how.seed, how.style)
                how = FolderProbe(kind="folder", path=folder)
            self._image_sets[probe] = image_set_of(how)
        return self._image_sets[probe]

    def images_of(self, model: str) -> "ImageSet":
        """The probe images of the target called `model`."""
        return self.image_set(self.study.targets[model].probe)

    def target_hash(self, model: str) -> str:
        """Hash of everything that a target's activations depend on; LookupError without weights."""
        from sieve_assets.models.identity import target_hash  # noqa: PLC0415 (as its neighbours)

        return target_hash(self.study.targets[model])

    def target_identity(self, model: str) -> dict[str, Any]:
        """What `target_hash` is the hash of, by name. Errors: as of that."""
        from sieve_assets.models.identity import target_identity  # noqa: PLC0415 (as above)

        return target_identity(self.study.targets[model])

    def target(self, model: str) -> "Target":
        """The target called `model`, loaded: again if its weights have changed since.

        Raises:
            LookupError: The network, its weights or its layer does not exist.
            ValueError: Weights, width or layer do not fit the network, or the file of weights was
                replaced while it was loaded.
        """
        wanted = self.target_hash(model)
        loaded = self._targets.get(model)
        if loaded is None or loaded.weights_hash != wanted:
            from sieve_assets.models.target import load_target  # noqa: PLC0415 (torch is slow)

            loaded = self._targets[model] = load_target(
                model,
                self.study.targets[model],
                device=self._best_device,
                batch_size=self.batch_size,
            )
        return self._unchanged(loaded, wanted, loaded.weights_hash, f"the weights of {model}")

    def beside(self, model: str, load: Callable[..., _Model], **how: Any) -> _Model:
        """Another network made of a target's settings, such as its logits; loaded anew."""
        settings = self.study.targets[model]
        return load(model, settings, device=self._best_device, batch_size=self.batch_size, **how)

    @property
    def vision_language_hash(self) -> str:
        """Hash of everything that an embedding depends on besides its picture or text.

        A folder is told by its files; a model that open_clip fetches by name must be loaded.
        """
        from sieve_assets.models import identity  # noqa: PLC0415 (as its neighbours)

        settings = self.study.vision_language
        folder = Path(settings.model)
        if not folder.is_dir():
            return self._vision_language.weights_hash
        return identity.vision_language_hash(settings, identity.content_hash(folder))

    @property
    def vision_language(self) -> "VisionLanguage":
        """The vision-language model, loaded."""
        model = self._vision_language
        return self._unchanged(
            model, self.vision_language_hash, model.weights_hash, "the vision-language model"
        )

    @cached_property
    def _vision_language(self) -> "VisionLanguage":
        from sieve_assets.models.vision_language import load_vision_language  # noqa: PLC0415

        return load_vision_language(
            self.study.vision_language, device=self._best_device, batch_size=self.batch_size
        )

    @property
    def text_vectors(self) -> dict[str, "np.ndarray"]:
        """What the vision-language model sees in texts that were asked for, by their hash."""
        return self._text_vectors

    @property
    def generator_identity(self) -> Mapping[str, Any]:
        """Everything a picture depends on besides its prompt and seed.

        A folder is told by its files; a name on the hub is fetched first.
        """
        from sieve_assets.models.identity import generator_identity  # noqa: PLC0415

        folder = Path(self.study.generator.pipeline)
        if not folder.is_dir():
            from sieve_assets.models.pipelines import pipeline_folder  # noqa: PLC0415

            settings = self.study.generator
            folder = pipeline_folder(settings.pipeline, settings.variant)
        return generator_identity(self.study.generator, folder)

    @property
    def generator(self) -> "Generator":
        """The text-to-image model, loaded."""
        model = self._generator
        return self._unchanged(model, self.generator_identity, model.identity, "the generator")

    @cached_property
    def _generator(self) -> "Generator":
        from sieve_assets.models.generator import load_generator  # noqa: PLC0415

        return load_generator(
            self.study.generator, device=self._best_device, batch_size=self.pictures_at_once
        )

    @property
    def pictures_at_once(self) -> int:
        """Pictures drawn together, and stored together."""
        return self.study.generator.batch_size or self.batch_size

    def checkpoint_hash(self, name: Path | str) -> str:
        """Hash of everything by which a captioner or another model of texts works.

        A folder is told by its files; a name on the hub is fetched first.

        Raises:
            LookupError: There is no such folder, or the hub does not give the name.
        """
        from sieve_assets.models.checkpoint_folders import checkpoint_hash  # noqa: PLC0415

        return checkpoint_hash(name)

    def captioner(self, name: Path | str) -> "Captioner":
        """The captioner called `name`, loaded."""
        from sieve_assets.models.captioner import load_captioner  # noqa: PLC0415 (torch is slow)

        return self._of_texts(name, load_captioner)

    def language_model(self, name: Path | str) -> "LanguageModel":
        """The language model called `name`, loaded."""
        from sieve_assets.models.language_model import load_language_model  # noqa: PLC0415

        return self._of_texts(name, load_language_model)

    def sentence_model(self, name: Path | str) -> "SentenceModel":
        """The sentence model called `name`, loaded."""
        from sieve_assets.models.sentence_model import load_sentence_model  # noqa: PLC0415

        return self._of_texts(name, load_sentence_model)

    def _of_texts(self, name: Path | str, load: Callable[..., _Model]) -> _Model:
        key, wanted = (load.__name__, str(name)), self.checkpoint_hash(name)
        if key not in self._text_models:
            self._text_models[key] = load(
                name, device=self._best_device, batch_size=self.batch_size
            )
        model = self._text_models[key]
        return self._unchanged(model, wanted, model.weights_hash, f"the files of {name}")

    @property
    def _best_device(self) -> str:
        from sieve_assets.models.devices import device_for  # noqa: PLC0415 (torch is slow)

        return device_for(self.device)

    def _unchanged(self, model: _Model, wanted: object, found: object, what: str) -> _Model:
        """The model, unless its files are no longer those it was loaded from.

        Raises:
            ValueError: They are not.
        """
        if wanted != found:
            raise ValueError(
                f"Workbench: expected {what} as loaded, got files that have changed since. "
                "Run this again once nothing writes them."
            )
        return model
