"""Published weights, and files of any kind, into our networks."""

import warnings
from collections.abc import Callable, Collection, Mapping

import keras
import numpy as np

from keras_classics.errors import ClassicsError
from keras_classics.layers import Provenance
from keras_classics.weights.checkpoint import Checkpoint, converted, source_of, tables_of
from keras_classics.weights.mapping import Conversion, Mismatch, key_of, peer_name, put, readable, weighted_layers
from keras_classics.weights.read import KINDS
from keras_classics.weights.tables import BGR, EPSILON


def load(
    model: keras.Model,
    checkpoint: Checkpoint,
    family: str,
    body: Collection[str],
    with_aux: Callable[[], keras.Model] | None,
    fresh_head: bool,
) -> set[str]:
    """Gives a model the weights of a checkpoint, in whatever form it was built.

    Args:
        model: the network, with or without its top, of any number of input channels.
        checkpoint: as `locate` found it.
        family: of the network.
        body: the names of the layers that are not of the top.
        with_aux: builds the whole network with its auxiliary heads, if it has any and the model does not.
        fresh_head: whether classifiers that the checkpoint lacks, or of another class count, may start afresh, as a
            warning then says. Auxiliary heads that it lacks do so in any case.

    Returns:
        The names of the layers that start afresh.

    Raises:
        ClassicsError: if the weights are not of this network.
    """
    table, conversion = _fitted(model, checkpoint, family, body, with_aux, fresh_head)
    arrays = conversion.arrays
    if (family, table) in BGR:
        arrays = {key: _reversed(array) for key, array in arrays.items()}
    arrays, fresh = _matched(model, arrays, fresh_head, background=checkpoint.contents.origin is None)
    try:
        put(model, arrays)
    except Mismatch as error:
        if count := _other_classes(model, arrays, body):
            raise ClassicsError(
                f"'{checkpoint.name}' holds {model.name} with {count} classes; give classes={count}."
            ) from None
        problems = "; ".join(error.problems[:8])
        raise ClassicsError(
            f"The weights '{checkpoint.name}' do not fit {model.name}: {problems}.{_dense_hint(model)}"
        ) from None
    origin = checkpoint.contents.origin
    set_epsilon(model, origin.epsilon if origin else EPSILON.get((family, table)))
    notes = list(checkpoint.notes)
    if fresh:
        left = sorted({name.rpartition(".")[0] for name in conversion.left} | set(checkpoint.contents.beside))
        notes.append(
            f"{model.name} has the weights '{checkpoint.name}' but for {', '.join(sorted(fresh))}, which start afresh."
            + (f" The file's own {', '.join(left)} is left out." if left else "")
        )
    for note in notes:
        warnings.warn(note, stacklevel=3)
    return fresh


def _other_classes(model, arrays: Mapping[str, np.ndarray], body: Collection[str]) -> int | None:
    """The class count of the arrays, if they fit a model but for that."""
    counts = set()
    for layer in weighted_layers(model):
        for variable in layer.weights:
            array, shape = arrays.get(key_of(layer, variable)), tuple(variable.shape)
            if array is not None and array.shape != shape:
                if layer.name in body or array.shape[:-1] != shape[:-1]:
                    return None
                counts.add(array.shape[-1])
    return counts.pop() if len(counts) == 1 else None


DENSE_HINT = (
    " Its dense layers are bound to one image size: another needs weights of its own, or "
    "keras_classics.to_fully_convolutional of the network at the size of these."
)


def _dense_hint(model):
    return DENSE_HINT if any(isinstance(layer, keras.layers.Flatten) for layer in model.layers) else ""


def _fitted(model, checkpoint: Checkpoint, family, body, with_aux, fresh_head) -> tuple[str, Conversion]:
    """The table by which the tensors are those of the network, and what they are by it."""
    nearest: Conversion | None = None
    tops = [layer.name for layer in weighted_layers(model) if layer.name not in body]
    for network in (lambda: model, with_aux):
        built = network() if network else None
        for table, rules in checkpoint.tables.items() if built else ():
            conversion = converted(built, checkpoint.contents, rules)
            lacking = [name for name in conversion.missing if not name.startswith("aux_")]
            headless = not tops or (fresh_head and bool(lacking))
            if all(name in tops and fresh_head for name in lacking) and (
                not conversion.left or (headless and conversion.behind)
            ):
                return table, conversion
            if nearest is None or len(conversion.problems) < len(nearest.problems):
                nearest = conversion
    assert nearest is not None  # there is a table
    raise _misfit(model, checkpoint, family, nearest, tops)


def _misfit(model, checkpoint: Checkpoint, family, nearest: Conversion, tops) -> ClassicsError:
    """What to say of tensors that are not those of the network."""
    contents = checkpoint.contents
    lacking = [name for name in nearest.missing if not name.startswith("aux_")]
    if lacking and set(lacking) <= set(tops) and (not nearest.left or nearest.behind):
        return ClassicsError(
            f"'{checkpoint.name}' holds {model.name} without its classifier ({', '.join(lacking)}). Give "
            "`include_top=False`, or `classes` for a classifier that starts afresh."
        )
    if len(nearest.arrays) > len(nearest.problems):
        return ClassicsError(f"'{checkpoint.name}' does not fit: {Mismatch(model.name, nearest.problems)}")
    first = weighted_layers(model)[0].name
    tables = checkpoint.tables if contents.origin else tables_of(family, contents)
    names = {source_of(table): peer_name(first, rules) for table, rules in tables.items()}
    expected = [f"'{readable(name)}' ({source})" for source, name in names.items() if name]
    held = ", ".join(f"'{name}'" for name in contents.layers[:4])
    return ClassicsError(
        f"'{checkpoint.name}' holds no weights of {model.name}: expected are layers such as {' or '.join(expected)}, "
        f"and it has {held}. Read are {', '.join(KINDS.values())}."
    )


def _reversed(array):
    """The kernel of the layer that reads pixels, for the other order of their channels."""
    return array[:, :, ::-1] if array.ndim == 4 and array.shape[2] == 3 else array


def _matched(
    model, known: Mapping[str, np.ndarray], fresh_head, background: bool
) -> tuple[dict[str, np.ndarray], set[str]]:
    """The arrays for the model's class count and channels, and the layers that start afresh. With `background` the
    first of 1001 classes is that, as in TensorFlow's networks, and goes where 1000 are wanted."""
    arrays, fresh = {}, set()
    for layer in weighted_layers(model):
        for variable in layer.weights:
            key, shape = key_of(layer, variable), tuple(variable.shape)
            if key not in known:
                fresh.add(layer.name)
                continue
            array = known[key]
            if background and array.shape[-1:] == (1001,) and shape[-1:] == (1000,):
                array = array[..., 1:]
            if array.shape != shape and array.ndim == 4 and array.shape[2] == 3 and shape[3:] == array.shape[3:]:
                array = _for_channels(array, shape[2])
            if fresh_head and array.shape != shape and array.shape[:-1] == shape[:-1]:
                fresh.add(layer.name)
                continue
            arrays[key] = array
    return {key: array for key, array in arrays.items() if key.split("/")[0] not in fresh}, fresh


def set_epsilon(model, epsilon: float | None):
    """That of a source's batch norms, where it is not ours; the model remembers it."""
    for layer in model.layers if epsilon else ():
        if isinstance(layer, keras.layers.BatchNormalization | Provenance):
            layer.epsilon = epsilon


def _for_channels(kernel, channels):
    """The first kernel for images that are not RGB: one channel sees the sum, others repeat the three in turn, scaled
    so that their sum stays."""
    if channels == 1:
        return kernel.sum(axis=2, keepdims=True)
    return np.take(kernel, np.arange(channels) % 3, axis=2) * (3 / channels)
