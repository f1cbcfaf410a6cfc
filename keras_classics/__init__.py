"""The classic image classifiers in Keras 3: built, trained, judged and shipped as their papers did."""

from keras_classics.errors import ClassicsError
from keras_classics.fine_tuning import freeze
from keras_classics.fully_convolutional import to_fully_convolutional
from keras_classics.fuse import fuse
from keras_classics.models.alexnet import AlexNet, AlexNetOWT
from keras_classics.models.densenet import (
    DenseNet40_12,
    DenseNet121,
    DenseNet161,
    DenseNet169,
    DenseNet201,
    DenseNet264,
    DenseNetBC100_12,
    DenseNetBC190_40,
)
from keras_classics.models.inception_resnet import InceptionResNetV1, InceptionResNetV2
from keras_classics.models.inception_v1 import GoogLeNet, InceptionV1
from keras_classics.models.inception_v2 import InceptionV2
from keras_classics.models.inception_v3 import InceptionV3
from keras_classics.models.inception_v4 import InceptionV4
from keras_classics.models.lecun1989 import LeCun1989
from keras_classics.models.lenet import LeNet5
from keras_classics.models.nasnet import NASNetCIFAR, NASNetLarge, NASNetMobile
from keras_classics.models.nin import NiN
from keras_classics.models.pnasnet import PNASNet5Large, PNASNet5Mobile
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
from keras_classics.models.resnet_v2 import (
    ResNet50V2,
    ResNet101V2,
    ResNet110V2,
    ResNet152V2,
    ResNet164V2,
    ResNet200V2,
    ResNet1001V2,
)
from keras_classics.models.resnext import (
    ResNeXt29_16x64d,
    ResNeXt29_32x4d,
    ResNeXt50_32x4d,
    ResNeXt101_32x4d,
    ResNeXt101_64x4d,
)
from keras_classics.models.shufflenet import ShuffleNetG1, ShuffleNetG2, ShuffleNetG3, ShuffleNetG4, ShuffleNetG8
from keras_classics.models.shufflenet_v2 import (
    ShuffleNetV2_x0_5,
    ShuffleNetV2_x1_0,
    ShuffleNetV2_x1_5,
    ShuffleNetV2_x2_0,
)
from keras_classics.models.vgg import VGG11, VGG13, VGG16, VGG19
from keras_classics.models.xception import Xception
from keras_classics.preprocessing import decode_predictions
from keras_classics.variant import Variant
from keras_classics.zoo import create_model, get_model, list_models, preprocess_input

__version__ = "0.1.0"

__all__ = [
    "VGG11",
    "VGG13",
    "VGG16",
    "VGG19",
    "AlexNet",
    "AlexNetOWT",
    "ClassicsError",
    "DenseNet40_12",
    "DenseNet121",
    "DenseNet161",
    "DenseNet169",
    "DenseNet201",
    "DenseNet264",
    "DenseNetBC100_12",
    "DenseNetBC190_40",
    "GoogLeNet",
    "InceptionResNetV1",
    "InceptionResNetV2",
    "InceptionV1",
    "InceptionV2",
    "InceptionV3",
    "InceptionV4",
    "LeCun1989",
    "LeNet5",
    "NASNetCIFAR",
    "NASNetLarge",
    "NASNetMobile",
    "NiN",
    "PNASNet5Large",
    "PNASNet5Mobile",
    "PlainNet18",
    "PlainNet20",
    "PlainNet34",
    "PlainNet56",
    "ResNeXt29_16x64d",
    "ResNeXt29_32x4d",
    "ResNeXt50_32x4d",
    "ResNeXt101_32x4d",
    "ResNeXt101_64x4d",
    "ResNet18",
    "ResNet20",
    "ResNet32",
    "ResNet34",
    "ResNet44",
    "ResNet50",
    "ResNet50V2",
    "ResNet56",
    "ResNet101",
    "ResNet101V2",
    "ResNet110",
    "ResNet110V2",
    "ResNet152",
    "ResNet152V2",
    "ResNet164V2",
    "ResNet200V2",
    "ResNet1001V2",
    "ResNet1202",
    "ShuffleNetG1",
    "ShuffleNetG2",
    "ShuffleNetG3",
    "ShuffleNetG4",
    "ShuffleNetG8",
    "ShuffleNetV2_x0_5",
    "ShuffleNetV2_x1_0",
    "ShuffleNetV2_x1_5",
    "ShuffleNetV2_x2_0",
    "Variant",
    "Xception",
    "create_model",
    "decode_predictions",
    "freeze",
    "fuse",
    "get_model",
    "list_models",
    "preprocess_input",
    "to_fully_convolutional",
]
