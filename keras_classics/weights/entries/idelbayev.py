"""Checkpoints of akamaster/pytorch_resnet_cifar10 by Yerlan Idelbayev: CIFAR-10 nets with the paper's option A. The
first digits of their SHA-256 are in their names, their errors in the README."""

from keras_classics.spec import IMAGENET_STATISTICS, InputProtocol
from keras_classics.weights.entries.entry import Entry

_FOLDER = "https://github.com/akamaster/pytorch_resnet_cifar10/raw/master/pretrained_models/"
_TABLE = {
    "resnet20": ("12fca82f", 8.27),
    "resnet32": ("d509ac18", 7.37),
    "resnet44": ("014dd654", 6.90),
    "resnet56": ("4bfd9763", 6.61),
    "resnet110": ("1d1ed7c2", 6.32),
    "resnet1202": ("f3b1deed", 6.18),
}

ENTRIES = tuple(
    Entry(
        variant=variant,
        tag="idelbayev",
        address=f"{_FOLDER}{variant}-{sha256}.th",
        checksum=f"sha256:{sha256}",
        protocol=InputProtocol("cifar10", IMAGENET_STATISTICS, 32, 32),
        top1=error,
        top5=None,
        reported="README of akamaster/pytorch_resnet_cifar10",
        licence="BSD-2-Clause",
    )
    for variant, (sha256, error) in _TABLE.items()
)
