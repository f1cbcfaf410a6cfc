"""Keras' files: `.keras` and `.weights.h5`, and HDF5 as Keras 2 and keras.applications have it.

They hold a network, or a model with a network in it: in a `Sequential`, in a model of one's own, or with other layers
behind it. What is read is the part of the file with the most tensors, for that is the network.
"""

import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import h5py
import numpy as np

from keras_classics.errors import ClassicsError
from keras_classics.spec import SCALING, SCALING_LAYERS
from keras_classics.weights.archive import open_hdf5, open_zip
from keras_classics.weights.contents import Contents, Origin

Layer = tuple[str, str, list[np.ndarray]]  # the part of the file that it is in, its name and its arrays

WEIGHTS = "model.weights.h5"  # in a .keras file


def read_keras(path) -> Contents:
    """What `model.save("x.keras")` or `model.save_weights` wrote. Layers are found by their names, not by their order.

    Raises:
        ClassicsError: if the names are not in it, as before Keras 3.7.
    """
    size = path.stat().st_size
    with open(path, "rb") as file:
        if file.read(2) != b"PK":
            with open_hdf5(file, size) as h5:
                origins = _origins(h5)
                named = ((_class_named(kind), name) for kind, name in _classes(h5))
                prepared_by = _prepared_by(named, bool(origins), PREPARING_ANYWHERE)
                return _contents(list(_stored_layers(h5)), origins, prepared_by)
        with open_zip(file, size) as archive:
            config = archive.read("config.json").decode()
            weights = archive.read(WEIGHTS)
        with open_hdf5(io.BytesIO(weights), size) as h5:
            in_order = sorted(_stored_layers(h5), key=lambda layer: config.find(f'"name": "{layer[1]}"'))
            origins = _origins(h5)
            return _contents(in_order, origins, _prepared_by(_before_network(json.loads(config)), bool(origins)))


def _stored_layers(h5: h5py.File) -> Iterator[Layer]:
    """A layer is the group "<part>/layers/<class>_<number>"; a class's layers are counted in the model's order."""
    found = []

    def visit(place, item):
        match = re.fullmatch(r"((?:.*/)?)layers/([^/]+?)(?:_(\d+))?/vars", place)
        arrays = [key for key in item if key.isdecimal()] if match and isinstance(item, h5py.Group) else ()
        if match and arrays:
            if "name" not in item.attrs:
                raise ClassicsError(
                    "It does not name its layers, as Keras 3.7 and later do; save the model with those."
                )
            found.append((match[1], match[2], int(match[3] or 0), item))

    h5.visititems(visit)
    for part, _, _, group in sorted(found, key=lambda layer: layer[:3]):
        yield part, _text(group.attrs["name"]), [_array(group[key]) for key in sorted(group, key=int)]


def _array(dataset: h5py.Dataset) -> np.ndarray:
    if dataset.attrs.get("dtype") == "bfloat16":  # the upper half of a float32
        return (np.asarray(dataset).view("<u2").astype("<u4") << 16).view("<f4")
    return np.asarray(dataset)


def _origins(h5: h5py.File) -> list[Origin]:
    """What our own networks in the file tell, each once."""
    found = []

    def visit(place, item):
        if place.endswith("vars/provenance") and isinstance(item, h5py.Dataset):
            found.append(Origin.of(json.loads(bytes(np.asarray(item)))))

    h5.visititems(visit)
    return found


def _classes(h5: h5py.File) -> list[tuple[str, str]]:
    """The class and the name of every layer, of those without weights too."""
    found = []

    def visit(place, item):
        match = re.fullmatch(r"(?:.*/)?layers/([^/]+?)(?:_\d+)?/vars", place)
        if match and "name" in item.attrs:
            found.append((match[1], _text(item.attrs["name"])))

    h5.visititems(visit)
    return found


# What prepares pixels: what scales them, and what turns RGB into BGR.
PREPARING = (*SCALING, "GetItem")
# Of them what is taken for it where no configuration tells what stands before the network: additions are everywhere.
PREPARING_ANYWHERE = SCALING_LAYERS

# Of a network of ours, for what its pixels are is told; its own other layers of the kind are no preparation.
OWN_RESCALING = re.compile(r"normalization|negative_penalty|inception_resnet_\w+_scale")


def _class_named(kind: str) -> str:
    """The class that Keras' names for its layers come from: "true_divide" of TrueDivide."""
    return kind.title().replace("_", "")


def _prepared_by(layers: Iterable[tuple[str, str]], ours: bool, known: Sequence[str] = PREPARING) -> tuple[str, ...]:
    """Which of the known classes are among layers and operations, by their classes and names."""
    named = {kind for kind, name in layers if not (ours and kind == "Rescaling" and OWN_RESCALING.fullmatch(name))}
    return tuple(kind for kind in known if kind in named)


def _configured(config: Any) -> Iterator[tuple[str, str, bool]]:
    """The class and the name of whatever has both in a model's configuration, in order, and whether the network is
    there at the latest: at a kernel, or at a network of ours."""
    if isinstance(config, Mapping):
        if "class_name" in config:
            inner = config.get("config")
            inner = inner if isinstance(inner, Mapping) else {}
            kind = str(config["class_name"]).rpartition(">")[2]
            yield kind, str(inner.get("name", "")), kind == "Provenance" or "kernel_size" in inner
        for value in config.values():
            yield from _configured(value)
    elif isinstance(config, list):
        for value in config:
            yield from _configured(value)


def _before_network(config: Any) -> Iterator[tuple[str, str]]:
    """The class and the name of each layer and operation that stands before the network."""
    for kind, name, is_network in _configured(config):
        if is_network:
            return
        yield kind, name


def read_hdf5(path) -> Contents:
    """HDF5 as Keras 2 wrote it and Keras 3 still can: the layers' names are in it, those of variables changed."""
    with open(path, "rb") as file, open_hdf5(file, path.stat().st_size) as h5:
        root = h5["model_weights"] if "layer_names" not in h5.attrs and "layer_names0" not in h5.attrs else h5
        names = _attribute(root, "layer_names")
        layers = [layer for name in names for layer in _legacy_layers(name, root[name])]
        text = _text(h5.attrs.get("model_config", "null"))
        config = json.loads(text)
        origins = list(_configured_origins(config))
        if config is None:
            guessed = ((_class_named(re.sub(r"_\d+$", "", name)), name) for name in names)
            prepared_by = _prepared_by(guessed, bool(origins), PREPARING_ANYWHERE)
        else:
            prepared_by = _prepared_by(_before_network(config), bool(origins))
        return _contents(layers, origins, prepared_by)


def _legacy_layers(name: str, group: h5py.Group) -> Iterator[Layer]:
    """A layer, or those of a network that stands in a layer's place, which the names of its weights tell."""
    arrays: dict[str, list[np.ndarray]] = {}
    for path in _attribute(group, "weight_names"):
        owner = path.split("/")[-2] if "/" in path else name
        arrays.setdefault(owner, []).append(np.asarray(group[path]))
    if len(arrays) > 1:
        yield from ((f"{name}/", owner, values) for owner, values in arrays.items())
    else:
        yield from (("", name, values) for values in arrays.values())


def _attribute(group: h5py.Group, name: str) -> list[str]:
    """A list of names; Keras cuts long ones into "<name>0", "<name>1" and so on."""
    pieces = (
        [name]
        if name in group.attrs
        else [f"{name}{i}" for i in range(len(group.attrs)) if f"{name}{i}" in group.attrs]
    )
    return [_text(text) for piece in pieces for text in group.attrs[piece]]


def _configured_origins(config: Any) -> Iterator[Origin]:
    """What the layers of that kind tell in a model's configuration."""
    if isinstance(config, Mapping):
        if str(config.get("class_name")).endswith("Provenance"):
            yield Origin.of(config["config"])
        for value in config.values():
            yield from _configured_origins(value)
    elif isinstance(config, list):
        for value in config:
            yield from _configured_origins(value)


def _contents(layers: Sequence[Layer], origins: Sequence[Origin], prepared_by: tuple[str, ...]) -> Contents:
    parts: dict[str, list[tuple[str, list[np.ndarray]]]] = {}
    for part, name, arrays in layers:
        if arrays := [a for a in arrays if a.ndim]:  # the rest are counters
            parts.setdefault(part, []).append((name, arrays))
    if not parts:
        raise ClassicsError("It holds no layers with weights.")
    network = max(parts, key=lambda part: sum(len(arrays) for _, arrays in parts[part]))
    if len(origins) > 1 and any(origin != origins[0] for origin in origins):
        raise ClassicsError(f"It holds several networks: {', '.join(o.network for o in origins)}. Save the one alone.")
    inside = {name for name, _ in parts[network]}
    others = ({name for name, _ in part} for of, part in parts.items() if of != network)
    if len(inside) > 1 and inside in others:
        raise ClassicsError("It holds several networks of one form. Save the one alone.")
    names = _numbered_from_one([name for name, _ in parts[network]])
    tensors: dict[str, np.ndarray] = {}
    for name, arrays in parts[network]:
        for variable, array in zip(_variables(arrays), arrays, strict=True):
            if tensors.setdefault(f"{names[name]}.{variable}", array) is not array:
                raise ClassicsError(f"It holds the layer '{name}' twice.")
    beside = tuple(name for part, inside in parts.items() if part != network for name, _ in inside)
    return Contents(tensors, "keras", origins[0] if origins else None, beside, prepared_by)


def _numbered_from_one(layers: Sequence[str]) -> dict[str, str]:
    """Names that Keras made up, "conv2d_7", count the layers of a kind in a process; here they count the network's."""
    names = dict(zip(layers, layers, strict=True))
    for kind in ("conv2d", "batch_normalization"):
        made = [name for name in names if re.fullmatch(rf"{kind}(_\d+)?", name)]
        made.sort(key=lambda name: int(name.removeprefix(kind).strip("_") or 0))
        names.update({name: f"{kind}_{i}" for i, name in enumerate(made, 1)})
    return names


def _text(name) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


VARIABLES: Mapping[tuple[int, ...], tuple[str, ...]] = {
    (2,): ("kernel",),
    (4,): ("kernel",),
    (2, 1): ("kernel", "bias"),
    (4, 1): ("kernel", "bias"),
    (4, 4): ("depthwise_kernel", "pointwise_kernel"),
    (4, 4, 1): ("depthwise_kernel", "pointwise_kernel", "bias"),
    (1, 1, 1): ("beta", "moving_mean", "moving_variance"),
    (1, 1, 1, 1): ("gamma", "beta", "moving_mean", "moving_variance"),
}


def _variables(arrays: Sequence[np.ndarray]) -> tuple[str, ...]:
    """Keras' names of a layer's arrays, which their axes tell; of an unknown layer their places."""
    return VARIABLES.get(tuple(a.ndim for a in arrays), tuple(map(str, range(len(arrays)))))
