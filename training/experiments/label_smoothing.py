"""Label smoothing (Szegedy et al. 2015, "Rethinking the Inception Architecture", section 7)."""

from keras_classics.models.inception_v3 import PAPER
from keras_classics.models.resnet import ResNet20
from training.experiments.design import Arm, Comparison, Experiment
from training.experiments.measures import CALIBRATION, TEST_ERROR
from training.experiments.networks import SHIFTS_AND_FLIPS, recipe
from training.recipe import SGD, Cosine

EXPERIMENT = Experiment(
    name="label_smoothing",
    claim="Smoothed labels lower the test error, and bring probabilities nearer to the share of right answers.",
    source="Inception v3 (Szegedy et al. 2015), section 7",
    paper_figure="0.2 points of top-1 and of top-5 error on ImageNet; that it prevents overconfidence, without figures",
    design=(
        "A ResNet-20 is trained on a tenth of CIFAR-10 with a tenth of the target spread over all classes, and with "
        "none. It is judged by its error and by the expected calibration error, by which its probabilities miss the "
        "share of right answers."
    ),
    arms=(Arm("hard labels", ResNet20), Arm("smoothed by 0.1", ResNet20, {"label_smoothing": 0.1})),
    varies=("label_smoothing",),
    comparisons=(
        Comparison("hard labels", "smoothed by 0.1", TEST_ERROR),
        Comparison("hard labels", "smoothed by 0.1", CALIBRATION),
    ),
    recipe=recipe(
        PAPER,
        epochs=30,
        optimizer=SGD(momentum=0.9, weight_decay=5e-4),
        schedule=Cosine(0.1),
        warm_up=1,
        augment=SHIFTS_AND_FLIPS,
    ),
    limit=5000,
    minutes=70,
)
