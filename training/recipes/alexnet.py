"""AlexNet on ImageNet (Krizhevsky et al. 2012, sections 4 and 5).

python -m training run alexnet-imagenet --data-dir <tfds folder>
"""

from keras_classics.models.alexnet import PAPER
from keras_classics.zoo import get_model
from training.augment import CentralSquareCrop, Flip, PCAColour
from training.departures import COLOURS_NOT_PRINTED, DECAY_ON_BIASES_TOO
from training.recipe import SGD, Plateau, Recipe

DEPARTURES: tuple[str, ...] = (
    "The rate falls when the loss on 1% of the training images, held out, has not fallen for 5 epochs; the paper "
    "turned it down by hand, three times, when the error on the validation images no longer fell.",
    COLOURS_NOT_PRINTED,
    DECAY_ON_BIASES_TOO,
)


def imagenet(model: str, *departures: str) -> Recipe:
    """Section 5: about 90 epochs, a tenth of the rate when the error no longer falls."""
    return Recipe(
        name=f"{model}-imagenet",
        model=model,
        dataset="imagenet2012",
        paper=PAPER,
        epochs=90,
        batch_size=128,
        optimizer=SGD(momentum=0.9, weight_decay=5e-4),
        schedule=Plateau(0.01, factor=0.1, patience=5),
        augment=(CentralSquareCrop(256, get_model(model).image_size), Flip(), PCAColour()),
        hold_out=100,
        departures=DEPARTURES + departures,
    )


RECIPES = (
    imagenet("alexnet", "Crops of 227 pixels, which the paper's figures need; it says 224."),
    imagenet(
        "alexnet_owt",
        "The recipe of 2012. The paper of 2014, which is about many GPUs, trains independent logistic units on other "
        "batches, and multiplies the rate by 250^(-1/3) at 25%, 50% and 75% of the 90 epochs.",
    ),
)
