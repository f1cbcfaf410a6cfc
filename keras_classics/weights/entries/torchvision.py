"""Checkpoints of torchvision: the first digits of their SHA-256 are in their names, their accuracies and transforms in
torchvision/models/*.py (0.28). GoogLeNet and Inception v3 turn ImageNet's statistics into -1..1 themselves."""

from keras_classics.spec import IMAGENET_STATISTICS, PLUS_MINUS_ONE, InputProtocol
from keras_classics.weights.entries.entry import Entry

V1, V2 = "IMAGENET1K_V1", "IMAGENET1K_V2"
# variant, tag, file, top-1 and top-5 accuracies, resized to, options
_TABLE: tuple[tuple, ...] = (
    ("alexnet_owt", V1, "alexnet-owt-7be5be79.pth", 56.522, 79.066, 256),
    ("vgg11", V1, "vgg11-8a719046.pth", 69.020, 88.628, 256),
    ("vgg13", V1, "vgg13-19584684.pth", 69.928, 89.246, 256),
    ("vgg16", V1, "vgg16-397923af.pth", 71.592, 90.382, 256),
    ("vgg19", V1, "vgg19-dcbb9e9d.pth", 72.376, 90.876, 256),
    ("vgg11", f"bn_{V1}", "vgg11_bn-6002323d.pth", 70.370, 89.810, 256, ("batch_norm", True)),
    ("vgg13", f"bn_{V1}", "vgg13_bn-abd245e5.pth", 71.586, 90.374, 256, ("batch_norm", True)),
    ("vgg16", f"bn_{V1}", "vgg16_bn-6c64b313.pth", 73.360, 91.516, 256, ("batch_norm", True)),
    ("vgg19", f"bn_{V1}", "vgg19_bn-c79401a0.pth", 74.218, 91.842, 256, ("batch_norm", True)),
    ("inception_v1", V1, "googlenet-1378be20.pth", 69.778, 89.530, 256, ("batch_norm", True)),
    ("inception_v3", V1, "inception_v3_google-0cc3c7bd.pth", 77.294, 93.450, 342, ("counts_padding", True)),
    ("resnet18", V1, "resnet18-f37072fd.pth", 69.758, 89.078, 256),
    ("resnet34", V1, "resnet34-b627a593.pth", 73.314, 91.420, 256),
    ("resnet50", V1, "resnet50-0676ba61.pth", 76.130, 92.862, 256, ("form", "3x3")),
    ("resnet50", V2, "resnet50-11ad3fa6.pth", 80.858, 95.434, 232, ("form", "3x3")),
    ("resnet101", V1, "resnet101-63fe2227.pth", 77.374, 93.546, 256, ("form", "3x3")),
    ("resnet101", V2, "resnet101-cd907fc2.pth", 81.886, 95.780, 232, ("form", "3x3")),
    ("resnet152", V1, "resnet152-394f9c45.pth", 78.312, 94.046, 256, ("form", "3x3")),
    ("resnet152", V2, "resnet152-f82ba261.pth", 82.284, 96.002, 232, ("form", "3x3")),
    ("resnext50_32x4d", V1, "resnext50_32x4d-7cdf4587.pth", 77.618, 93.698, 256),
    ("resnext50_32x4d", V2, "resnext50_32x4d-1a0047aa.pth", 81.198, 95.340, 232),
    ("resnext101_64x4d", V1, "resnext101_64x4d-173b62eb.pth", 83.246, 96.454, 232),
    ("densenet121", V1, "densenet121-a639ec97.pth", 74.434, 91.972, 256),
    ("densenet161", V1, "densenet161-8d451a50.pth", 77.138, 93.560, 256),
    ("densenet169", V1, "densenet169-b2777c0a.pth", 75.600, 92.806, 256),
    ("densenet201", V1, "densenet201-c1103571.pth", 76.896, 93.370, 256),
    ("shufflenet_v2_x0_5", V1, "shufflenetv2_x0.5-f707e7126e.pth", 60.552, 81.746, 256),
    ("shufflenet_v2_x1_0", V1, "shufflenetv2_x1-5666bf0f80.pth", 69.362, 88.316, 256),
    ("shufflenet_v2_x1_5", V1, "shufflenetv2_x1_5-3c479a10.pth", 72.996, 91.086, 232),
    ("shufflenet_v2_x2_0", V1, "shufflenetv2_x2_0-8be3c8ee.pth", 76.230, 93.006, 232),
)


def _entry(variant, tag, file, top1, top5, resize_size, *options) -> Entry:
    pixels = PLUS_MINUS_ONE if variant.startswith("inception") else IMAGENET_STATISTICS
    return Entry(
        variant=variant,
        tag=f"torchvision/{tag}",
        address=f"https://download.pytorch.org/models/{file}",
        checksum="sha256:" + file.removesuffix(".pth").rsplit("-", 1)[1],
        protocol=InputProtocol("imagenet2012", pixels, 299 if variant == "inception_v3" else 224, resize_size),
        top1=round(100 - top1, 3),
        top5=round(100 - top5, 3),
        reported="torchvision/models, 0.28",
        licence="BSD-3-Clause",
        options=options,
    )


ENTRIES = tuple(_entry(*row) for row in _TABLE)
