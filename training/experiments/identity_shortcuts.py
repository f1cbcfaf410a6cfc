"""Identity shortcuts against others, and pre-activation (He et al. 2016, "Identity Mappings", tables 1 and 2)."""

from functools import partial

import keras
from keras import layers

from keras_classics.blocks import batch_norm, conv, conv_bn, conv_bn_relu, relu
from keras_classics.layers import channels_of
from keras_classics.models.resnet import shortcut
from keras_classics.models.resnet_v2 import PAPER
from training.experiments.design import Arm, Comparison, Experiment
from training.experiments.measures import TEST_ERROR
from training.experiments.networks import SHIFTS_AND_FLIPS, network, recipe
from training.recipe import SGD, Cosine

UNITS = 5  # of each stage: 6 * 5 + 2 = 32 layers


def original(x, filters, strides, name):
    """Figure 2(a): y = relu(x + F(x))."""
    y = conv_bn(conv_bn_relu(x, filters, 3, strides, name=f"{name}_1"), filters, 3, name=f"{name}_2")
    return relu(layers.Add(name=f"{name}_add")([shortcut(x, filters, strides, "A", name), y]), f"{name}_out")


def scaled(x, filters, strides, name):
    """Figure 2(b), constant scaling: both halves of the sum are halved."""
    y = conv_bn(conv_bn_relu(x, filters, 3, strides, name=f"{name}_1"), filters, 3, name=f"{name}_2")
    x = layers.Rescaling(0.5, name=f"{name}_0_half")(shortcut(x, filters, strides, "A", name))
    y = layers.Rescaling(0.5, name=f"{name}_half")(y)
    return relu(layers.Add(name=f"{name}_add")([x, y]), f"{name}_out")


def gated(x, filters, strides, name):
    """Figure 2(c), exclusive gating: g times F(x), 1 - g times x, for g = sigmoid(Wx + b); b starts at -6."""
    y = conv_bn(conv_bn_relu(x, filters, 3, strides, name=f"{name}_1"), filters, 3, name=f"{name}_2")
    x = shortcut(x, filters, strides, "A", name)
    bias = keras.initializers.Constant(-6.0)
    g = conv(x, filters, 1, use_bias=True, bias_initializer=bias, name=f"{name}_gate")
    g = layers.Activation("sigmoid", name=f"{name}_gate_sigmoid")(g)
    y = layers.Multiply(name=f"{name}_gated")([g, y])
    kept = layers.Multiply(name=f"{name}_0_gated")([layers.Rescaling(-1.0, 1.0, name=f"{name}_0_gate")(g), x])
    return relu(layers.Add(name=f"{name}_add")([kept, y]), f"{name}_out")


def normalized_after(x, filters, strides, name):
    """Figure 4(b), BN after addition."""
    y = conv(conv_bn_relu(x, filters, 3, strides, name=f"{name}_1"), filters, 3, name=f"{name}_2_conv")
    x = layers.Add(name=f"{name}_add")([shortcut(x, filters, strides, "A", name), y])
    return relu(batch_norm(x, f"{name}_2_bn"), f"{name}_out")


def preactivated(x, filters, strides, name):
    """Figure 4(e), full pre-activation."""
    y = relu(batch_norm(x, f"{name}_preact_bn"), f"{name}_preact_relu")
    y = conv(conv_bn_relu(y, filters, 3, strides, name=f"{name}_1"), filters, 3, name=f"{name}_2_conv")
    return layers.Add(name=f"{name}_out")([shortcut(x, filters, strides, "A", name), y])


def features(x, unit):
    """(N, 32, 32, 3), then units on (N, 32, 32, 16), (N, 16, 16, 32), (N, 8, 8, 64)."""
    x = conv_bn_relu(x, 16, 3, name="conv1")
    for stage, filters in enumerate((16, 32, 64)):
        for i in range(UNITS):
            strides = 2 if stage > 0 and i == 0 else 1
            x = unit(x, filters, strides, f"conv{stage + 2}_block{i + 1}")
    if unit is preactivated:
        x = relu(batch_norm(x, "post_bn"), "post_relu")
    assert channels_of(x) == 64
    return x


def resnet(unit):
    return network(f"resnet32_{unit.__name__}", PAPER, partial(features, unit=unit))


EXPERIMENT = Experiment(
    name="identity_shortcuts",
    claim="Residual units learn best with clean identities: scaling, gating or normalising them errs more, and "
    "activation before the layers errs less.",
    source='"Identity Mappings in Deep Residual Networks" (He et al. 2016), tables 1 and 2',
    paper_figure="ResNet-110: 6.61%; scaled 12.35%, gated 8.70%, BN after addition 8.17%, pre-activation 6.37%",
    design=(
        "ResNets of 32 layers are trained on a tenth of CIFAR-10 with the original units, with both paths scaled by "
        "0.5, with exclusive gates, with batch normalisation after the addition, and with full pre-activation. The "
        "paper has 110 layers and shows that depth makes the difference."
    ),
    arms=(
        Arm("original", resnet(original)),
        Arm("scaled by 0.5", resnet(scaled)),
        Arm("gated", resnet(gated)),
        Arm("BN after addition", resnet(normalized_after)),
        Arm("pre-activation", resnet(preactivated)),
    ),
    varies=("network.unit",),
    comparisons=(
        Comparison("scaled by 0.5", "original", TEST_ERROR),
        Comparison("gated", "original", TEST_ERROR),
        Comparison("BN after addition", "original", TEST_ERROR),
        Comparison("original", "pre-activation", TEST_ERROR),
    ),
    recipe=recipe(
        PAPER,
        epochs=15,
        optimizer=SGD(momentum=0.9, weight_decay=1e-4),
        schedule=Cosine(0.1),
        warm_up=1,
        augment=SHIFTS_AND_FLIPS,
    ),
    limit=5000,
    seeds=4,
    minutes=120,
)
