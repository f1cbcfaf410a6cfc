"""One file a paper."""

from keras_classics.models import alexnet, lecun1989, lenet, nin, resnet, vgg

FAMILIES = (lecun1989, lenet, alexnet, nin, vgg, resnet)
