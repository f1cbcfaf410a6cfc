"""LeNet-5 on MNIST (LeCun et al. 1998, section III).

python -m training run lenet5-mnist --data mnist --data-dir <tfds folder>
"""

from keras_classics.models.lenet import PAPER
from training.augment import PadAndCrop
from training.departures import held_out
from training.recipe import SGD, Recipe, Steps

RECIPES = (
    Recipe(
        name="lenet5-mnist",
        model="lenet5",
        dataset="mnist",
        paper=PAPER,
        epochs=14,
        batch_size=16,
        optimizer=SGD(momentum=0.9, weight_decay=1e-4),
        schedule=Steps((1e-3, 3e-4, 1e-4), until=(8, 12)),
        loss="MAP criterion",
        augment=(PadAndCrop(1, fill=(0.0,)),),
        hold_out=12,  # 5,000 of 60,000
        build={"classifier_activation": None},  # the criterion reads penalties
        departures=(
            "14 passes of gradient descent with momentum and a little weight decay on batches of 16, at rates of its "
            "own; the paper: 20 passes of stochastic diagonal Levenberg-Marquardt, one pattern at a time.",
            "The digits are shifted by up to a pixel. The paper's 0.95% is without distortion, its 0.8% with shifts, "
            "scalings, squeezes and shears.",
            "The constant j of the criterion is 10: the paper prints no value.",
            held_out(12, "; the paper trained on all 60,000"),
        ),
    ),
)
