"""Published weights, and files of other frameworks, into our networks."""

import pathlib
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_classics.errors import ClassicsError
from keras_classics.files import atomic_write
from keras_classics.spec import InputProtocol
from keras_classics.weights.entries import DATASETS, Entry, entries_of, find
from keras_classics.weights.fetch import cache_folder, fetch, published
from keras_classics.weights.mapping import Mismatch, convert, put
from keras_classics.weights.read import carried_by, check_hdf5, check_zip, kind_of, read
from keras_classics.weights.tables import BGR, EPSILON, NAMES

Networks = Sequence[Callable[[], keras.Model]]  # the whole network; and with its auxiliary heads, if it has any


@dataclass(frozen=True)
class Converted:
    """A checkpoint in our shapes and RGB: arrays by "<layer>/<variable>", and the source whose names they had."""

    arrays: Mapping[str, np.ndarray]
    source: str


@dataclass(frozen=True)
class Checkpoint:
    """Where the weights of a network come from: an entry, a file, or a file that is an entry's; and their protocol,
    where it is known."""

    entry: Entry | None
    path: pathlib.Path | None = None
    protocol: InputProtocol | None = None

    @property
    def name(self) -> str:
        return str(self.path) if self.path else self.entry.tag if self.entry else ""

    @property
    def options(self) -> dict[str, Any]:
        """The form of the network that it needs."""
        return dict(self.entry.options) if self.entry else {}


def locate(
    weights: str | pathlib.Path, variant: str, dataset: str, defaults: Mapping[str, Any], chosen: Mapping[str, Any]
) -> Checkpoint:
    """What `weights` means: a data set, a source or its tag (see `find`), or else the path of a file.

    A file that is a public checkpoint, told by its sum, is as good as its tag.

    Raises:
        ClassicsError: if there is no such checkpoint and no such file, or it is of no known kind or another form.
    """
    words = {*DATASETS, *(word for e in entries_of(variant) for word in (e.tag, e.source))}
    path = pathlib.Path(weights)
    if weights in words or not (isinstance(weights, pathlib.Path) or path.exists() or path.suffix):
        entry = find(variant, dataset, str(weights), defaults, chosen)
        return Checkpoint(entry, None, entry.protocol)
    if kind_of(path) == "keras":
        return Checkpoint(None, path, carried_by(path))
    known = published(path, entries_of(variant))
    if known is None:
        return Checkpoint(None, path)
    find(variant, dataset, known.tag, defaults, chosen)  # which refuses another form
    return Checkpoint(known, path, known.protocol)


def load(model: keras.Model, checkpoint: Checkpoint, family: str, networks: Networks, fresh_head: bool) -> None:
    """Gives a model the weights of a checkpoint, in whatever form it was built.

    Args:
        model: the network, with or without its top, of any number of input channels.
        checkpoint: as `locate` found it.
        family: of the network.
        networks: what build the forms in which a checkpoint may hold the whole network.
        fresh_head: whether classifiers of another class count may start afresh, as a warning then says. Auxiliary heads
            that the checkpoint lacks do so in any case.

    Raises:
        ClassicsError: if the weights cannot be had, or are of another network.
    """
    if checkpoint.path is None and checkpoint.entry:
        converted = _of_entry(checkpoint.entry, family, networks)
    elif checkpoint.path and kind_of(checkpoint.path) == "keras":
        _load_own(model, checkpoint.path)
        return
    else:
        converted = _of_file(checkpoint.path, family, networks)
    _apply(model, converted, family, checkpoint.name, fresh_head)


DENSE_HINT = (
    " Its dense layers are bound to one image size: another needs weights of its own, or "
    "keras_classics.to_fully_convolutional of the network at the size of these."
)


def _load_own(model, path):
    """A file that Keras wrote of the same network."""
    check_zip(path) if zipfile.is_zipfile(path) else check_hdf5(path)
    try:
        model.load_weights(path)
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        reason = str(error).strip().splitlines()[0]
        raise ClassicsError(
            f"The weights in '{path}' do not fit {model.name} with output shape {model.output_shape}: {reason} "
            "Build the network as it was when they were written (classes, input_shape, options)." + _dense_hint(model)
        ) from error
    if not all(np.isfinite(array).all() for array in model.get_weights()):
        raise ClassicsError(f"'{path}' cannot be read. It holds numbers that are not finite.")


def _dense_hint(model):
    return DENSE_HINT if any(isinstance(layer, keras.layers.Flatten) for layer in model.layers) else ""


def _of_entry(entry: Entry, family: str, networks: Networks) -> Converted:
    """A public checkpoint, downloaded, checked and converted; or as it was converted before."""
    name = f"{entry.variant}-{entry.tag.replace('/', '-')}-{entry.digits[:8] or 'hub'}.npz"
    path = cache_folder() / "converted" / name
    if path.exists():
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = {key: archive[key] for key in archive.files}
            return Converted(arrays, str(arrays.pop("source")))
        except Exception:  # a damaged archive raises many kinds
            path.unlink()  # and it is converted anew
    converted = _of_file(fetch(entry), family, networks)
    with atomic_write(path) as temporary:
        np.savez(temporary, **converted.arrays, source=np.array(converted.source))  # type: ignore[arg-type]
    return converted


def _of_file(path, family: str, networks: Networks) -> Converted:
    """A file of another framework, by that of the family's tables whose names it has.

    Raises:
        ClassicsError: if it cannot be read, or is of another network; the message lists what is missing or left over.
    """
    layout = {"h5": "keras", "onnx": "caffe"}.get(kind_of(path), "torch")
    tensors = read(path)
    sources = [s for f, s in NAMES if f == family and {"keras": "keras", "caffe": "caffe"}.get(s, "torch") == layout]
    nearest: Mismatch | None = None
    for network in networks if sources else ():
        model = network()
        for source in sources:
            try:
                arrays = convert(model, tensors, NAMES[family, source], "keras" if layout == "keras" else "torch")
            except Mismatch as error:
                nearest = error if nearest is None or len(error.problems) < len(nearest.problems) else nearest
                continue
            if (family, source) in BGR:
                arrays = {key: _reversed(array) for key, array in arrays.items()}
            return Converted(arrays, source)
    reason = nearest or f"No source of this kind is known for {family}."
    raise ClassicsError(f"'{path}' does not fit: {reason}")


def _reversed(array):
    """The kernel of the layer that reads pixels, for the other order of their channels."""
    return array[:, :, ::-1] if array.ndim == 4 and array.shape[2] == 3 else array


def _apply(model, converted, family, name, fresh_head):
    arrays, fresh = {}, set()
    for layer in model.layers:
        for variable in layer.weights:
            key, shape = f"{layer.name}/{variable.path.rsplit('/', 1)[-1]}", tuple(variable.shape)
            if key not in converted.arrays:
                fresh.add(layer.name)
                continue
            array = converted.arrays[key]
            if array.shape[-1:] == (1001,) and shape[-1:] == (1000,):
                array = array[..., 1:]  # the first class of TensorFlow's networks is the background
            if array.shape != shape and array.ndim == 4 and array.shape[2] == 3 and shape[3:] == array.shape[3:]:
                array = _for_channels(array, shape[2])
            if fresh_head and array.shape != shape and array.shape[:-1] == shape[:-1]:
                fresh.add(layer.name)
                continue
            arrays[key] = array
    arrays = {key: array for key, array in arrays.items() if key.split("/")[0] not in fresh}
    try:
        put(model, arrays)
    except Mismatch as error:
        raise ClassicsError(f"The weights '{name}' do not fit: {error}{_dense_hint(model)}") from None
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization) and (family, converted.source) in EPSILON:
            layer.epsilon = EPSILON[family, converted.source]
    if fresh:
        warnings.warn(
            f"{model.name} has the weights '{name}' but for {', '.join(sorted(fresh))}, which start afresh.",
            stacklevel=5,
        )


def _for_channels(kernel, channels):
    """The first kernel for images that are not RGB: one channel sees the sum, others repeat the three in turn, scaled
    so that their sum stays."""
    if channels == 1:
        return kernel.sum(axis=2, keepdims=True)
    return np.take(kernel, np.arange(channels) % 3, axis=2) * (3 / channels)
