"""ShuffleNet V2 on ImageNet (Ma et al. 2018, section 4).

python -m training run shufflenet_v2_x1_0-imagenet --data-dir <tfds folder>
"""

import dataclasses

from keras_classics.models.shufflenet_v2 import FILTERS, PAPER
from training.recipe import Recipe
from training.recipes import shufflenet


def imagenet(model: str) -> Recipe:
    """The hyperparameters are those of ShuffleNet."""
    return dataclasses.replace(shufflenet.imagenet(model), paper=PAPER)


RECIPES = tuple(imagenet(f"shufflenet_v2_{width}") for width in FILTERS)
