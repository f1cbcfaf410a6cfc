"""Inception-v4 on ImageNet (Szegedy et al. 2016, section 4).

python -m training run inception_v4-imagenet --data-dir <tfds folder>
"""

from keras_classics.models.inception_v4 import PAPER
from training.augment import Flip, RandomAreaCrop
from training.departures import AUGMENTATION_NOT_PRINTED, AVERAGE_NOT_PRINTED, RMSPROP_WITHOUT_MOMENTUM
from training.recipe import Exponential, Recipe, RMSProp


def imagenet(model: str) -> Recipe:
    """Section 4: RMSProp, and a rate that falls to 0.94 of itself every two epochs."""
    return Recipe(
        name=f"{model}-imagenet",
        model=model,
        dataset="imagenet2012",
        paper=PAPER,
        epochs=100,
        batch_size=32,
        optimizer=RMSProp(rho=0.9, epsilon=1.0, weight_decay=4e-5, decay_on="kernels"),
        schedule=Exponential(0.045, factor=0.94, epochs=2),
        average=0.9999,
        label_smoothing=0.1,
        augment=(RandomAreaCrop(299), Flip()),
        hold_out=100,
        departures=(
            "One process with a batch of 32; the paper: 20 replicas, whose batch it does not print.",
            "The 100 epochs and the label smoothing of 0.1 are those of Inception v3, the weight decay of 4e-5 on "
            "kernels alone is that of the authors' code: the paper does not print them.",
            AUGMENTATION_NOT_PRINTED,
            AVERAGE_NOT_PRINTED,
            RMSPROP_WITHOUT_MOMENTUM,
        ),
    )


RECIPES = (imagenet("inception_v4"),)
