"""One file a paper."""

from keras_classics.models import (
    alexnet,
    densenet,
    inception_resnet,
    inception_v1,
    inception_v2,
    inception_v3,
    inception_v4,
    lecun1989,
    lenet,
    nasnet,
    nin,
    pnasnet,
    resnet,
    resnet_v2,
    vgg,
    xception,
)

FAMILIES = (
    lecun1989,
    lenet,
    alexnet,
    nin,
    vgg,
    inception_v1,
    inception_v2,
    inception_v3,
    inception_v4,
    inception_resnet,
    resnet,
    resnet_v2,
    densenet,
    xception,
    nasnet,
    pnasnet,
)
