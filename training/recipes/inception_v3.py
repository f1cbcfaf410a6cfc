"""Inception v3 on ImageNet (Szegedy et al. 2015, sections 7 and 8).

python -m training run inception_v3-imagenet --data-dir <tfds folder>
"""

from keras_classics.models.inception_v3 import PAPER
from training.augment import Flip, RandomAreaCrop
from training.departures import AUGMENTATION_NOT_PRINTED, AVERAGE_NOT_PRINTED, RMSPROP_WITHOUT_MOMENTUM
from training.recipe import Exponential, Recipe, RMSProp

RECIPES = (
    Recipe(
        name="inception_v3-imagenet",
        model="inception_v3",
        dataset="imagenet2012",
        paper=PAPER,
        epochs=100,
        batch_size=32,
        optimizer=RMSProp(rho=0.9, epsilon=1.0, weight_decay=4e-5, clip=2.0, decay_on="kernels"),
        schedule=Exponential(0.045, factor=0.94, epochs=2),
        average=0.9999,
        label_smoothing=0.1,
        augment=(RandomAreaCrop(299), Flip()),
        hold_out=100,
        build={"aux_heads": True},
        departures=(
            "One process with a batch of 32; the paper: 50 replicas, each with such a batch.",
            "The weight decay of 4e-5 is told by the Xception paper. As in the published code it is on kernels alone.",
            AUGMENTATION_NOT_PRINTED,
            AVERAGE_NOT_PRINTED,
            RMSPROP_WITHOUT_MOMENTUM,
            "The gradients are clipped by their common norm: the paper prints the threshold alone.",
        ),
    ),
)
