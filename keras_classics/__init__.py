"""The classic image classifiers in Keras 3: built, trained, judged and shipped as their papers did."""

from keras_classics.errors import ClassicsError
from keras_classics.models.inception_v1 import GoogLeNet, InceptionV1
from keras_classics.models.inception_v2 import InceptionV2
from keras_classics.models.inception_v3 import InceptionV3
from keras_classics.models.lecun1989 import LeCun1989
from keras_classics.models.lenet import LeNet5
from keras_classics.models.resnet import (
    PlainNet18,
    PlainNet20,
    PlainNet34,
    PlainNet56,
    ResNet18,
    ResNet20,
    ResNet32,
    ResNet34,
    ResNet44,
    ResNet50,
    ResNet56,
    ResNet101,
    ResNet110,
    ResNet152,
    ResNet1202,
)
from keras_classics.preprocessing import decode_predictions
from keras_classics.variant import Variant
from keras_classics.zoo import create_model, get_model, list_models, preprocess_input

__version__ = "0.1.0"

__all__ = [
    "ClassicsError",
    "GoogLeNet",
    "InceptionV1",
    "InceptionV2",
    "InceptionV3",
    "LeCun1989",
    "LeNet5",
    "PlainNet18",
    "PlainNet20",
    "PlainNet34",
    "PlainNet56",
    "ResNet18",
    "ResNet20",
    "ResNet32",
    "ResNet34",
    "ResNet44",
    "ResNet50",
    "ResNet56",
    "ResNet101",
    "ResNet110",
    "ResNet152",
    "ResNet1202",
    "Variant",
    "create_model",
    "decode_predictions",
    "get_model",
    "list_models",
    "preprocess_input",
]
