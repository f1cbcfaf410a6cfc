"""Keras' layers made fast, and those that it lacks; each is registered for serialisation under "keras_classics"."""

from keras_classics.layers.batch_normalization import BatchNormalization
from keras_classics.layers.channel_shuffle import ChannelShuffle
from keras_classics.layers.convolution import Conv2D, DepthwiseConv2D, SeparableConv2D
from keras_classics.layers.data_format import channel_axis, channels_of, data_format_of
from keras_classics.layers.drop_path import ScheduledDropPath
from keras_classics.layers.export_mode import exporting
from keras_classics.layers.fused import FusedBatchNormalization, FusedConv2D
from keras_classics.layers.global_contrast_normalization import GlobalContrastNormalization
from keras_classics.layers.lenet import (
    ConstantPadding2D,
    RadialBasis,
    SparseConv2D,
    Subsampling2D,
    UnitBias,
    scaled_tanh,
)
from keras_classics.layers.local_response_normalization import LocalResponseNormalization
from keras_classics.layers.nesting import leaves
from keras_classics.layers.pooling import AveragePooling2D, HalvingAveragePooling2D, HalvingPadding2D, MaxPooling2D
from keras_classics.layers.provenance import Provenance

__all__ = [
    "AveragePooling2D",
    "BatchNormalization",
    "ChannelShuffle",
    "ConstantPadding2D",
    "Conv2D",
    "DepthwiseConv2D",
    "FusedBatchNormalization",
    "FusedConv2D",
    "GlobalContrastNormalization",
    "HalvingAveragePooling2D",
    "HalvingPadding2D",
    "LocalResponseNormalization",
    "MaxPooling2D",
    "Provenance",
    "RadialBasis",
    "ScheduledDropPath",
    "SeparableConv2D",
    "SparseConv2D",
    "Subsampling2D",
    "UnitBias",
    "channel_axis",
    "channels_of",
    "data_format_of",
    "exporting",
    "leaves",
    "scaled_tanh",
]
