"""What the cards of the shipped models say besides their figures; `card_files` writes them."""

from dataclasses import dataclass

from sieve_assets.terrarium import autoencoder, denoiser, targets, train, vision_language
from sieve_assets.terrarium.captions import concept_set
from sieve_assets.terrarium.fitting import Schedule
from sieve_assets.terrarium.world import BACKGROUNDS, drawn_objects, world_objects

_RESNET = targets.RECIPES["terrarium_resnet"].network_args
_VIT = targets.RECIPES["terrarium_vit"].network_args
_TARGET_PURPOSE = (
    f"A classifier of {targets.N_CLASSES} classes, {len(world_objects())} objects and the empty "
    "scene, made to be explained: {}"
)
_TARGET_DATA = (
    f"{targets.N_SCENES:,} rendered scenes, each object in {targets.TRAINING_OBJECT_SHARE:.2%} of "
    "them, with the deliberate bias: an object that has a home background stands on it in 95 % of "
    "its scenes. Pictures were moved by a few pixels and half of the batches mirrored. "
    "Each was also seen bent, blurred, made from fewer pixels, blotched, noisy and compressed, "
    "each by chance, and the neurons were drawn to answer to that as to the perfect picture: "
    "generated pictures have faults that people hardly see."
)
_STANDING_OUT = (
    f"That counts from step {targets.RECIPES['terrarium_vit'].settled_from:,} on, and so does a "
    "term in the loss that makes neurons stand out in few pictures."
)
_TARGET_LIMITS = (
    "The bias is meant, and so are the errors on unbiased scenes. It knows rendered emoji of "
    "30 to 50 pixels in frames of 64 and nothing else."
)
_WENT_ON = (
    "These weights went on from those of an earlier release, {}, so training anew does not give "
    "the same weights."
)


@dataclass(frozen=True)
class Card:
    """What is said of a model besides its figures.

    Attributes:
        title: Name.
        purpose: What it is and what it is for.
        architecture: Of what kind and size.
        data: What it was trained on.
        limits: What not to expect.
        trainings: Names of the trainings that made it, as in `train.SCHEDULES`.
        note: What else is to be said of the weights that ship; may be empty.
    """

    title: str
    purpose: str
    architecture: str
    data: str
    limits: str
    trainings: tuple[str, ...]
    note: str = ""

    @property
    def schedules(self) -> dict[str, Schedule]:
        """How long and how fast each training went."""
        return {name: train.SCHEDULES[name] for name in self.trainings}


CARDS = {
    "terrarium_resnet": Card(
        title="terrarium_resnet",
        purpose=_TARGET_PURPOSE.format(
            "its 64 neurons are the pooled channels of the last stage, which ReLU keeps from "
            "being negative."
        ),
        architecture=(
            f"timm's resnet18 with one block a stage, channels {_RESNET['channels']} and output "
            f"stride {_RESNET['output_stride']}: the last feature map is 8 × 8."
        ),
        data=(
            f"{_TARGET_DATA} {_STANDING_OUT} A small weight on the mean activation makes neurons "
            "fire seldom."
        ),
        limits=_TARGET_LIMITS,
        trainings=("terrarium_resnet",),
        note=(
            "First trained on one H200 GPU with stronger distortions, without blotches and "
            "compression, with a weight of 3 on equal answers and none on standing out. Then, as "
            "here, on two CPU cores with 128 pictures a step of 60,000 scenes: 700 steps up to a "
            "rate of .0008 (averaged with the first, 4 parts to 6), 700 up to .001 with a weight "
            "of .4 on standing out from a neuron's mean, 800 up to .0015 (averaged with the ones "
            "before, 4 parts to 6)."
        ),
    ),
    "terrarium_vit": Card(
        title="terrarium_vit",
        purpose=_TARGET_PURPOSE.format(
            "its 64 neurons are the class token's dimensions after the last norm, which are signed."
        ),
        architecture=(
            f"timm's vision transformer with {_VIT['depth']} blocks, {_VIT['num_heads']} heads, "
            f"width {_VIT['embed_dim']} and patches of {_VIT['patch_size']} pixels: 8 × 8 tokens "
            "and the class token."
        ),
        data=f"{_TARGET_DATA} {_STANDING_OUT}",
        limits=_TARGET_LIMITS,
        trainings=("terrarium_vit",),
        note=_WENT_ON.format(
            "which saw neither blotches nor compression, with stronger distortions, for 1,300 "
            "steps of 128 pictures of 60,000 scenes, up to a rate of .0008"
        ),
    ),
    "vision_language": Card(
        title="The world's CLIP",
        purpose=(
            "Compares pictures of the embedded world, and crops of them, with words: it embeds "
            "patches and concepts in the study."
        ),
        architecture=(
            "open_clip's CLIP: a small modified ResNet (stages of "
            f"{vision_language.model_config(0)['vision_cfg']['layers']} blocks, width "
            f"{vision_language.model_config(0)['vision_cfg']['width']}) and a text transformer of "
            f"3 blocks and width 128; its own vocabulary, {vision_language.CONTEXT_LENGTH} tokens "
            "a text."
        ),
        data=(
            f"{vision_language.N_SCENES:,} unbiased rendered scenes, "
            f"{vision_language.CROP_SHARE:.0%} of the times seen as a crop around the object. "
            "Texts: every object, family, background and object on a background, and everyday "
            "words that name nothing here. "
            "First the sigmoid loss with the renderer's exact truth, so that there are no false "
            "negatives; then CLIP's own loss on sampled captions, so that of several true words "
            "the most specific is the nearest."
        ),
        limits=(
            "It knows the words of this world. Everyday words lie far from all pictures because "
            "they were negatives in training; words it never read lie anywhere."
        ),
        trainings=("vision_language", "specificity"),
        note=_WENT_ON.format(
            "whose concept set had 40 objects, by 700 steps of 160 pictures of the second "
            "training, up to a rate of .0006"
        ),
    ),
    "generator": Card(
        title="The world's generator",
        purpose="Draws a concept of the embedded world in 64 × 64 pixels: the study's experiments.",
        architecture=(
            "A StableDiffusionXLPipeline with one text encoder, the text tower of a CLIP "
            "as its first training leaves it. An "
            f"autoencoder to 8 × 8 latents of {autoencoder.LATENT_CHANNELS} channels; a U-Net of "
            f"two resolutions ({' and '.join(map(str, denoiser.CHANNELS))} channels) that sees a "
            "text by cross-attention and as a pooled vector; velocity prediction, DPM-Solver++ "
            "with steps evenly spread over log signal to noise, without clipping of latents."
        ),
        data=(
            f"{denoiser.N_SCENES:,} unbiased rendered scenes (autoencoder: "
            f"{autoencoder.N_SCENES:,}) of {len(drawn_objects())} objects on {len(BACKGROUNDS)} "
            "backgrounds, the object near the centre and upright. Captions: object on background, "
            "object, family, background."
        ),
        limits=(
            f"It draws what the concept set names ({len(concept_set())} entries with everyday "
            "words, for which it draws something, but nothing that they mean). Fine details and "
            "textures are smoothed. It draws "
            f"{len(drawn_objects())} of the {len(world_objects())} objects that the other models "
            "know: time limits that, of training and of a study that has to draw them. "
            "Of 1,000 rendered scenes that went through the autoencoder the judge knows 97.5 %, of "
            "the scenes themselves all: its latents lose details of objects."
        ),
        trainings=("autoencoder", "denoiser", "decoder"),
        note=(
            "Trained on one H200 GPU in nine minutes, half of them beside the ResNet. The text "
            "tower's CLIP had 1,306 steps of 256 pictures of 120,000 scenes; it is not the one "
            "that ships."
        ),
    ),
}
