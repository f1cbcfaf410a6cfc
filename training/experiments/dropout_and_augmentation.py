"""Dropout and augmentation against overfitting (Krizhevsky et al. 2012, section 4)."""

from functools import partial

from keras import layers

from keras_classics.blocks import conv, max_pool, predictions, relu
from keras_classics.initializers import HeNormal
from keras_classics.models.alexnet import PAPER
from training.experiments.design import Arm, Comparison, Experiment
from training.experiments.measures import GAP, TEST_ERROR
from training.experiments.networks import SHIFTS_AND_FLIPS, network, recipe
from training.recipe import SGD, Cosine


def features(x):
    """Three convolutions with pools: (N, 32, 32, 3) to (N, 4, 4, 64)."""
    for i, filters in enumerate((32, 32, 64), 1):
        x = relu(conv(x, filters, 5, use_bias=True, name=f"conv{i}"), f"conv{i}_relu")
        x = max_pool(x, 3, 2, padding=1, name=f"pool{i}")
    return x


def head(x, classes, activation, dropout):
    """A hidden layer of 512 units, of which a share is dropped out as in AlexNet's: (N, 4, 4, 64) to (N, classes)."""
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(512, activation="relu", kernel_initializer=HeNormal(), name="fc4")(x)
    if dropout:
        x = layers.Dropout(dropout, name="fc4_dropout")(x)
    return predictions(x, classes, activation)


def five_layers(name, dropout):
    return network(f"five_layers_{name}", PAPER, features, partial(head, dropout=dropout))


PLAIN = five_layers("plain", 0.0)

EXPERIMENT = Experiment(
    name="dropout_and_augmentation",
    claim="Dropout and augmentation each lower the test error and narrow its gap to the training error.",
    source="AlexNet (Krizhevsky et al. 2012), sections 4.1 and 4.2",
    paper_figure="without crops and mirror images substantial overfitting; so without dropout; no figures",
    design=(
        "A network with a hidden dense layer is trained as it is, with half of that layer dropped out, and with shifts "
        "of up to 4 pixels and mirror images. On a tenth of CIFAR-10, where it overfits as AlexNet does on ImageNet."
    ),
    arms=(
        Arm("neither", PLAIN),
        Arm("dropout", five_layers("dropout", 0.5)),
        Arm("augmentation", PLAIN, {"augment": SHIFTS_AND_FLIPS}),
    ),
    varies=("network.head.dropout", "augment"),
    comparisons=(
        Comparison("neither", "dropout", TEST_ERROR),
        Comparison("neither", "augmentation", TEST_ERROR),
        Comparison("neither", "dropout", GAP),
        Comparison("neither", "augmentation", GAP),
    ),
    recipe=recipe(
        PAPER,
        epochs=40,
        optimizer=SGD(momentum=0.9, weight_decay=5e-4),
        schedule=Cosine(0.01),
        warm_up=1,
    ),
    limit=5000,
    minutes=60,
)
