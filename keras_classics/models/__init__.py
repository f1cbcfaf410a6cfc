"""One file a paper."""

from keras_classics.models import inception_v1, inception_v2, inception_v3, lecun1989, lenet, resnet

FAMILIES = (lecun1989, lenet, inception_v1, inception_v2, inception_v3, resnet)
