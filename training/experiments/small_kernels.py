"""Two layers of 3x3 against one of 5x5, three against one of 7x7 (Simonyan and Zisserman 2014, section 2.3)."""

from functools import partial

from keras_classics.blocks import conv, max_pool, relu
from keras_classics.models.vgg import PAPER
from training.experiments.design import Arm, Comparison, Experiment
from training.experiments.measures import TEST_ERROR
from training.experiments.networks import network, recipe
from training.recipe import SGD, Cosine


def features(x, kernels):
    """At each of three sizes a layer that widens, and layers of these `kernels` from as many filters to as many, each
    with ReLU: (N, 32, 32, 3) to (N, 4, 4, 96)."""
    for stage, filters in enumerate((24, 48, 96), 1):
        x = relu(conv(x, filters, 1, use_bias=True, name=f"conv{stage}_0"), f"conv{stage}_0_relu")
        for i, size in enumerate(kernels, 1):
            name = f"conv{stage}_{i}"
            x = relu(conv(x, filters, size, use_bias=True, name=name), f"{name}_relu")
        x = max_pool(x, 2, 2, name=f"pool{stage}")
    return x


def of(*kernels):
    name = "_".join(map(str, kernels))
    return network(f"kernels_{name}", PAPER, partial(features, kernels=kernels))


EXPERIMENT = Experiment(
    name="small_kernels",
    claim="Two layers of 3x3 err less than one of 5x5, and three less than one of 7x7, with fewer weights.",
    source="VGG (Simonyan and Zisserman 2014), sections 2.3 and 4.1",
    paper_figure="with one 5x5 for each pair of 3x3 the top-1 error is 7% higher, on ImageNet",
    design=(
        "A network of three stages has in each two layers of 3x3, one of 5x5, three of 3x3 or one of 7x7, of the same "
        "filters and receptive fields: two 3x3 have 18/25 of the weights and operations of a 5x5, three 27/49 of a "
        "7x7. It is small and sees a tenth of CIFAR-10; a 1x1 layer begins each stage."
    ),
    arms=(Arm("two 3x3", of(3, 3)), Arm("one 5x5", of(5)), Arm("three 3x3", of(3, 3, 3)), Arm("one 7x7", of(7))),
    varies=("network.kernels",),
    comparisons=(
        Comparison("one 5x5", "two 3x3", TEST_ERROR),
        Comparison("one 7x7", "three 3x3", TEST_ERROR),
    ),
    recipe=recipe(
        PAPER,
        epochs=20,
        optimizer=SGD(momentum=0.9, weight_decay=5e-4),
        schedule=Cosine(0.01),
        warm_up=1,
    ),
    limit=5000,
    seeds=4,
    minutes=95,
)
