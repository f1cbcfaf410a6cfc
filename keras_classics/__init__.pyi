# Written by `python -m keras_classics.stub`.
from keras_classics.errors import ClassicsError as ClassicsError
from keras_classics.evaluation import evaluate as evaluate
from keras_classics.exported import load_export as load_export
from keras_classics.exporting import export as export
from keras_classics.fine_tuning import freeze as freeze
from keras_classics.fully_convolutional import to_fully_convolutional as to_fully_convolutional
from keras_classics.fusion import fuse as fuse
from keras_classics.gradcam import grad_cam as grad_cam
from keras_classics.loading import load as load
from keras_classics.prediction import predict as predict
from keras_classics.preprocessing import decode_predictions as decode_predictions
from keras_classics.pyramid import feature_pyramid as feature_pyramid
from keras_classics.variant import Variant as Variant
from keras_classics.zoo import create_model as create_model
from keras_classics.zoo import get_model as get_model
from keras_classics.zoo import list_models as list_models
from keras_classics.zoo import preprocess_input as preprocess_input

__version__: str
LeCun1989: Variant
LeNet5: Variant
AlexNet: Variant
AlexNetOWT: Variant
NiN: Variant
VGG11: Variant
VGG13: Variant
VGG16: Variant
VGG19: Variant
InceptionV1: Variant
GoogLeNet: Variant
InceptionV1CIFAR: Variant
InceptionV2: Variant
InceptionV3: Variant
InceptionV4: Variant
InceptionResNetV1: Variant
InceptionResNetV2: Variant
ResNet18: Variant
ResNet34: Variant
ResNet50: Variant
ResNet101: Variant
ResNet152: Variant
PlainNet18: Variant
PlainNet34: Variant
ResNet20: Variant
ResNet32: Variant
ResNet44: Variant
ResNet56: Variant
ResNet110: Variant
ResNet1202: Variant
PlainNet20: Variant
PlainNet56: Variant
ResNet50V2: Variant
ResNet101V2: Variant
ResNet152V2: Variant
ResNet200V2: Variant
ResNet110V2: Variant
ResNet164V2: Variant
ResNet1001V2: Variant
ResNeXt50_32x4d: Variant
ResNeXt101_32x4d: Variant
ResNeXt101_64x4d: Variant
ResNeXt29_32x4d: Variant
ResNeXt29_16x64d: Variant
DenseNet121: Variant
DenseNet161: Variant
DenseNet169: Variant
DenseNet201: Variant
DenseNet264: Variant
DenseNet40_12: Variant
DenseNetBC100_12: Variant
DenseNetBC190_40: Variant
Xception: Variant
ShuffleNetG1: Variant
ShuffleNetG2: Variant
ShuffleNetG3: Variant
ShuffleNetG4: Variant
ShuffleNetG8: Variant
ShuffleNetG3CIFAR: Variant
ShuffleNetV2_x0_5: Variant
ShuffleNetV2_x1_0: Variant
ShuffleNetV2_x1_5: Variant
ShuffleNetV2_x2_0: Variant
NASNetMobile: Variant
NASNetLarge: Variant
NASNetCIFAR: Variant
PNASNet5Large: Variant
PNASNet5Mobile: Variant
