"""Checkpoints of timm on the Hugging Face hub: configurations as in timm/models/*.py of timm 1.0.31, errors as in
results/results-imagenet.csv of huggingface/pytorch-image-models (as of commit 0173a139), at the test size that stands
there."""

from collections.abc import Iterator

from keras_classics.spec import IMAGENET_STATISTICS, PLUS_MINUS_ONE, InputProtocol
from keras_classics.weights.entries.entry import Entry

_NAMES_ALIKE = (
    *(f"resnet{depth}" for depth in (18, 34)),
    *("resnext50_32x4d", "resnext101_32x4d", "resnext101_64x4d"),
    *(f"densenet{depth}" for depth in (121, 161, 169, 201)),
    *(f"vgg{depth}" for depth in (11, 13, 16, 19)),
    *("inception_v4", "inception_resnet_v2"),
)

# Our network, and the options of its form, by timm's name of an architecture. Those with like names differ: resnet50d
# has another stem, resnetv2_50 no batch norm behind conv1, legacy_xception pads its pools on all sides; nasnetalarge
# averages over zeros that it pads with, as neither the paper's code nor keras.applications does.
ARCHITECTURES: dict[str, tuple[str, tuple[tuple[str, object], ...]]] = {
    **{name: (name, ()) for name in _NAMES_ALIKE},
    **{f"resnet{depth}": (f"resnet{depth}", (("form", "3x3"),)) for depth in (50, 101, 152)},
    **{f"vgg{depth}_bn": (f"vgg{depth}", (("batch_norm", True),)) for depth in (11, 13, 16, 19)},
    "inception_v3": ("inception_v3", (("counts_padding", True),)),
    "pnasnet5large": ("pnasnet5_large", ()),
}

# timm's name, top-1 and top-5 errors, test size, part of the shorter side that is seen, interpolation
_APACHE: tuple[tuple, ...] = (
    ("resnet18.a1_in1k", 26.842, 8.974, 288, 1.0, "bicubic"),
    ("resnet18.a2_in1k", 27.628, 9.404, 288, 1.0, "bicubic"),
    ("resnet18.a3_in1k", 31.746, 11.824, 224, 0.95, "bicubic"),
    ("resnet18.gluon_in1k", 29.162, 10.246, 224, 0.875, "bicubic"),
    ("resnet34.a1_in1k", 22.082, 6.234, 288, 1.0, "bicubic"),
    ("resnet34.a2_in1k", 22.842, 6.726, 288, 1.0, "bicubic"),
    ("resnet34.a3_in1k", 27.030, 8.892, 224, 0.95, "bicubic"),
    ("resnet34.bt_in1k", 23.520, 6.646, 288, 0.95, "bicubic"),
    ("resnet34.gluon_in1k", 25.422, 8.016, 224, 0.875, "bicubic"),
    ("resnet50.a1_in1k", 18.786, 4.898, 288, 1.0, "bicubic"),
    ("resnet50.a1h_in1k", 19.324, 4.694, 224, 1.0, "bicubic"),
    ("resnet50.a2_in1k", 19.228, 5.012, 288, 1.0, "bicubic"),
    ("resnet50.a3_in1k", 21.952, 6.220, 224, 0.95, "bicubic"),
    ("resnet50.am_in1k", 21.002, 5.604, 224, 0.875, "bicubic"),
    ("resnet50.b1k_in1k", 19.294, 4.568, 288, 1.0, "bicubic"),
    ("resnet50.b2k_in1k", 19.546, 4.682, 288, 1.0, "bicubic"),
    ("resnet50.bt_in1k", 20.360, 5.108, 288, 0.95, "bicubic"),
    ("resnet50.c1_in1k", 19.088, 4.448, 288, 1.0, "bicubic"),
    ("resnet50.c2_in1k", 19.130, 4.466, 288, 1.0, "bicubic"),
    ("resnet50.d_in1k", 19.028, 4.570, 288, 1.0, "bicubic"),
    ("resnet50.gluon_in1k", 22.420, 6.282, 224, 0.875, "bicubic"),
    ("resnet50.ra_in1k", 20.164, 5.034, 288, 0.95, "bicubic"),
    ("resnet50.ram_in1k", 20.024, 4.948, 288, 0.95, "bicubic"),
    ("resnet101.a1_in1k", 17.678, 4.368, 288, 1.0, "bicubic"),
    ("resnet101.a1h_in1k", 17.222, 3.690, 288, 1.0, "bicubic"),
    ("resnet101.a2_in1k", 17.764, 4.270, 288, 1.0, "bicubic"),
    ("resnet101.a3_in1k", 20.186, 5.394, 224, 0.95, "bicubic"),
    ("resnet101.gluon_in1k", 20.690, 5.478, 224, 0.875, "bicubic"),
    ("resnet152.a1_in1k", 17.268, 4.280, 288, 1.0, "bicubic"),
    ("resnet152.a1h_in1k", 16.550, 3.462, 288, 1.0, "bicubic"),
    ("resnet152.a2_in1k", 17.392, 4.248, 288, 1.0, "bicubic"),
    ("resnet152.a3_in1k", 19.454, 5.000, 224, 0.95, "bicubic"),
    ("resnet152.gluon_in1k", 20.306, 5.264, 224, 0.875, "bicubic"),
    ("resnext50_32x4d.a1_in1k", 18.534, 4.826, 288, 1.0, "bicubic"),
    ("resnext50_32x4d.a1h_in1k", 17.986, 4.066, 288, 1.0, "bicubic"),
    ("resnext50_32x4d.a2_in1k", 18.696, 4.904, 288, 1.0, "bicubic"),
    ("resnext50_32x4d.a3_in1k", 20.732, 5.694, 224, 0.95, "bicubic"),
    ("resnext50_32x4d.gluon_in1k", 20.640, 5.570, 224, 0.875, "bicubic"),
    ("resnext50_32x4d.ra_in1k", 19.302, 4.610, 288, 0.95, "bicubic"),
    ("resnext101_32x4d.gluon_in1k", 19.660, 5.070, 224, 0.875, "bicubic"),
    ("resnext101_64x4d.c1_in1k", 16.844, 3.626, 288, 1.0, "bicubic"),
    ("resnext101_64x4d.gluon_in1k", 19.400, 5.008, 224, 0.875, "bicubic"),
    ("densenet121.ra_in1k", 23.500, 6.632, 288, 0.95, "bicubic"),
    ("densenet121.tv_in1k", 25.236, 7.846, 224, 0.875, "bicubic"),
    ("densenet161.tv_in1k", 22.642, 6.358, 224, 0.875, "bicubic"),
    ("densenet169.tv_in1k", 24.100, 6.972, 224, 0.875, "bicubic"),
    ("densenet201.tv_in1k", 22.714, 6.520, 224, 0.875, "bicubic"),
    ("inception_v3.gluon_in1k", 21.194, 5.626, 299, 0.875, "bicubic"),
    ("inception_v3.tf_adv_in1k", 22.408, 6.270, 299, 0.875, "bicubic"),
    ("inception_v3.tf_in1k", 22.138, 6.356, 299, 0.875, "bicubic"),
    ("inception_v3.tv_in1k", 22.566, 6.526, 299, 0.875, "bicubic"),
    ("inception_v4.tf_in1k", 19.844, 5.032, 299, 0.875, "bicubic"),
    ("pnasnet5large.tf_in1k", 17.218, 3.960, 331, 0.911, "bicubic"),
    ("inception_resnet_v2.tf_ens_adv_in1k", 20.022, 5.054, 299, 0.8975, "bicubic"),
    ("inception_resnet_v2.tf_in1k", 19.538, 4.692, 299, 0.8975, "bicubic"),
)
_BSD: tuple[tuple, ...] = (
    ("resnet18.tv_in1k", 30.240, 10.930, 224, 0.875, "bilinear"),
    ("resnet50.tv2_in1k", 19.150, 4.566, 224, 0.965, "bilinear"),
    ("resnet50.tv_in1k", 23.870, 7.142, 224, 0.875, "bilinear"),
    ("resnet101.tv2_in1k", 18.110, 4.232, 224, 0.965, "bilinear"),
    ("resnet101.tv_in1k", 22.624, 6.458, 224, 0.875, "bilinear"),
    ("resnet152.tv2_in1k", 17.712, 3.996, 224, 0.965, "bilinear"),
    ("resnet152.tv_in1k", 21.678, 5.952, 224, 0.875, "bilinear"),
    ("resnext50_32x4d.tv2_in1k", 18.818, 4.660, 224, 0.965, "bilinear"),
    ("resnext50_32x4d.tv_in1k", 22.382, 6.304, 224, 0.875, "bilinear"),
    ("resnext101_64x4d.tv_in1k", 17.008, 3.756, 224, 0.875, "bilinear"),
    ("vgg11.tv_in1k", 30.978, 11.376, 224, 0.875, "bilinear"),
    ("vgg11_bn.tv_in1k", 29.618, 10.192, 224, 0.875, "bilinear"),
    ("vgg13.tv_in1k", 30.068, 10.750, 224, 0.875, "bilinear"),
    ("vgg13_bn.tv_in1k", 28.412, 9.622, 224, 0.875, "bilinear"),
    ("vgg16.tv_in1k", 28.408, 9.616, 224, 0.875, "bilinear"),
    ("vgg16_bn.tv_in1k", 26.630, 8.486, 224, 0.875, "bilinear"),
    ("vgg19.tv_in1k", 27.622, 9.126, 224, 0.875, "bilinear"),
    ("vgg19_bn.tv_in1k", 25.784, 8.156, 224, 0.875, "bilinear"),
)
# Trained on further pictures of Instagram or YFCC100M, and not for commercial use.
_NONCOMMERCIAL: tuple[tuple, ...] = (
    ("resnet18.fb_ssl_yfcc100m_ft_in1k", 27.406, 8.582, 224, 0.875, "bilinear"),
    ("resnet18.fb_swsl_ig1b_ft_in1k", 26.718, 8.268, 224, 0.875, "bilinear"),
    ("resnet50.fb_ssl_yfcc100m_ft_in1k", 20.766, 5.174, 224, 0.875, "bilinear"),
    ("resnet50.fb_swsl_ig1b_ft_in1k", 18.818, 4.008, 224, 0.875, "bilinear"),
    ("resnext50_32x4d.fb_ssl_yfcc100m_ft_in1k", 19.662, 4.602, 224, 0.875, "bilinear"),
    ("resnext50_32x4d.fb_swsl_ig1b_ft_in1k", 17.826, 3.778, 224, 0.875, "bilinear"),
    ("resnext101_32x4d.fb_ssl_yfcc100m_ft_in1k", 19.076, 4.266, 224, 0.875, "bilinear"),
    ("resnext101_32x4d.fb_swsl_ig1b_ft_in1k", 16.768, 3.242, 224, 0.875, "bilinear"),
)
_TABLES = {"Apache-2.0": _APACHE, "BSD-3-Clause": _BSD, "CC-BY-NC-4.0": _NONCOMMERCIAL}


def _reads_plus_minus_one(name: str) -> bool:
    """TensorFlow's networks, and torchvision's port of one of them."""
    return ".tf_" in name or name == "inception_v3.tv_in1k"


def _entries(licence: str, table: tuple[tuple, ...]) -> Iterator[Entry]:
    for name, top1, top5, size, part, interpolation in table:
        architecture, tag = name.split(".")
        variant, options = ARCHITECTURES[architecture]
        pixels = PLUS_MINUS_ONE if _reads_plus_minus_one(name) else IMAGENET_STATISTICS
        yield Entry(
            variant=variant,
            tag=f"timm/{name if architecture.endswith('_bn') else tag}",  # VGGs with and without it have the same tags
            address=f"hf-hub:timm/{name}",
            checksum="",
            protocol=InputProtocol("imagenet2012", pixels, size, int(size / part), interpolation),
            top1=top1,
            top5=top5,
            reported="results/results-imagenet.csv of huggingface/pytorch-image-models",
            licence=licence,
            options=options,
        )


ENTRIES = tuple(entry for licence, table in _TABLES.items() for entry in _entries(licence, table))
