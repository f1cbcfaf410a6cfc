"""LeNet-5 on MNIST, with digits as they are and distorted (LeCun et al. 1998, section III).

python -m training run lenet5-mnist --data mnist --data-dir <tfds folder>
python -m training run lenet5_distorted-mnist --data mnist --data-dir <tfds folder>
"""

from keras_classics.models.lenet import PAPER, TRAINED_WITH_DISTORTIONS
from training.augment import AffineDistortion
from training.recipe import SGD, Recipe, Steps


def _steps(passes, of_paper):
    return (
        f"{passes} passes of gradient descent with momentum and a little decay of all weights on batches of 16, at "
        f"rates of its own; the paper: {of_paper} of stochastic diagonal Levenberg-Marquardt, one pattern at a time."
    )


LENET5 = Recipe(
    name="lenet5-mnist",
    model="lenet5",
    dataset="mnist",
    paper=PAPER,
    epochs=14,
    batch_size=16,
    optimizer=SGD(momentum=0.9, weight_decay=1e-4),
    schedule=Steps((1e-3, 3e-4, 1e-4), until=(8, 12)),
    loss="MAP criterion",
    hold_out=12,  # 5,000 of 60,000
    build={"classifier_activation": None},  # the criterion reads penalties
    departures=(
        _steps(14, "20 passes"),
        "The constant j of the criterion is 10: the paper prints no value.",
        "The paper trained on all 60,000 images.",
    ),
)

RECIPES = (
    LENET5,
    LENET5.replace(
        name="lenet5_distorted-mnist",
        epochs=40,
        schedule=Steps((1e-3, 3e-4, 1e-4), until=(26, 34)),
        augment=(AffineDistortion(),),
        reported=TRAINED_WITH_DISTORTIONS,
        departures=(
            _steps(40, "20 passes of 60,000 digits each, in which it saw each of its 600,000 twice,"),
            *LENET5.departures[1:],
            "The digits are distorted anew in each pass; the paper made 540,000 distorted ones, once.",
            "How far the digits are shifted, scaled, squeezed and slanted is ours: the paper does not say.",
        ),
    ),
)
