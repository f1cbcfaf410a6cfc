"""Who has which network: the peers, and the names that they give to ours."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import keras

from keras_classics.choices import PEERS
from keras_classics.errors import ClassicsError, unknown
from keras_classics.layers import Conv2D
from keras_classics.zoo import BUILDERS, create_model

# Our names, and the modules and names of the same networks there.
PYTORCHCV = (
    (r"alexnet", "alexnet.alexnet"),
    (r"alexnet_owt", "alexnet.alexnetb"),
    (r"nin", "nin_cifar.nin_cifar10"),
    (r"(vgg\d+)", r"vgg.\1"),
    (r"inception_v2", "bninception.bninception"),
    (r"inception_v([34])", r"inceptionv\1.inceptionv\1"),
    (r"inception_resnet_v([12])", r"inceptionresnetv\1.inceptionresnetv\1"),
    (r"resnet(18|34|50|101|152)", r"resnet.resnet\1"),
    (r"resnet(20|56|110|1202)", r"resnet_cifar.resnet\1_cifar10"),
    (r"resnet(50|101|152)_v2", r"preresnet.preresnet\1"),
    (r"resnet110_v2", "preresnet_cifar.preresnet110_cifar10"),
    (r"resnet1001_v2", "preresnet_cifar.preresnet1001_cifar10"),
    (r"(resnext(?:50|101)_\d+x4d)", r"resnext.\1"),
    (r"(resnext29_\d+x\d+d)", r"resnext_cifar.\1_cifar10"),
    (r"(densenet(?:121|161|169|201))", r"densenet.\1"),
    (r"densenet_bc(100|190)_(12|40)", r"densenet_cifar.densenet\1_k\2_bc_cifar10"),
    (r"xception", "xception.xception"),
    (r"(shufflenet_g[12348])", r"shufflenet.\1_w1"),
    (r"shufflenet_v2_x1_0", "shufflenetv2.shufflenetv2_w1"),
    (r"nasnet_mobile", "nasnet.nasnet_4a1056"),
    (r"nasnet_large", "nasnet.nasnet_6a4032"),
    (r"pnasnet5_large", "pnasnet.pnasnet5large"),
)
TORCHVISION = (
    (r"alexnet_owt", "alexnet"),
    (r"inception_v1", "googlenet"),
    (r"(vgg\d+|inception_v3|resnet(?:18|34|50|101|152)|resnext(?:50|101)_.*|densenet\d+|shufflenet_v2_.*)", r"\1"),
)
# Theirs that do other work, by more than a hundredth of the multiply-adds: another form of the network.
OTHER_WORK = (
    "pytorchcv.models.alexnet.alexnet",  # no groups
    "torchvision.models.googlenet",  # 3x3 convolutions where the paper has 5x5
    *(f"torchvision.models.resnet{depth}" for depth in (50, 101, 152)),  # the stride in the 3x3 convolution
    *(f"ResNet{depth}V2" for depth in (50, 101, 152)),  # of keras.applications: the stride in a stage's last block
)


@dataclass(frozen=True)
class Side:
    """Who runs a network on what: "keras_classics" or one of `PEERS`, for whom the network has the name that it has
    there; or the path of an export on its runtime, which may not tell its network ("")."""

    who: str
    backend: str
    network: str

    @property
    def does_other_work(self) -> bool:
        """Whether its multiply-adds are others than those of ours."""
        return self.network in OTHER_WORK


def sides(name: str, against: str | None, backends: Sequence[str]) -> list[Side]:
    """Ours, and the peer's of the same network.

    Raises:
        ClassicsError: if the peer is unknown or has no such network.
    """
    ours = [Side("keras_classics", backend, name) for backend in backends]
    if against is None:
        return ours
    if against not in PEERS:
        raise unknown("peer", against, PEERS)
    if against == "native-groups":
        if not any(isinstance(layer, Conv2D) and layer.groups > 1 for layer in create_model(name).layers):
            raise ClassicsError(f"{name} has no grouped convolutions; choose another peer.")
        return ours + [Side(against, backend, name) for backend in backends]
    if against == "no-remat":
        return ours + [Side(against, backend, name) for backend in backends]
    if against == "keras.applications":
        symbol = next(symbol for symbol, variant in BUILDERS.items() if variant.name == name)
        if not hasattr(keras.applications, symbol):
            raise ClassicsError(f"keras.applications has no {symbol}; choose another peer.")
        return ours + [Side(against, backend, symbol) for backend in backends]
    for pattern, replacement in PYTORCHCV if against == "pytorchcv" else TORCHVISION:
        if match := re.fullmatch(pattern, name):
            return [*ours, Side(against, "torch", f"{against}.models.{match.expand(replacement)}")]
    raise ClassicsError(f"{against} is not known to have {name}; choose another peer.")
