"""Plain networks get worse with depth, residual ones do not (He et al. 2015, section 4.2 and figure 6)."""

from keras_classics.models.resnet import PAPER, PlainNet20, PlainNet56, ResNet20, ResNet56
from training.experiments.design import Arm, Comparison, Experiment
from training.experiments.measures import TEST_ERROR, TRAIN_ERROR
from training.experiments.networks import SHIFTS_AND_FLIPS, recipe
from training.recipe import SGD, Cosine

EXPERIMENT = Experiment(
    name="depth",
    claim="Plain networks get worse with depth, in training too, and residual ones do not.",
    source="ResNet (He et al. 2015), section 4.2 and figure 6",
    paper_figure="plain: 56 layers err more than 20, in training too; residual: 8.75% falls to 6.97%",
    design=(
        "Plain and residual networks of 20 and of 56 layers are trained alike on a tenth of CIFAR-10, in a "
        "fortieth of the paper's steps. Deeper is worse if the error rises, no worse if it rises by at most a point."
    ),
    arms=(
        Arm("plain 20", PlainNet20),
        Arm("plain 56", PlainNet56),
        Arm("residual 20", ResNet20),
        Arm("residual 56", ResNet56),
    ),
    varies=("network", "network.shortcut"),
    comparisons=(
        Comparison("plain 56", "plain 20", TRAIN_ERROR),
        Comparison("plain 56", "plain 20", TEST_ERROR),
        Comparison("residual 20", "residual 56", TRAIN_ERROR, least=-1.0),
        Comparison("residual 20", "residual 56", TEST_ERROR, least=-1.0),
    ),
    recipe=recipe(
        PAPER,
        epochs=20,
        optimizer=SGD(momentum=0.9, weight_decay=1e-4),
        schedule=Cosine(0.05),
        warm_up=1,
        augment=SHIFTS_AND_FLIPS,
    ),
    limit=5000,
    seeds=4,
    minutes=145,
)
