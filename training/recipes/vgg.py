"""VGG on ImageNet (Simonyan and Zisserman 2014, section 3.1).

python -m training run vgg16-imagenet --data-dir <tfds folder>
"""

from keras_classics.models.vgg import PAPER, TRAINED_ON_SCALES
from training.augment import Flip, PCAColour, ScaleJitterCrop
from training.departures import COLOURS_NOT_PRINTED, DECAY_ON_BIASES_TOO
from training.recipe import SGD, Plateau, Recipe

DEPARTURES: tuple[str, ...] = (
    "Weights start as in the paper's remark, by Glorot and Bengio's rule; the paper's own nets grew from configuration "
    "A, trained first from N(0, 0.1^2).",
    "The rate falls when the loss on 1% of the training images, held out, has not fallen for 5 epochs; the paper does "
    "not say how it told that validation no longer improved.",
    COLOURS_NOT_PRINTED,
    DECAY_ON_BIASES_TOO,
)


def imagenet(model: str, shortest: int, longest: int, *departures: str, reported: str | None = None) -> Recipe:
    """74 epochs, a tenth of the rate when validation no longer improves; the shorter side in `shortest`..`longest`."""
    return Recipe(
        name=f"{model}-imagenet",
        model=model,
        dataset="imagenet2012",
        paper=PAPER,
        epochs=74,
        batch_size=256,
        optimizer=SGD(momentum=0.9, weight_decay=5e-4),
        schedule=Plateau(0.01, factor=0.1, patience=5),
        augment=(ScaleJitterCrop(shortest, longest, 224), Flip(), PCAColour()),
        hold_out=100,
        build={"initialization": "glorot"},
        reported=reported,
        departures=DEPARTURES + departures,
    )


JITTERED = "Scales vary from the start; the paper fine-tunes so a net that was trained at 384."

RECIPES = (
    imagenet("vgg11", 256, 256),
    imagenet("vgg13", 256, 256),
    imagenet("vgg16", 256, 512, JITTERED, reported=TRAINED_ON_SCALES),
    imagenet("vgg19", 256, 512, JITTERED, reported=TRAINED_ON_SCALES),
)
