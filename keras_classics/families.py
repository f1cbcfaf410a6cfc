"""The one list of families: a module in `models` for each, and in other packages for those that have something there.

Imports no Keras.
"""

import importlib
import importlib.util
from collections.abc import Iterator
from types import ModuleType

FAMILIES = (
    "lecun1989",
    "lenet",
    "alexnet",
    "nin",
    "vgg",
    "inception_v1",
    "inception_v2",
    "inception_v3",
    "inception_v4",
    "inception_resnet",
    "resnet",
    "resnet_v2",
    "resnext",
    "densenet",
    "xception",
    "shufflenet",
    "shufflenet_v2",
    "nasnet",
    "pnasnet",
)


def modules_in(package: str) -> Iterator[tuple[str, ModuleType]]:
    """The families that have a module of their name in a package, with it, in the order of the list."""
    for family in FAMILIES:
        if importlib.util.find_spec(f"{package}.{family}"):
            yield family, importlib.import_module(f"{package}.{family}")
