"""DenseNet on CIFAR-10 and ImageNet (Huang et al. 2016, section 4.2).

python -m training run densenet_bc100_12-cifar10 --data-dir <tfds folder>
"""

from keras_classics.models.densenet import BLOCKS, PAPER
from keras_classics.spec import CIFAR10_STATISTICS
from training.augment import Flip, PadAndCrop, RandomAreaCrop
from training.departures import DECAY_ON_ALL_WEIGHTS
from training.recipe import SGD, Recipe, Steps

NESTEROV = SGD(momentum=0.9, weight_decay=1e-4, nesterov=True)


def cifar10(model: str) -> Recipe:
    """300 epochs of batches of 64, a tenth of the rate from one half and from three quarters."""
    return Recipe(
        name=f"{model}-cifar10",
        model=model,
        dataset="cifar10",
        paper=PAPER,
        epochs=300,
        batch_size=64,
        optimizer=NESTEROV,
        schedule=Steps((0.1, 0.01, 0.001), (150, 225)),
        augment=(PadAndCrop(4, CIFAR10_STATISTICS.mean), Flip()),
        hold_out=10,
        departures=(
            DECAY_ON_ALL_WEIGHTS,
            "The paper's final runs train on all images.",
        ),
    )


def imagenet(model: str, *departures: str) -> Recipe:
    """90 epochs of batches of 256, a tenth of the rate from epoch 30 and from 60."""
    return Recipe(
        name=f"{model}-imagenet",
        model=model,
        dataset="imagenet2012",
        paper=PAPER,
        epochs=90,
        batch_size=256,
        optimizer=NESTEROV,
        schedule=Steps((0.1, 0.01, 0.001), (30, 60)),
        augment=(RandomAreaCrop(224), Flip()),
        hold_out=100,
        departures=(
            "The colours are left as they are; the code that the paper's augmentation refers to jitters them.",
            DECAY_ON_ALL_WEIGHTS,
            *departures,
        ),
    )


AS_THE_OTHERS = (
    "The recipe of the other networks: the paper's last version does not have this one, and an earlier version trained "
    "it in batches of 128, for 100 epochs, with a third fall of the rate at epoch 90."
)

RECIPES = (
    *(cifar10(f"densenet{net}") for net in ("40_12", "_bc100_12", "_bc190_40")),
    *(imagenet(f"densenet{depth}", *((AS_THE_OTHERS,) if depth == 161 else ())) for depth in BLOCKS),
)
