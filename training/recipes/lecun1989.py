"""The network of 1989, on MNIST in the place of its zip codes (LeCun et al. 1989, section 4).

python -m training run lecun1989-mnist --data mnist --data-dir <tfds folder>
"""

from keras_classics.models.lecun1989 import PAPER
from training.recipe import SGD, Recipe, Steps

RECIPES = (
    Recipe(
        name="lecun1989-mnist",
        model="lecun1989",
        dataset="mnist",
        paper=PAPER,
        epochs=23,
        batch_size=16,
        optimizer=SGD(),
        schedule=Steps((0.3, 0.1), until=(15,)),
        loss="squared error",
        hold_out=12,
        departures=(
            "MNIST stands in for the zip codes: 55,000 training images, where the paper had 7,291.",
            "Gradient descent on shuffled batches of 16; the paper: one pattern at a time in constant order, with a "
            "diagonal approximation of Newton's step. It gives no rate.",
        ),
    ),
)
