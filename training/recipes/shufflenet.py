"""ShuffleNet on ImageNet (Zhang et al. 2017, section 4), and a form of it on CIFAR-10.

python -m training run shufflenet_g3-imagenet --data-dir <tfds folder>
python -m training run shufflenet_g3_cifar-cifar10 --data-dir <tfds folder>
"""

from keras_classics.models.shufflenet import FILTERS, PAPER
from keras_classics.spec import CIFAR10_STATISTICS
from training.augment import Flip, PadAndCrop, RandomAreaCrop
from training.recipe import SGD, Cosine, Linear, Recipe

BATCH = 1024
EPOCHS = 300_000 * BATCH / 1_281_167
DEPARTURES = (
    "Crops of a quarter of the picture or more: the paper says less aggressive scales, not which.",
    "Weight decay leaves biases and batch norms out, as the authors' later code does: the paper does not say.",
    "The momentum is plain and the colours are left as they are; the code of ResNeXt, most of whose settings "
    "ShuffleNet follows, has Nesterov's and jitters them.",
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


CIFAR10 = Recipe(
    name="shufflenet_g3_cifar-cifar10",
    model="shufflenet_g3_cifar",
    dataset="cifar10",
    paper=PAPER,
    epochs=60,
    batch_size=128,
    optimizer=SGD(momentum=0.9, weight_decay=5e-4, nesterov=True, decay_on="kernels"),
    schedule=Cosine(0.1),
    warm_up=2,
    augment=(PadAndCrop(4, CIFAR10_STATISTICS.mean), Flip()),
    hold_out=50,
    departures=(
        "The paper does not train on CIFAR-10: the crops and mirror images are those of ResNet there, and the rates, "
        "the decay and the number of epochs are ours.",
    ),
)

RECIPES = (*(imagenet(f"shufflenet_g{groups}") for groups in FILTERS), CIFAR10)
