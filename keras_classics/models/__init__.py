"""One file a paper."""

from keras_classics.models import inception_resnet, inception_v4, lecun1989, lenet, resnet

FAMILIES = (lecun1989, lenet, inception_v4, inception_resnet, resnet)
