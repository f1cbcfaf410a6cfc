"""Szegedy et al. 2016: Inception-ResNet-v1 and v2, Inception modules that learn scaled residuals."""

from keras import layers

from keras_classics.blocks import batch_norm, concat, conv, max_pool, pool, predictions, relu
from keras_classics.initializers import HeNormal
from keras_classics.layers import channels_of
from keras_classics.models.inception_v4 import (
    CONSTANTS_DEPARTURE,
    GAMMA_DEPARTURE,
    V,
    activated_conv,
    average_pool,
    convs,
    dropout_head,
    network,
    reduction_a,
    reported,
)


def residual(x, branches, scale, name, activation=True):
    """Section 3.3 and Figure 20: the branches, 1x1 without activation to the width of `x`, scaled, added, then ReLU."""
    y = concat(branches, f"{name}_concat")
    y = conv(y, channels_of(x), 1, use_bias=True, name=f"{name}_linear")
    y = layers.Rescaling(scale, name=f"{name}_scale")(y)
    x = layers.Add(name=f"{name}_add")([x, y])
    return relu(x, name) if activation else x


def branches_of(x, kernels, filters, name):
    """A branch of convolutions for each row of kernel sizes and of filters."""
    rows = enumerate(zip(filters, kernels, strict=True), 1)
    return [convs(x, *zip(*row, strict=True), name=f"{name}_branch{i}") for i, row in rows]


def inception_resnet_a(x, filters, name):
    """Figures 10 and 16: (N, 35, 35, C) to the same."""
    kernels = ((1,), (1, 3), (1, 3, 3))
    return residual(x, branches_of(x, kernels, filters, name), 0.17, name)


def inception_resnet_b(x, filters, name):
    """Figures 11 and 17: (N, 17, 17, C) to the same."""
    kernels = ((1,), (1, (1, 7), (7, 1)))
    return residual(x, branches_of(x, kernels, filters, name), 0.10, name)


def inception_resnet_c(x, filters, name, scale=0.20, activation=True):
    """Figures 13 and 19: (N, 8, 8, C) to the same."""
    kernels = ((1,), (1, (1, 3), (3, 1)))
    return residual(x, branches_of(x, kernels, filters, name), scale, name, activation)


def reduction_b(x, filters):
    """Figures 12 and 18: (N, 17, 17, C) to (N, 8, 8, C + the last filters of the three branches)."""
    one, two, three = filters
    branches = [
        convs(x, (one[0], 1), (one[1], 3, 2, V), name="reduction_b_branch1"),
        convs(x, (two[0], 1), (two[1], 3, 2, V), name="reduction_b_branch2"),
        convs(x, (three[0], 1), (three[1], 3), (three[2], 3, 2, V), name="reduction_b_branch3"),
        max_pool(x, 3, 2, name="reduction_b_branch4_pool"),
    ]
    return concat(branches, "reduction_b")


def stem_to_71(x):
    """Figure 14, all but the last row: (N, 299, 299, 3) to (N, 71, 71, 192)."""
    x = convs(x, (32, 3, 2, V), (32, 3, 1, V), (64, 3), name="stem_1")  # (N, 147, 147, 64)
    x = max_pool(x, 3, 2, name="stem_pool")  # (N, 73, 73, 64)
    return convs(x, (80, 1), (192, 3, 1, V), name="stem_2")


def stem_v1(x):
    """Figure 14: (N, 299, 299, 3) to (N, 35, 35, 256)."""
    return convs(stem_to_71(x), (256, 3, 2, V), name="stem_3")


def stem_v2(x):
    """The published network's stem in the place of Figure 3, a pool and a module: to (N, 35, 35, 320)."""
    x = max_pool(stem_to_71(x), 3, 2, name="stem_pool2")  # (N, 35, 35, 192)
    branches = [
        convs(x, (96, 1), name="stem_3_branch1"),
        convs(x, (48, 1), (64, 5), name="stem_3_branch2"),
        convs(x, (64, 1), (96, 3), (96, 3), name="stem_3_branch3"),
        convs(average_pool(x, name="stem_3_branch4_pool"), (64, 1), name="stem_3_branch4"),
    ]
    return concat(branches, "stem_3")


# Filters of the branches: Figures 10 to 13 and 16 to 19; of reduction A the k, l, m, n of Table 1.
V1 = {
    "a": ((32,), (32, 32), (32, 32, 32)),
    "reduction_a": (192, 192, 256, 384),
    "b": ((128,), (128, 128, 128)),
    "reduction_b": ((256, 384), (256, 256), (256, 256, 256)),
    "c": ((192,), (192, 192, 192)),
}
V2 = {
    "a": ((32,), (32, 32), (32, 48, 64)),
    "reduction_a": (256, 256, 384, 384),
    "b": ((192,), (128, 160, 192)),
    "reduction_b": ((256, 384), (256, 288), (256, 288, 320)),
    "c": ((192,), (192, 224, 256)),
}


def features(x, stem, filters, blocks):
    """Figure 15, to the average pooling: the stem, `blocks` of A, B and C, and one more C without scale and ReLU."""
    x = stem(x)
    for i in range(blocks[0]):
        x = inception_resnet_a(x, filters["a"], f"inception_resnet_a{i + 1}")
    x = reduction_a(x, *filters["reduction_a"])
    for i in range(blocks[1]):
        x = inception_resnet_b(x, filters["b"], f"inception_resnet_b{i + 1}")
    x = reduction_b(x, filters["reduction_b"])
    for i in range(blocks[2]):
        x = inception_resnet_c(x, filters["c"], f"inception_resnet_c{i + 1}")
    return inception_resnet_c(x, filters["c"], f"inception_resnet_c{blocks[2] + 1}", scale=1.0, activation=False)


def features_v1(x):
    """(N, 299, 299, 3), (N, 35, 35, 256), (N, 17, 17, 896), (N, 8, 8, 1792)."""
    return features(x, stem_v1, V1, (5, 10, 5))


def features_v2(x):
    """(N, 299, 299, 3), (N, 35, 35, 320), (N, 17, 17, 1088), (N, 8, 8, 2080), and a 1x1 to (N, 8, 8, 1536)."""
    return activated_conv(features(x, stem_v2, V2, (10, 20, 9)), 1536, 1, name="conv_7b")


def bottleneck_head(x, classes, activation):
    """The end of v1 in facenet: average pooling, dropout that keeps 0.8, 512 units with batch norm, and softmax."""
    x = layers.Dropout(0.2, name="dropout")(pool(x, "avg"))
    x = layers.Dense(512, use_bias=False, kernel_initializer=HeNormal(), name="bottleneck")(x)
    x = batch_norm(x, "bottleneck_bn", momentum=0.9997, epsilon=1e-3)
    return predictions(x, classes, activation)


SCALE_DEPARTURE = (
    "Residuals are scaled by 0.17, 0.10 and 0.20 in the blocks A, B and C, as in the authors' code of v2: the paper "
    "says between 0.1 and 0.3. The last block C adds its residual unscaled and without ReLU, which is in no figure."
)

InceptionResNetV1 = network(
    name="inception_resnet_v1",
    family="inception_resnet",
    params=23_995_624,
    macs=6_308_235_360,
    features=features_v1,
    head=bottleneck_head,
    reported=reported((21.3, 5.5), (19.8, 4.6), (18.8, 4.3)),
    departures=(
        "There are 5, 10 and 6 blocks and a layer of 512 units with batch normalisation before the classifier, as in "
        "David Sandberg's facenet and pytorchcv's weights: the authors published no code of v1. Figure 15 has 5, 10 "
        "and 5, and no such layer.",
        SCALE_DEPARTURE,
        CONSTANTS_DEPARTURE,
        GAMMA_DEPARTURE,
    ),
)
InceptionResNetV2 = network(
    name="inception_resnet_v2",
    family="inception_resnet",
    params=55_843_464,
    macs=13_155_794_016,
    features=features_v2,
    head=dropout_head,
    reported=reported((19.9, 4.9), (18.7, 4.1), (17.8, 3.7)),
    departures=(
        "This is the network that the authors published, not the one of the figures. Its stem is that of Figure 14 "
        "with a pool and an Inception module for the last layer (320 channels), where the paper has that of Figure 3 "
        "(384). The blocks B have 1088 channels, where Figure 17 prints 1154 (and 384 + 384 + 384 would be 1152), the "
        "blocks C 2080, where Figure 19 prints 2048. There are 10, 20 and 10 blocks, where Figure 15 has 5, 10 and 5, "
        "and a 1x1 convolution to 1536 channels before the pooling.",
        SCALE_DEPARTURE,
        CONSTANTS_DEPARTURE,
        GAMMA_DEPARTURE,
    ),
)
