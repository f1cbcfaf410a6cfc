"""ResNeXt, whose layers the peers name as those of ResNet."""

from keras_classics.weights.mapping import Rules
from keras_classics.weights.tables import resnet

SOURCES: dict[str, Rules] = {source: resnet.SOURCES[source] for source in ("torchvision", "pytorchcv")}
