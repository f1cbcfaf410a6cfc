"""Inception-ResNet on ImageNet (Szegedy et al. 2016, section 4): as Inception-v4.

python -m training run inception_resnet_v1-imagenet --data-dir <tfds folder>
"""

from training.recipes.inception_v4 import imagenet

RECIPES = (imagenet("inception_resnet_v1"), imagenet("inception_resnet_v2"))
