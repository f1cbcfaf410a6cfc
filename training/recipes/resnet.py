"""Residual and plain networks on CIFAR-10 and ImageNet (He et al. 2015, sections 3.4 and 4.2), and beside the paper's
recipes two of today, after He et al. 2018.

python -m training run resnet20-cifar10 --data-dir <tfds folder>
python -m training run resnet20-cifar10-today --data-dir <tfds folder>

The second aims at an error of at most 8.75%, the paper's, in less than 1.5 hours of two cores: 50 epochs of 49,000
images are 75 minutes at 550 images a second.
"""

import math

from keras_classics.models.resnet import PAPER
from keras_classics.spec import CIFAR10_STATISTICS, Paper
from training.augment import Flip, MixUp, PadAndCrop, PCAColour, RandomAreaCrop, ScaleJitterCrop
from training.departures import COLOURS_NOT_PRINTED, DECAY_ON_ALL_WEIGHTS, batch_norm_of
from training.recipe import SGD, Cosine, Plateau, Recipe, Steps

TRICKS = Paper(
    title="Bag of Tricks for Image Classification with Convolutional Neural Networks",
    authors="He, Zhang, Zhang, Zhang, Xie, Li",
    year=2018,
    venue="CVPR 2019",
    url="https://arxiv.org/abs/1812.01187",
)
BATCH = 128
EPOCH = 45_000 / BATCH  # iterations, with one image in ten held out, as where the paper chose to stop after 64k
WARM_UP, FIRST_DROP, SECOND_DROP, END = 400 / EPOCH, 32_000 / EPOCH, 48_000 / EPOCH, 64_000 / EPOCH  # in epochs
STEPS = math.ceil(EPOCH)  # of an epoch
ITERATIONS = (
    f"An epoch has {STEPS} iterations, the last of a smaller batch, and the last epoch is whole: the rate falls after "
    f"{round(FIRST_DROP * STEPS):,} and {round(SECOND_DROP * STEPS):,} of {math.ceil(END) * STEPS:,} iterations; the "
    "paper's after 32k and 48k of 64k."
)


def cifar10(model: str, warm_up: bool = False) -> Recipe:
    """Section 4.2: 64k iterations, a tenth of the rate from 32k and again from 48k."""
    schedule = Steps((0.1, 0.01, 0.001), (FIRST_DROP, SECOND_DROP))
    departures: tuple[str, ...] = (ITERATIONS, DECAY_ON_ALL_WEIGHTS, batch_norm_of(64))
    if warm_up:
        schedule = Steps((0.01, 0.1, 0.01, 0.001), (WARM_UP, FIRST_DROP, SECOND_DROP))
        departures += (
            "The warm-up ends after 400 iterations; the paper ends it when the training error is below 80%.",
        )
    return Recipe(
        name=f"{model}-cifar10",
        model=model,
        dataset="cifar10",
        paper=PAPER,
        epochs=END,
        batch_size=BATCH,
        optimizer=SGD(momentum=0.9, weight_decay=1e-4),
        schedule=schedule,
        augment=(PadAndCrop(4, CIFAR10_STATISTICS.mean), Flip()),
        hold_out=10,
        departures=departures,
    )


def imagenet(model: str) -> Recipe:
    """Section 3.4: up to 600k iterations, a tenth of the rate when the error no longer falls."""
    return Recipe(
        name=f"{model}-imagenet",
        model=model,
        dataset="imagenet2012",
        paper=PAPER,
        epochs=600_000 * 256 / 1_281_167,
        batch_size=256,
        optimizer=SGD(momentum=0.9, weight_decay=1e-4),
        schedule=Plateau(0.1, factor=0.1, patience=5),
        augment=(ScaleJitterCrop(256, 480, 224), Flip(), PCAColour()),
        hold_out=100,
        departures=(
            "The rate falls when the loss on 1% of the training images, held out, has not fallen for 5 epochs; the "
            "paper does not say how it told a plateau.",
            DECAY_ON_ALL_WEIGHTS,
            COLOURS_NOT_PRINTED,
            batch_norm_of(32),
            "Batch norm's moments are running averages; the authors' were computed anew, on many images, at the end.",
        ),
    )


CIFAR10_TODAY = Recipe(
    name="resnet20-cifar10-today",
    model="resnet20",
    dataset="cifar10",
    paper=TRICKS,
    epochs=50,
    batch_size=BATCH,
    optimizer=SGD(momentum=0.9, weight_decay=5e-4, nesterov=True, decay_on="kernels"),
    schedule=Cosine(0.1),
    warm_up=2,
    label_smoothing=0.05,
    augment=(PadAndCrop(4, CIFAR10_STATISTICS.mean), Flip()),
    hold_out=50,
    departures=(
        "Not ResNet's recipe but one of today, shorter: the rates, the warm-up, the smoothed labels and the decay on "
        "kernels alone are of the kind that He et al. 2018 use on ImageNet; their values on CIFAR-10 are ours.",
        "Without MixUp, half of the smoothing, and the paper's crops and mirror images alone: a network as small as "
        "this one underfits.",
    ),
)

IMAGENET_TODAY = Recipe(
    name="resnet50-imagenet-today",
    model="resnet50",
    dataset="imagenet2012",
    paper=TRICKS,
    epochs=200,
    batch_size=256,
    optimizer=SGD(momentum=0.9, weight_decay=1e-4, nesterov=True, decay_on="kernels"),
    schedule=Cosine(0.1),
    warm_up=5,
    average=0.9999,
    label_smoothing=0.1,
    augment=(RandomAreaCrop(224), Flip(), PCAColour()),
    augment_batch=(MixUp(0.2),),
    hold_out=100,
    departures=(
        "Not ResNet's recipe but one of today: that of He et al. 2018, on the network of 2015 and without their "
        "distillation. Their last batch norm of each block starts at zero, and here at one.",
        "Their colours change in hue, saturation and brightness as well, and their batch of 1024 has four times the "
        "rate.",
        "Averages of the weights are not of their paper.",
        COLOURS_NOT_PRINTED,
        "The paper trains on all images.",
    ),
)

RECIPES = (
    *(cifar10(f"resnet{depth}", warm_up=depth >= 110) for depth in (20, 32, 44, 56, 110, 1202)),
    *(cifar10(f"plainnet{depth}") for depth in (20, 56)),
    *(imagenet(f"resnet{depth}") for depth in (18, 34, 50, 101, 152)),
    *(imagenet(f"plainnet{depth}") for depth in (18, 34)),
    CIFAR10_TODAY,
    IMAGENET_TODAY,
)
