"""From what the study file says of a probe set to the set of images."""

from pathlib import Path

from sieve_assets import study_probes
from sieve_assets.image_sets.addresses import Address
from sieve_assets.image_sets.folders import Folder
from sieve_assets.image_sets.hugging_face import HuggingFaceSet
from sieve_assets.image_sets.image_set import ImageSet
from sieve_assets.image_sets.tars import Shards
from sieve_assets.image_sets.torchvision_sets import TorchvisionSet


def image_set_of(probe: study_probes.ImageProbe) -> ImageSet:
    """The images of a probe set that is not rendered; nothing is read yet."""
    match probe:
        case study_probes.FolderProbe(path=Path() as path):
            return Folder(path)
        case study_probes.FolderProbe():
            return Address(str(probe.path), probe.storage_options)
        case study_probes.WebDatasetProbe():
            return Shards(probe.patterns, probe.storage_options)
        case study_probes.TorchvisionProbe():
            return TorchvisionSet(probe.dataset, probe.root, probe.args, probe.download)
        case study_probes.DatasetsProbe():
            return HuggingFaceSet(
                probe.dataset,
                probe.split,
                config=probe.config,
                revision=probe.revision,
                image=probe.image_column,
                label=probe.label_column,
                streaming=probe.streaming,
            )
