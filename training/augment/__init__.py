"""What is done to a training image: the papers' operations, each of them named and sourced."""

from training.augment.batch import BatchOperation, CutMix, MixUp
from training.augment.colour import PCA_COMPONENTS, PCA_DEVIATIONS, PCAColour, PhotometricDistortion
from training.augment.crops import CentralSquareCrop, Crop, Flip, PadAndCrop, RandomAreaCrop, ScaleJitterCrop
from training.augment.lenet import AffineDistortion, ElasticDistortion
from training.augment.occlusion import Cutout
from training.augment.operation import Operation
from training.augment.today import AugMix, RandAugment, RandomErasing

__all__ = [
    "PCA_COMPONENTS",
    "PCA_DEVIATIONS",
    "AffineDistortion",
    "AugMix",
    "BatchOperation",
    "CentralSquareCrop",
    "Crop",
    "CutMix",
    "Cutout",
    "ElasticDistortion",
    "Flip",
    "MixUp",
    "Operation",
    "PCAColour",
    "PadAndCrop",
    "PhotometricDistortion",
    "RandAugment",
    "RandomAreaCrop",
    "RandomErasing",
    "ScaleJitterCrop",
]
