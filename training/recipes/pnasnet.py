"""PNASNet-5 on ImageNet (Liu et al. 2017): as NASNet-A, but for the published code's weight decay and drop path.

python -m training run pnasnet5_mobile-imagenet --data-dir <tfds folder>
"""

from keras_classics.models.pnasnet import PAPER
from training.recipe import Recipe
from training.recipes import nasnet

AS_NASNET_DEPARTURE = (
    "The optimiser, its rates and the batch are NASNet's: the published code prints none, and we did not find the "
    "paper's own. The 250,000 steps, the weight decay of 4e-5 and the drop path are that code's."
)


def imagenet(model: str, size: int, **numbers) -> Recipe:
    return nasnet.imagenet(model, size, decay=4e-5, paper=PAPER, departures=(AS_NASNET_DEPARTURE,), **numbers)


RECIPES = (
    imagenet("pnasnet5_mobile", 224, replicas=50, batch_size=32, rate=0.04),
    imagenet("pnasnet5_large", 331, replicas=100, batch_size=16, rate=0.015, drop_path=0.4),
)
