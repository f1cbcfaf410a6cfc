"""One file a paper."""

from keras_classics.models import densenet, inception_resnet, inception_v4, lecun1989, lenet, resnet, resnet_v2

FAMILIES = (lecun1989, lenet, inception_v4, inception_resnet, resnet, resnet_v2, densenet)
