"""Prints the multiply-adds of pytorchcv's networks, of convolutions and dense layers alone: it tells more itself.

python tests/golden/count_peers.py
"""

import importlib
import math

import torch

PEERS = {  # ours: module, name, input side
    "nin": ("nin_cifar", "nin_cifar10", 32),
    "inception_v2": ("bninception", "bninception", 224),
    "inception_v4": ("inceptionv4", "inceptionv4", 299),
    "inception_resnet_v1": ("inceptionresnetv1", "inceptionresnetv1", 299),
    "inception_resnet_v2": ("inceptionresnetv2", "inceptionresnetv2", 299),
    "resnet50_v2": ("preresnet", "preresnet50", 224),
    "resnet101_v2": ("preresnet", "preresnet101", 224),
    "resnet152_v2": ("preresnet", "preresnet152", 224),
    "resnet200_v2": ("preresnet", "preresnet200", 224),
    "resnet110_v2": ("preresnet_cifar", "preresnet110_cifar10", 32),
    "resnet164_v2": ("preresnet_cifar", "preresnet164bn_cifar10", 32),
    "resnet1001_v2": ("preresnet_cifar", "preresnet1001_cifar10", 32),
    "densenet_bc100_12": ("densenet_cifar", "densenet100_k12_bc_cifar10", 32),
    "densenet_bc190_40": ("densenet_cifar", "densenet190_k40_bc_cifar10", 32),
    "resnext50_32x4d": ("resnext", "resnext50_32x4d", 224),
    "resnext101_32x4d": ("resnext", "resnext101_32x4d", 224),
    "resnext101_64x4d": ("resnext", "resnext101_64x4d", 224),
    "resnext29_32x4d": ("resnext_cifar", "resnext29_32x4d_cifar10", 32),
    "resnext29_16x64d": ("resnext_cifar", "resnext29_16x64d_cifar10", 32),
    **{f"shufflenet_g{g}": ("shufflenet", f"shufflenet_g{g}_w1", 224) for g in (1, 2, 3, 4, 8)},
    "shufflenet_v2_x0_5": ("shufflenetv2", "shufflenetv2_wd2", 224),
    "shufflenet_v2_x1_0": ("shufflenetv2", "shufflenetv2_w1", 224),
    "xception": ("xception", "xception", 299),
}


def macs(module: str, name: str, side: int) -> int:
    """Every weight of a kernel works once at every place of its output."""
    total = 0

    def count(layer, inputs, output):
        nonlocal total
        places = math.prod(output.shape[2:])
        total += places * layer.weight.numel()

    with torch.device("meta"):
        net = getattr(importlib.import_module(f"pytorchcv.models.{module}"), name)().eval()
        for layer in net.modules():
            if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
                layer.register_forward_hook(count)
        net(torch.zeros(1, 3, side, side))
    return total


if __name__ == "__main__":
    for ours, peer in PEERS.items():
        print(f"{ours},{macs(*peer)}")
