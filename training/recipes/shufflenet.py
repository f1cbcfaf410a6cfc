"""ShuffleNet on ImageNet (Zhang et al. 2017, section 4).

python -m training run shufflenet_g3-imagenet --data-dir <tfds folder>
"""

from keras_classics.models.shufflenet import FILTERS, PAPER
from training.augment import Flip, RandomAreaCrop
from training.departures import held_out
from training.recipe import SGD, Linear, Recipe

BATCH = 1024
EPOCHS = 300_000 * BATCH / 1_281_167
DEPARTURES = (
    "Crops of a quarter of the picture or more: the paper says less aggressive scales, not which.",
    "Weight decay leaves biases and batch norms out, as the authors' later code does: the paper does not say.",
    held_out(100),
)


def imagenet(model: str) -> Recipe:
    """300,000 iterations, while the rate falls from 0.5 to 0 in equal steps."""
    return Recipe(
        name=f"{model}-imagenet",
        model=model,
        dataset="imagenet2012",
        paper=PAPER,
        epochs=EPOCHS,
        batch_size=BATCH,
        accumulate=4,  # the paper's four GPUs, each with a quarter of the batch
        optimizer=SGD(momentum=0.9, weight_decay=4e-5, decay_on="kernels"),
        schedule=Linear(0.5),
        augment=(RandomAreaCrop(224, smallest=0.25), Flip()),
        hold_out=100,
        departures=DEPARTURES,
    )


RECIPES = tuple(imagenet(f"shufflenet_g{groups}") for groups in FILTERS)
