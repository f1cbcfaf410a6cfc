"""Several views of a picture and several networks (Krizhevsky et al. 2012, sections 4.1 and 5)."""

import functools

import numpy as np

import keras_classics as kc
from keras_classics import datasets, evaluation
from training.experiments.design import Arm, Comparison, Experiment
from training.experiments.measures import TEST_ERROR

PARTS = 10  # of the test images


@functools.cache
def networks():
    """ResNet-56 and ResNet-20 as published by Yerlan Idelbayev, and our own ResNet-20 by today's recipe."""
    return (
        kc.create_model("resnet56", weights="idelbayev"),
        kc.create_model("resnet20", weights="idelbayev"),
        kc.create_model("resnet20", weights="keras_classics/resnet20-cifar10-today"),
    )


def judged(part, data, views, members):
    """The error of the first so many networks on one of ten parts of the test images, every tenth image."""
    images = np.arange(data.dataset.sizes["test"]) % PARTS == part
    dataset = datasets.select(data.dataset, {"test": ("test", images)})
    result = evaluation.evaluate(list(networks()[:members]), dataset, views, split="test", verbose=0)
    return {"test_error": result.top1}


def arm(name, views, members):
    return Arm(name, carry_out=functools.partial(judged, views=views, members=members))


EXPERIMENT = Experiment(
    name="views_and_ensembles",
    claim="Averaging the answers on a picture and its mirror image, or of several networks, lowers the test error.",
    source="AlexNet (Krizhevsky et al. 2012), sections 4.1 and 5",
    paper_figure="39.0% with one view, 37.5% with ten; five networks 16.4% top-5 for 18.2% of one",
    design=(
        "A public ResNet-56 answers on CIFAR-10's test images alone, with the mirror image of each, together with two "
        "ResNet-20 that err more than it, and both. Nothing is trained: a seed is one of ten parts of the test images, "
        "so that the interval is of other images, not of other networks."
    ),
    arms=(
        arm("1 network", "1", 1),
        arm("1 network mirrored", "2", 1),
        arm("3 networks", "1", 3),
        arm("3 networks mirrored", "2", 3),
    ),
    varies=("carried_out.views", "carried_out.members"),
    comparisons=(
        Comparison("1 network", "1 network mirrored", TEST_ERROR),
        Comparison("1 network", "3 networks", TEST_ERROR),
        Comparison("3 networks", "3 networks mirrored", TEST_ERROR),
    ),
    seeds=PARTS,
    curve="",
    minutes=25,
)
