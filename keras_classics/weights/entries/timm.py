"""Checkpoints of timm on the Hugging Face hub: configurations as in timm/models/*.py, errors as in its
results/results-imagenet.csv, at the test size that stands there."""

from keras_classics.spec import IMAGENET_STATISTICS, PLUS_MINUS_ONE, InputProtocol
from keras_classics.weights.entries.entry import Entry

# variant, timm's name, top-1 and top-5 errors, test size, part of the shorter side that is seen, interpolation, options
_TABLE: tuple[tuple, ...] = (
    ("resnet18", "resnet18.a1_in1k", 26.842, 8.974, 288, 1.0, "bicubic"),
    ("resnet18", "resnet18.a2_in1k", 27.628, 9.404, 288, 1.0, "bicubic"),
    ("resnet18", "resnet18.a3_in1k", 31.746, 11.824, 224, 0.95, "bicubic"),
    ("resnet34", "resnet34.a1_in1k", 22.082, 6.234, 288, 1.0, "bicubic"),
    ("resnet34", "resnet34.a2_in1k", 22.842, 6.726, 288, 1.0, "bicubic"),
    ("resnet34", "resnet34.a3_in1k", 27.030, 8.892, 224, 0.95, "bicubic"),
    ("resnet34", "resnet34.bt_in1k", 23.520, 6.646, 288, 0.95, "bicubic"),
    ("resnet50", "resnet50.a1_in1k", 18.786, 4.898, 288, 1.0, "bicubic", ("form", "3x3")),
    ("resnet50", "resnet50.d_in1k", 19.028, 4.570, 288, 1.0, "bicubic", ("form", "3x3")),
    ("resnet101", "resnet101.a1h_in1k", 17.222, 3.690, 288, 1.0, "bicubic", ("form", "3x3")),
    ("resnet152", "resnet152.a1_in1k", 17.268, 4.280, 288, 1.0, "bicubic", ("form", "3x3")),
    ("resnext50_32x4d", "resnext50_32x4d.a1h_in1k", 17.986, 4.066, 288, 1.0, "bicubic"),
    ("resnext50_32x4d", "resnext50_32x4d.ra_in1k", 19.302, 4.610, 288, 0.95, "bicubic"),
    ("resnext101_32x4d", "resnext101_32x4d.gluon_in1k", 19.660, 5.070, 224, 0.875, "bicubic"),
    ("resnext101_64x4d", "resnext101_64x4d.gluon_in1k", 19.400, 5.008, 224, 0.875, "bicubic"),
    ("densenet121", "densenet121.ra_in1k", 23.500, 6.632, 288, 0.95, "bicubic"),
    ("inception_v3", "inception_v3.tf_in1k", 22.138, 6.356, 299, 0.875, "bicubic", ("counts_padding", True)),
    ("inception_v3", "inception_v3.gluon_in1k", 21.194, 5.626, 299, 0.875, "bicubic", ("counts_padding", True)),
    ("inception_v4", "inception_v4.tf_in1k", 19.844, 5.032, 299, 0.875, "bicubic"),
    # Its NASNet averages over zeros that it pads with, as neither the paper's code nor keras.applications does.
    ("pnasnet5_large", "pnasnet5large.tf_in1k", 17.218, 3.960, 331, 0.911, "bicubic"),
    ("inception_resnet_v2", "inception_resnet_v2.tf_in1k", 19.538, 4.692, 299, 0.8975, "bicubic"),
)


def _entry(variant, name, top1, top5, size, part, interpolation, *options) -> Entry:
    pixels = PLUS_MINUS_ONE if "tf_" in name else IMAGENET_STATISTICS
    return Entry(
        variant=variant,
        tag=f"timm/{name.split('.')[1]}",
        address=f"hf-hub:timm/{name}",
        checksum="",
        protocol=InputProtocol("imagenet2012", pixels, size, int(size / part), interpolation),
        top1=top1,
        top5=top5,
        reported="results/results-imagenet.csv of huggingface/pytorch-image-models",
        licence="Apache-2.0",
        options=options,
    )


ENTRIES = tuple(_entry(*row) for row in _TABLE)
