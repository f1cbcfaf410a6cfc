"""One file a paper."""

from keras_classics.models import lecun1989, lenet, resnet

FAMILIES = (lecun1989, lenet, resnet)
