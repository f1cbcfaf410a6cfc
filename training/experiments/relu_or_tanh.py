"""ReLU against tanh in a network of four layers (Krizhevsky et al. 2012, section 3.1 and figure 1)."""

from functools import partial

from keras import layers

from keras_classics.blocks import conv, max_pool, predictions
from keras_classics.initializers import GlorotUniform
from keras_classics.models.alexnet import PAPER
from training.experiments.design import Arm, Comparison, Experiment
from training.experiments.measures import Reach
from training.experiments.networks import network, recipe
from training.recipe import SGD, Steps


def features(x, activation):
    """Three convolutions, each before an overlapping pool: (N, 32, 32, 3) to (N, 3, 3, 64)."""
    for i, filters in enumerate((32, 32, 64), 1):
        x = conv(x, filters, 5, use_bias=True, kernel_initializer=GlorotUniform, name=f"conv{i}")
        x = layers.Activation(activation, name=f"conv{i}_{activation}")(x)
        x = max_pool(x, 3, 2, name=f"pool{i}")
    return x


def head(x, classes, activation):
    """The fourth layer: (N, 3, 3, 64) to (N, classes)."""
    return predictions(layers.Flatten(name="flatten")(x), classes, activation, GlorotUniform)


def four_layers(activation):
    return network(f"four_layers_{activation}", PAPER, partial(features, activation=activation), head)


SOONER = Reach("epochs_to_25", "passes until the training error is 25%", "epochs", level=25.0)

EXPERIMENT = Experiment(
    name="relu_or_tanh",
    claim="With ReLUs a network comes to 25% training error several times sooner than with tanh.",
    source="AlexNet (Krizhevsky et al. 2012), section 3.1 and figure 1",
    paper_figure="six times sooner, in a network of four layers on CIFAR-10",
    design=(
        "A network of four layers is trained with ReLUs and with tanh on a tenth of CIFAR-10, each at the best of four "
        "rates, which a run of its own chooses. Without regularisation, as in the paper; both begin with Glorot's "
        "weights, of which it says nothing, and a claim of at least twice as soon is put to the test."
    ),
    arms=(Arm("ReLU", four_layers("relu")), Arm("tanh", four_layers("tanh"))),
    varies=("network.activation",),
    comparisons=(Comparison("tanh", "ReLU", SOONER, least=2.0, ratio=True),),
    recipe=recipe(
        PAPER,
        epochs=60,
        batch_size=128,
        optimizer=SGD(momentum=0.9),
        schedule=Steps((0.01,)),
        target_error=SOONER.level,  # what comes after it decides nothing
    ),
    limit=5000,
    rates=(0.003, 0.01, 0.03, 0.1),
    minutes=80,
)
