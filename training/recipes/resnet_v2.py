"""ResNet v2 on CIFAR-10 and ImageNet (He et al. 2016, appendix).

python -m training run resnet110_v2-cifar10 --data-dir <tfds folder>
"""

import dataclasses

from keras_classics.models.resnet_v2 import PAPER
from training.augment import Flip, PCAColour, ScaleJitterCrop
from training.departures import COLOURS_NOT_PRINTED, DECAY_ON_ALL_WEIGHTS, batch_norm_of
from training.recipe import SGD, Recipe, Steps
from training.recipes import resnet


def cifar10(model: str) -> Recipe:
    """As ResNet, with a warm-up of 400 iterations at every depth."""
    return dataclasses.replace(
        resnet.cifar10(model, warm_up=True),
        paper=PAPER,
        departures=(resnet.ITERATIONS, DECAY_ON_ALL_WEIGHTS, batch_norm_of(64)),
    )


def imagenet(model: str) -> Recipe:
    """No warm-up; a tenth of the rate from epoch 30 and again from 60."""
    return Recipe(
        name=f"{model}-imagenet",
        model=model,
        dataset="imagenet2012",
        paper=PAPER,
        epochs=90,
        batch_size=256,
        optimizer=SGD(momentum=0.9, weight_decay=1e-4),
        schedule=Steps((0.1, 0.01, 0.001), (30, 60)),
        augment=(ScaleJitterCrop(256, 480, 224), Flip(), PCAColour()),
        hold_out=100,
        departures=(
            "90 epochs: the paper does not print when it stops.",
            "The scale jitter and the colours are those of ResNet, which the paper does not repeat.",
            DECAY_ON_ALL_WEIGHTS,
            COLOURS_NOT_PRINTED,
            batch_norm_of(32),
        ),
    )


RECIPES = (
    *(cifar10(f"resnet{depth}_v2") for depth in (110, 164, 1001)),
    *(imagenet(f"resnet{depth}_v2") for depth in (50, 101, 152, 200)),
)
