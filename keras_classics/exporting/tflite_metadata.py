"""What a TFLite file tells Android's tools: what its pixels are, and where its labels.

The schema is TensorFlow Lite's metadata_schema.fbs, of which a classifier of pictures needs little: MediaPipe's
ImageClassifier and the Task Library read it, and take the labels from the archive behind the network.
"""

import pathlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras_classics.spec import Normalization

NAME = "TFLITE_METADATA"
IDENTIFIER = b"M001"
PARSER_VERSION = "1.0.0"  # the least that a reader must have
RGB, GREY = 1, 2  # of ColorSpaceType
IMAGE_PROPERTIES, NORMALIZATION_OPTIONS = 2, 1  # of the unions ContentProperties and ProcessUnitOptions
TENSOR_AXIS_LABELS = 2  # of AssociatedFileType


@dataclass(frozen=True)
class Byte:
    """A number of one byte, as enumerations and the kinds of unions are."""

    value: int


Table = dict[int, Any]  # the values by their places in the schema: strings, bytes, floats, tables, lists of the like


def add_metadata(path: pathlib.Path, name: str, normalization: Normalization, labels_file: str | None) -> None:
    """Writes it into a TFLite file of a classifier.

    Args:
        path: of the file, without an archive behind it.
        name: of the network.
        normalization: what remains to be done to pixels of 0..255, a value a channel.
        labels_file: under which name the archive will have the class names, if it will.
    """
    from tensorflow.lite.python import schema_py_generated as schema
    from tensorflow.lite.tools import flatbuffer_utils

    network = flatbuffer_utils.read_model(str(path))
    buffer = schema.BufferT()
    buffer.data = list(_encoded(_described(name, normalization, labels_file)))
    entry = schema.MetadataT()
    entry.name, entry.buffer = NAME, len(network.buffers)
    network.buffers.append(buffer)
    network.metadata = [*(network.metadata or ()), entry]
    flatbuffer_utils.write_model(network, str(path))


def _described(name: str, normalization: Normalization, labels_file: str | None) -> Table:
    """ModelMetadata, with the places of the schema's fields."""
    colours = GREY if len(normalization.mean) == 1 else RGB
    image = {
        0: "image",
        1: "The picture's pixels, fitted to the input's size.",
        3: {0: Byte(IMAGE_PROPERTIES), 1: {0: Byte(colours)}},
        4: [{0: Byte(NORMALIZATION_OPTIONS), 1: {0: list(normalization.mean), 1: list(normalization.std)}}],
    }
    scores: Table = {0: "predictions", 1: "A score for each class."}
    if labels_file:
        scores[6] = [{0: labels_file, 1: "The class names.", 2: Byte(TENSOR_AXIS_LABELS)}]
    return {0: name, 3: [{2: [image], 3: [scores]}], 7: PARSER_VERSION}


def _encoded(table: Table) -> bytes:
    import flatbuffers

    builder = flatbuffers.Builder()
    builder.Finish(_write(builder, table), IDENTIFIER)
    return bytes(builder.Output())


def _write(builder, value: Any) -> int:
    """Where in the buffer a string, a list or a table begins."""
    if isinstance(value, str):
        return builder.CreateString(value)
    if isinstance(value, list):
        return _write_list(builder, value)
    written = {place: part if isinstance(part, Byte) else _write(builder, part) for place, part in value.items()}
    builder.StartObject(max(value) + 1)
    for place, part in written.items():
        if isinstance(part, Byte):
            builder.PrependInt8Slot(place, part.value, 0)
        else:
            builder.PrependUOffsetTRelativeSlot(place, part, 0)
    return builder.EndObject()


def _write_list(builder, values: Sequence) -> int:
    """Of floats, or of what else is written before them."""
    floats = isinstance(values[0], float)
    parts = values if floats else [_write(builder, value) for value in values]
    builder.StartVector(4, len(parts), 4)
    for part in reversed(parts):
        (builder.PrependFloat32 if floats else builder.PrependUOffsetTRelative)(part)
    return builder.EndVector()
