"""What is done to a training image: the papers' operations, each of them named and sourced."""

from training.augment.colour import PCA_COMPONENTS, PCA_DEVIATIONS, PCAColour
from training.augment.crops import CentralSquareCrop, Crop, Flip, PadAndCrop, RandomAreaCrop, ScaleJitterCrop
from training.augment.operation import Operation

__all__ = [
    "PCA_COMPONENTS",
    "PCA_DEVIATIONS",
    "CentralSquareCrop",
    "Crop",
    "Flip",
    "Operation",
    "PCAColour",
    "PadAndCrop",
    "RandomAreaCrop",
    "ScaleJitterCrop",
]
