"""ResNeXt on ImageNet and CIFAR-10 (Xie et al. 2016, section 4 and 5.3, and the authors' code).

python -m training run resnext29_32x4d-cifar10 --data-dir <tfds folder>
"""

from keras_classics.models.resnext import PAPER
from keras_classics.spec import CIFAR10_STATISTICS
from training.augment import Flip, PadAndCrop, RandomAreaCrop
from training.departures import DECAY_ON_ALL_WEIGHTS, batch_norm_of
from training.recipe import SGD, Recipe, Steps

PLAIN_MOMENTUM = "The momentum is plain; the authors' code has Nesterov's, of which the paper says nothing."


def imagenet(model: str) -> Recipe:
    """A tenth of the rate three times, every 30 epochs."""
    return Recipe(
        name=f"{model}-imagenet",
        model=model,
        dataset="imagenet2012",
        paper=PAPER,
        epochs=100,
        batch_size=256,
        optimizer=SGD(momentum=0.9, weight_decay=1e-4),
        schedule=Steps((0.1, 0.01, 0.001, 0.0001), (30, 60, 90)),
        augment=(RandomAreaCrop(224), Flip()),
        hold_out=100,
        departures=(
            "The epochs are those of the authors' code: the paper does not print them.",
            PLAIN_MOMENTUM,
            "The colours are left as they are; the authors' code jitters them.",
            DECAY_ON_ALL_WEIGHTS,
            batch_norm_of(32),
        ),
    )


def cifar10(model: str) -> Recipe:
    """Appendix A: 300 epochs, a tenth of the rate from one half and from three quarters."""
    return Recipe(
        name=f"{model}-cifar10",
        model=model,
        dataset="cifar10",
        paper=PAPER,
        epochs=300,
        batch_size=128,
        optimizer=SGD(momentum=0.9, weight_decay=5e-4),
        schedule=Steps((0.1, 0.01, 0.001), (150, 225)),
        augment=(PadAndCrop(4, CIFAR10_STATISTICS.mean), Flip()),
        hold_out=10,
        departures=(
            PLAIN_MOMENTUM,
            DECAY_ON_ALL_WEIGHTS,
            batch_norm_of(16),
            "The batch of 128 is that of the authors' code, whose README tells of 256 in the paper.",
        ),
    )


RECIPES = (
    *(imagenet(f"resnext{net}") for net in ("50_32x4d", "101_32x4d", "101_64x4d")),
    *(cifar10(f"resnext29_{net}") for net in ("32x4d", "16x64d")),
)
