"""Xception on ImageNet (Chollet 2016, section 4).

python -m training run xception-imagenet --data-dir <tfds folder>
"""

from keras_classics.models.xception import PAPER
from training.augment import Flip, RandomAreaCrop
from training.departures import AVERAGE_NOT_PRINTED, DECAY_ON_ALL_WEIGHTS
from training.recipe import SGD, Exponential, Recipe

RECIPES = (
    Recipe(
        name="xception-imagenet",
        model="xception",
        dataset="imagenet2012",
        paper=PAPER,
        epochs=100,
        batch_size=32,
        optimizer=SGD(momentum=0.9, weight_decay=1e-5),
        schedule=Exponential(0.045, factor=0.94, epochs=2),
        average=0.9999,
        augment=(RandomAreaCrop(299), Flip()),
        hold_out=100,
        departures=(
            "One process with a batch of 32; the paper: 60 GPUs, synchronous, whose batch it does not print.",
            "The paper prints neither the number of epochs nor its augmentation: here 100, GoogLeNet's crops and "
            "mirror images.",
            AVERAGE_NOT_PRINTED,
            DECAY_ON_ALL_WEIGHTS,
        ),
    ),
)
