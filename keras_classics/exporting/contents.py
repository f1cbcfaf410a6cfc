"""What an export tells of itself, written into it; `runtimes` and `exported` read it."""

import json
import pathlib
import re
import zipfile
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace

import keras

from keras_classics import feed, preprocessing
from keras_classics.choices import EXPORT_SUFFIXES
from keras_classics.places import LABELS
from keras_classics.runtimes import EXTRA, FACTS
from keras_classics.zoo import variant_of


def facts_of(model: keras.Model, probabilities: bool, named: bool) -> str:
    """What an export of the model, whose outputs are probabilities or not and whose classes were `named` or not, tells
    of itself, as JSON; nothing where the model does not tell, takes no square pictures or has no classes."""
    known, protocol = preprocessing.provenance(model), preprocessing.protocol_of_answers(model)
    if known is None or protocol is None or not feed.has_classes(model) or not feed.is_square(model):
        return ""
    made = feed.feed_of(model, variant_of(model))
    told = {
        "name": model.name,
        "network": known.network,
        "form": known.form,
        "classes": model.output_shape[-1],
        "protocol": asdict(replace(protocol, class_names=(), assumed=protocol.assumed and not named)),
        "normalizes": made.normalization is None,
        "image_size": made.image_size,
        "channels": made.channels,
        "data_format": made.data_format,
        "probabilities": probabilities,
    }
    return json.dumps(told, indent=1) + "\n"


def add(path: pathlib.Path, labels: Sequence[str], facts: str, layers: Collection[str] = ()) -> None:
    """Writes the class names and the facts into an export, where there are any: a SavedModel has them in its folder
    assets.extra, a TFLite file as an archive behind the network, which readers of TFLite do not see, and an ONNX file
    as its metadata. Of an ONNX file also the input, the output and what is of the `layers` get readable names here."""
    texts = {LABELS: "".join(f"{label}\n" for label in labels), FACTS: facts}
    texts = {name: text for name, text in texts.items() if text}
    if path.is_dir():
        for name, text in texts.items():
            (path / EXTRA).mkdir(exist_ok=True)
            (path / EXTRA / name).write_text(text, "utf-8")
    elif path.suffix == EXPORT_SUFFIXES["onnx"]:
        _finish_onnx(path, texts, layers)
    elif texts:
        with zipfile.ZipFile(path, "a") as archive:
            for name, text in texts.items():
                archive.writestr(zipfile.ZipInfo(name), text)


def _finish_onnx(path: pathlib.Path, texts: dict[str, str], layers: Collection[str]) -> None:
    """Names input, output, batch and what is between them, and adds the texts as metadata."""
    import onnx

    network = onnx.load(path)
    graph = network.graph
    names = _readable(graph, layers)
    names |= {graph.input[0].name: "image", graph.output[0].name: "predictions"}
    for node in graph.node:
        node.name = _of_layer(node.name, layers)
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
        value.name = names.get(value.name, value.name)
    for value in (graph.input[0], graph.output[0]):
        if not value.type.tensor_type.shape.dim[0].dim_value:
            value.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.helper.set_model_props(network, texts)
    onnx.checker.check_model(network, full_check=True)
    onnx.save(network, path)


def _readable(graph, layers: Collection[str]) -> dict[str, str]:
    """New names of the graph's tensors: those of their layers, as long as each stays the only one of its name."""
    new = {name: _of_layer(name, layers) for node in graph.node for name in node.output}
    for weights in graph.initializer:
        kind = "kernel" if len(weights.dims) > 1 else "bias"
        new[weights.name] = re.sub(r"[^/]+/ReadVariableOp$", kind, _of_layer(weights.name, layers))
    taken = Counter(new.values())
    return {name: wanted for name, wanted in new.items() if taken[wanted] == 1}


def _of_layer(name: str, layers: Collection[str]) -> str:
    """A name of TensorFlow's from the layer on, without what tells one call of it from another: of
    "resnet20_1/conv1_conv_1/convolution:0" with the layer conv1_conv, "conv1_conv/convolution"."""
    parts = name.split("/")
    for i, part in enumerate(parts):
        layer = part if part in layers else re.sub(r"_\d+$", "", part)
        if layer in layers:
            return "/".join([layer, *parts[i + 1 :]]).removesuffix(":0")
    return name
