"""Dense connections against residual ones at equal parameters (Huang et al. 2016, section 5 and figure 4)."""

from functools import partial

from keras_classics.models.densenet import PAPER
from keras_classics.models.densenet import cifar_features as densenet
from keras_classics.models.resnet_v2 import basic_block
from keras_classics.models.resnet_v2 import cifar_features as resnet
from training.experiments.design import Arm, Comparison, Experiment
from training.experiments.measures import TEST_ERROR
from training.experiments.networks import SHIFTS_AND_FLIPS, network, recipe
from training.recipe import SGD, Cosine

# DenseNet-BC of 40 layers with a growth rate of 12, and a pre-activated ResNet of 14 layers.
DENSE = partial(densenet, first=24, blocks=(6, 6, 6), growth_rate=12, bottleneck=True, compression=0.5, dropout=0.0)
RESIDUAL = partial(resnet, block=basic_block, blocks=(2, 2, 2), form="1x1")

EXPERIMENT = Experiment(
    name="dense_connections",
    claim="With as many parameters, dense connections err less than residual ones.",
    source="DenseNet (Huang et al. 2016), section 5, figure 4",
    paper_figure="DenseNet-BC errs as a pre-activated ResNet of three times its parameters, on CIFAR-10",
    design=(
        "A DenseNet-BC of 40 layers and a pre-activated ResNet of 14, each of some 176,000 parameters, are trained "
        "alike on a tenth of CIFAR-10. The DenseNet computes 2.7 times as much for an image."
    ),
    arms=(
        Arm("dense", network("densenet_bc40_12", PAPER, DENSE)),
        Arm("residual", network("resnet14_v2", PAPER, RESIDUAL)),
    ),
    varies=(
        "network.features",
        *("network.first", "network.growth_rate", "network.bottleneck", "network.compression", "network.dropout"),
        *("network.block", "network.blocks", "network.form"),
    ),
    comparisons=(Comparison("residual", "dense", TEST_ERROR),),
    recipe=recipe(
        PAPER,
        epochs=30,
        optimizer=SGD(momentum=0.9, weight_decay=1e-4, nesterov=True),
        schedule=Cosine(0.1),
        warm_up=1,
        augment=SHIFTS_AND_FLIPS,
    ),
    limit=5000,
    seeds=4,
    minutes=90,
)
