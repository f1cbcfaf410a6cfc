"""GoogLeNet on ImageNet (Szegedy et al. 2014, sections 5 and 6), and a small form of it on CIFAR-10, with its auxiliary
heads and without.

python -m training run inception_v1-imagenet --data-dir <tfds folder>
python -m training run inception_v1_cifar-cifar10 --data-dir <tfds folder>
python -m training run inception_v1_cifar-cifar10 --set build.aux_heads=false --data-dir <tfds folder>
"""

from keras_classics.models.inception_v1 import PAPER
from keras_classics.spec import CIFAR10_STATISTICS
from training.augment import Flip, PadAndCrop, PCAColour, PhotometricDistortion, RandomAreaCrop
from training.departures import AVERAGE_NOT_PRINTED, COLOURS_NOT_PRINTED
from training.recipe import SGD, Cosine, Exponential, Recipe

RECIPES = (
    Recipe(
        name="inception_v1-imagenet",
        model="inception_v1",
        dataset="imagenet2012",
        paper=PAPER,
        epochs=60,
        batch_size=32,
        optimizer=SGD(momentum=0.9, weight_decay=2e-4, decay_on="kernels"),
        schedule=Exponential(0.01, factor=0.96, epochs=8),
        average=0.9999,
        augment=(
            RandomAreaCrop(224, interpolations=("bilinear", "area", "nearest", "bicubic")),
            Flip(),
            PhotometricDistortion(),
            PCAColour(),
        ),
        hold_out=100,
        build={"aux_heads": True},
        departures=(
            "The rate of 0.01 and the weight decay of 2e-4, on kernels alone, are those of Caffe's replication, which "
            "has twice the rate for biases; batch 32 and 60 epochs are chosen here: the paper tells none of them.",
            "One process; the paper: asynchronous gradient descent on many machines.",
            AVERAGE_NOT_PRINTED,
            "The photometric distortions are those of Howard 2013, which the paper names without their strength: "
            "brightness, contrast and colour, then AlexNet's PCA colour.",
            COLOURS_NOT_PRINTED,
            "The paper's sampling and rates changed over the months before the contest; here they do not.",
        ),
    ),
    Recipe(
        name="inception_v1_cifar-cifar10",
        model="inception_v1_cifar",
        dataset="cifar10",
        paper=PAPER,
        epochs=20,
        batch_size=64,
        optimizer=SGD(momentum=0.9, weight_decay=2e-4),
        schedule=Cosine(0.02),
        warm_up=1,
        augment=(PadAndCrop(4, CIFAR10_STATISTICS.mean), Flip()),
        hold_out=50,
        build={"aux_heads": True},
        departures=(
            "The paper does not train on CIFAR-10: the augmentation is that of ResNet there, and all else but the "
            "weights of the losses is ours, such as the decay of all weights.",
        ),
    ),
)
