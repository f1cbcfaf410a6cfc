"""Network in Network on CIFAR-10 (Lin et al. 2013, section 4).

python -m training run nin-cifar10 --data-dir <tfds folder>
"""

from keras_classics.models.nin import PAPER, TRAINED_WITH_COPIES
from training.augment import Flip, PadAndCrop
from training.departures import DECAY_ON_BIASES_TOO
from training.recipe import SGD, Plateau, Recipe

RECIPES = (
    Recipe(
        name="nin-cifar10",
        model="nin",
        dataset="cifar10",
        paper=PAPER,
        epochs=200,
        batch_size=128,
        optimizer=SGD(momentum=0.9, weight_decay=5e-4),
        schedule=Plateau(0.01, factor=0.1, patience=15, lowest=1e-4),
        pixels="gcn_zca",
        augment=(PadAndCrop(4, (0.0, 0.0, 0.0)), Flip()),
        hold_out=10,
        reported=TRAINED_WITH_COPIES,
        departures=(
            DECAY_ON_BIASES_TOO,
            "Rate, momentum and weight decay are AlexNet's, whose procedure the paper follows without its values. The "
            "number of epochs is ours.",
            "The rate falls to a tenth, twice, when the loss on the held-out images has not fallen for 15 epochs; the "
            "paper's when the accuracy on the training set stopped improving.",
            "Contrast normalisation and ZCA have the numbers of the published code of maxout networks, whose "
            "preprocessing the paper follows; they are fitted on the images that are trained on.",
            "Shifts are of up to 4 pixels; the paper does not say how far.",
            "The paper chose its numbers with one training image in five held out, and then trained on all.",
        ),
    ),
)
