"""`Variant`: all that is known about one network, and the one place where a graph becomes a `keras.Model`."""

import inspect
import numbers
import pathlib
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import keras
import numpy as np

from keras_classics import complexity, preprocessing
from keras_classics.blocks import global_pool_head, pool
from keras_classics.errors import ClassicsError, KeptClassifier, unknown
from keras_classics.initializers import seeded
from keras_classics.layers import Provenance
from keras_classics.rematerialization import Rematerialized
from keras_classics.spec import CLASSES, TRAINING_OPTIONS, InputProtocol, Normalization, Paper, Reported, Row, plain
from keras_classics.weights.load import load
from keras_classics.weights.locate import locate


@contextmanager
def deep_graph() -> Iterator[None]:
    """Room for Keras to walk a graph of thousands of layers, which it does by recursion, such as ResNet-1202's."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 20_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def settle(model: keras.Model) -> None:
    """What is due when weights were given to a model's layers one by one: Keras' `Normalization` computes with numbers
    made from its weights, and makes them again only when told."""
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()


@dataclass(frozen=True, repr=False)
class Variant:
    """A network of a paper. Calling the record builds the model; reading it answers.

    Records can be pickled: their functions are those of modules, or partial ones. They are equal if all but the
    functions is, for two equal partial functions are not.

    Attributes:
        name: the model's name, in snake_case.
        family: the module in `keras_classics.models` that holds it.
        paper: where it was published.
        protocol: how a picture becomes what the network reads, and of which data set its classes are.
        channels: of the input.
        params: trainable parameters, with the defaults.
        macs: multiply-adds of its convolutions and dense layers for one image, with the defaults.
        features: maps an image tensor to a feature tensor; or to that and a dict of taps, the tensors that the
            auxiliary heads read, by the heads' names "aux_1", "aux_2".
        head: maps features, a class count and an activation to the output.
        aux_head: maps a tap, a class count, an activation and the head's name to its output; None without such heads.
        aux_weights: of the auxiliary heads' losses, in order; that of the predictions is 1.
        aux_min_size: the smallest input side at which the auxiliary heads fit.
        classifier_activation: the paper's activation of the last layer.
        min_size: the smallest input side that the network can take, in pixels.
        bound_to_size: what has other weights at another input size, and none at an unknown one: the "top", "all" of
            the network, or nothing (None).
        beyond_float16: where the initial weights make numbers that float16 cannot hold, what to do about it.
        vary: makes the record of another form that the paper describes, from the options that it names.
        reported: errors in the paper.
        table: the paper's table of layers.
        departures: where the code knowingly differs from the paper, or settles what the paper leaves open.
        chosen: the options that this form was made with.
    """

    name: str
    family: str
    paper: Paper
    protocol: InputProtocol
    params: int | None
    macs: int | None
    features: Callable[[Any], Any] = field(compare=False)
    head: Callable[[Any, int, Any], Any] = field(default=global_pool_head, compare=False)
    aux_head: Callable[[Any, int, Any, str], Any] | None = field(default=None, compare=False)
    aux_weights: tuple[float, ...] = ()
    aux_min_size: int = 0
    classifier_activation: str | Callable | None = "softmax"
    channels: int = 3
    min_size: int = 32
    bound_to_size: str | None = None
    beyond_float16: str | None = None
    vary: Callable[..., "Variant"] | None = field(default=None, compare=False)
    reported: tuple[Reported, ...] = ()
    table: tuple[Row, ...] = ()
    departures: tuple[str, ...] = ()
    chosen: tuple[tuple[str, Any], ...] = ()

    @property
    def dataset(self) -> str:
        """What it was made for, by its name in tensorflow-datasets; it gives the default class count."""
        return self.protocol.dataset

    @property
    def image_size(self) -> int:
        """Side of the square input, in pixels."""
        return self.protocol.image_size

    @property
    def resize_size(self) -> int:
        """To what a picture's shorter side is resized before the centre square is taken, in pixels; with
        `protocol.squash` each side."""
        return self.protocol.resize_size

    @property
    def normalization(self) -> Normalization:
        """What the network expects to have been done to pixels of 0..255."""
        return self.protocol.normalization

    @property
    def classes(self) -> int:
        """The class count of the data set that the network was made for."""
        return CLASSES[self.dataset]

    @property
    def loss_weights(self) -> dict[str, float]:
        """The weights of the outputs' losses with `aux_heads=True`, by the outputs' names."""
        return {"predictions": 1.0, **{f"aux_{i}": weight for i, weight in enumerate(self.aux_weights, 1)}}

    @property
    def options(self) -> dict[str, Any]:
        """The options that the paper varies, with their defaults."""
        parameters = inspect.signature(self.vary).parameters.values() if self.vary else ()
        return {p.name: p.default for p in parameters}

    @property
    def form(self) -> dict[str, Any]:
        """The options that weights and answers depend on, as JSON holds them."""
        options = {**self.options, **dict(self.chosen)}
        return {name: plain(value) for name, value in options.items() if name not in TRAINING_OPTIONS}

    @property
    def stages(self) -> dict[str, int]:
        """The last layer of each stage, with the stage's stride in input pixels; see `complexity.stages`. Each asking
        builds the network anew."""
        return complexity.stages(self(include_top=False))

    def __repr__(self) -> str:
        return f"<{self.name}: {self.paper.authors} {self.paper.year}, {self.dataset}>"

    def with_options(self, **options) -> "Variant":
        """The record of another form of the network, such as `kc.ResNet34.with_options(shortcut="A")`.

        Raises:
            ClassicsError: if the network has no option of that name, or the value is none that it can have.
        """
        # Files have no place for NumPy's scalars.
        options = {name: value.item() if isinstance(value, np.generic) else value for name, value in options.items()}
        for option, value in options.items():
            if option in _OTHER_WORDS and option not in self.options:
                raise ClassicsError(f"{self.name} has no option '{option}'; use {_OTHER_WORDS[option]}.")
            if option not in self.options:
                raise unknown(f"option of {self.name}", option, [*self.options, *_BUILDER_ARGUMENTS])
            _check_kind(option, value, type(self.options[option]))
        chosen = {**dict(self.chosen), **options}
        if not self.vary or chosen == dict(self.chosen):
            return self
        return replace(self.vary(**chosen), chosen=tuple(chosen.items()))

    def __call__(
        self,
        include_top: bool = True,
        weights: str | pathlib.Path | None = None,
        input_tensor=None,
        input_shape: tuple[int | None, ...] | None = None,
        pooling: str | None = None,
        classes: int | None = None,
        classifier_activation: str | Callable | None = "default",
        name: str | None = None,
        *,
        aux_heads: bool = False,
        include_preprocessing: bool = False,
        seed: int | None = None,
        remat: bool = False,
        **options,
    ) -> keras.Model:
        """Builds the network. The arguments are those of `keras.applications`, in their order, and a few more.

        Args:
            include_top: whether to end in the classifier.
            weights: None for the paper's initialisation. "imagenet" (or "cifar10", "cifar100", "svhn", "mnist") for the
                public checkpoint of this form with the lowest published error, where those judged at the network's own
                image size come before others, and then those that may be used commercially; a source ("keras",
                "torchvision", "timm", "pytorchcv", "onnx", "idelbayev"; "keras_classics" for what lies in this package)
                or one of its tags ("torchvision/IMAGENET1K_V1") for another, whose form of the network is then built.
                "hf-hub:timm/<name>" for any repository of timm on the Hugging Face hub whose network this is: where no
                tag has it, its config.json tells the pixels and the classes. Or a file, with the classifier or without:
                of this network that Keras wrote (`.keras`, `.weights.h5`), or of those sources' kinds (torch,
                safetensors, HDF5, ONNX). It tells its form and its pixels; where it may be of several checkpoints, a
                warning says as which it was taken, and "torchvision/IMAGENET1K_V1:<path>" chooses.
            input_tensor: a Keras tensor to build upon, instead of a new input.
            input_shape: (H, W, C) or (C, H, W), by `keras.config.image_data_format()`, without the batch.
            pooling: without the top: None for feature maps, "avg" or "max" for a vector. Unused with it.
            classes: the number of classes; by default those of the checkpoint, or of the paper's data set. Where the
                weights have another number, or no classifier, and this is given, the classifier starts afresh.
            classifier_activation: of the last layer; None for logits. By default the paper's: softmax but for
                LeCun1989.
            name: of the model; by default the record's.
            aux_heads: whether to add the paper's auxiliary classifiers; the outputs are then a dict, "predictions",
                "aux_1", "aux_2", whose losses `loss_weights` weighs. Without them the other layers are the same.
            include_preprocessing: whether the model itself normalises, and so takes pixels of 0..255.
            seed: of the initial weights; the same seed gives the same weights on every backend.
            remat: whether a training step keeps few maps for the gradient and computes the others again, in less memory
                and more time; see `rematerialization`. The answers and the weights are the same.
            **options: what the paper varies; see `options`.

        Returns:
            A functional `keras.Model` with output shape (N, classes).

        Raises:
            ClassicsError: for an unknown option, a shape or a class count that the network cannot take, auxiliary heads
                that do not exist or do not fit, or weights that are missing or of another network.
        """
        _check_bools(
            include_top=include_top, aux_heads=aux_heads, include_preprocessing=include_preprocessing, remat=remat
        )
        self._check_request(include_top, aux_heads, pooling, classes, seed)
        checkpoint = None
        form = self.with_options(**options)
        if weights is not None:
            checkpoint = locate(weights, form)
            form = form.with_options(**checkpoint.options)
        fresh_head = classes is not None
        if classes is None:
            classes = (checkpoint.classes if checkpoint else None) or form.classes
        classes = int(classes)
        if classifier_activation == "default":
            classifier_activation = form.classifier_activation
        _check_activation(classifier_activation)
        protocol = (checkpoint and checkpoint.protocol) or replace(form.protocol, assumed=True)
        unnamed = replace(protocol, class_names=(), dataset="", classifier="", assumed=False)
        if form.beyond_float16 and not checkpoint and keras.config.dtype_policy().compute_dtype == "float16":
            warnings.warn(
                f"{form.name} starts with numbers that float16 cannot hold, and so gives NaN; {form.beyond_float16}.",
                stacklevel=2,
            )

        with seeded(None if seed is None else int(seed)):
            inputs, x = form._inputs(input_tensor, input_shape, include_top)
            if aux_heads:
                form._check_aux_fit(x.shape[1:])
            x = Provenance(form.name, form.form, protocol if include_top else unnamed, name="provenance")(x)
            if include_preprocessing:
                x = preprocessing.normalization_layer(protocol.normalization, x)
            x = form.features(x)
            x, taps = x if isinstance(x, tuple) else (x, {})
            features = x
            x = form.head(x, classes, classifier_activation) if include_top else pool(x, pooling)
            if aux_heads and form.aux_head:
                aux = {n: form.aux_head(tap, classes, classifier_activation, n) for n, tap in taps.items()}
                x = {"predictions": x, **aux}
            with deep_graph():
                model = (Rematerialized if remat else keras.Model)(inputs, x, name=name or form.name)
        if checkpoint:
            with deep_graph():
                body = {layer.name for layer in keras.Model(inputs, features).layers}
            with_aux = partial(form, aux_heads=True) if form.aux_head and not aux_heads else None
            fresh = load(model, checkpoint, form.family, body, with_aux, fresh_head)
            # What the file's classes are called is not what other classes are.
            if any(not name.startswith("aux_") for name in fresh):
                model.get_layer("provenance").protocol = unnamed
            elif fresh_head and include_top and (protocol.class_names or classes == CLASSES.get(protocol.dataset)):
                warnings.warn(
                    f"{form.name} keeps the classifier of '{checkpoint.name}' and the names of its classes, because "
                    f"that has {classes} classes too. If yours are others, take include_top=False and put a classifier "
                    "of your own behind it.",
                    KeptClassifier,
                    stacklevel=2,
                )
        return model

    def _check_request(self, include_top, aux_heads, pooling, classes, seed):
        if aux_heads and self.aux_head is None:
            raise ClassicsError(f"{self.name} has no auxiliary heads; leave `aux_heads` False.")
        if aux_heads and not include_top:
            raise ClassicsError(
                "Auxiliary heads are classifiers, as the top is; leave `aux_heads` False with `include_top=False`."
            )
        if pooling not in (None, "avg", "max"):
            raise unknown("pooling", pooling, ("avg", "max"))
        if classes is not None and not (_is_integer(classes) and classes >= 1):
            raise ClassicsError(f"`classes` must be a positive integer, not {classes!r}.")
        if seed is not None and not (_is_integer(seed) and seed >= 0):
            raise ClassicsError(f"`seed` must be an integer of at least 0, not {seed!r}.")

    def _inputs(self, input_tensor, input_shape, include_top):
        """The model's input and the tensor to build upon."""
        if input_tensor is not None:
            if not keras.utils.is_keras_tensor(input_tensor):
                raise ClassicsError("`input_tensor` must be a Keras tensor, such as `keras.Input` returns.")
            shape = tuple(input_tensor.shape[1:])
            self._check_shape(shape, include_top)
            if input_shape is not None and tuple(input_shape) != shape:
                raise ClassicsError(f"`input_tensor` has the shape {shape}; leave out `input_shape={input_shape}`.")
            sources = keras.utils.get_source_inputs(input_tensor)
            return sources[0] if len(sources) == 1 else sources, input_tensor
        if input_shape is None:
            size = self.image_size if include_top or self.bound_to_size == "all" else None
            input_shape = (size, size, self.channels)
            if keras.config.image_data_format() == "channels_first":
                input_shape = (self.channels, size, size)
        self._check_shape(input_shape, include_top)
        inputs = keras.Input(input_shape, name="image")
        return inputs, inputs

    def _check_aux_fit(self, shape):
        sides = shape[:2] if keras.config.image_data_format() == "channels_last" else shape[1:]
        if any(side is None or side < self.aux_min_size for side in sides):
            raise ClassicsError(
                f"The auxiliary heads of {self.name} need images of a known size of at least "
                f"{self.aux_min_size}x{self.aux_min_size} pixels; the input shape is {tuple(shape)}."
            )

    def _check_shape(self, shape, include_top):
        last = keras.config.image_data_format() == "channels_last"
        order = "(height, width, channels)" if last else "(channels, height, width)"
        if not isinstance(shape, tuple | list) or len(shape) != 3:
            raise ClassicsError(f"{self.name} takes an input shape {order}, without the batch, not {shape!r}.")
        if not all(size is None or _is_integer(size) for size in shape):
            raise ClassicsError(f"An input shape {order} has integers, and None for an unknown side; not {shape}.")
        *sides, channels = shape if last else (*shape[1:], shape[0])
        turned = (*shape[1:], shape[0]) if last else (shape[2], *shape[:2])
        few, *others = turned[::-1] if last else turned
        if few in range(1, 5) and all(size is None or size > 4 for size in others):
            raise ClassicsError(
                f"The image data format is {keras.config.image_data_format()}: the input shape must be {turned}, which "
                f"is {order}, not {tuple(shape)}."
            )
        if not channels or channels < 1:
            raise ClassicsError(
                f"{self.name} needs a known number of channels in its input shape {order}, not {shape}."
            )
        if None in sides and (self.bound_to_size == "all" or (include_top and self.bound_to_size == "top")):
            without = ", or `include_top=False`" if self.bound_to_size == "top" else ""
            raise ClassicsError(
                f"{self.name} needs a known height and width, such as {self.image_size}{without}; the input shape is "
                f"{tuple(shape)}."
            )
        if any(side is not None and side < self.min_size for side in sides):
            raise ClassicsError(
                f"{self.name} takes images of at least {self.min_size}x{self.min_size} pixels; the input shape {order} "
                f"is {tuple(shape)}."
            )


def _is_integer(value) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


# What an option can be, by the type of its default, and how that is said. A cell is checked where it is built.
_KINDS: dict[type, tuple[type, str]] = {
    bool: (bool, "True or False"),
    int: (int, "an integer"),
    float: (numbers.Real, "a number"),
    str: (str, "a string"),
}


def _check_kind(option, value, of_default):
    kind, said = _KINDS.get(of_default, (object, ""))
    if not isinstance(value, kind) or (isinstance(value, bool) and kind in (int, numbers.Real)):
        raise ClassicsError(f"`{option}` must be {said}, not {value!r}.")


def _check_bools(**arguments):
    for name, value in arguments.items():
        if not isinstance(value, bool | np.bool_):
            raise ClassicsError(f"`{name}` must be True or False, not {value!r}.")


def _check_activation(activation):
    try:
        keras.activations.get(activation)
    except ValueError:
        names = (name for name, function in vars(keras.activations).items() if inspect.isfunction(function))
        raise unknown("activation", activation, sorted({*names} - {"serialize", "deserialize", "get"})) from None


# What the builders of other libraries call our arguments.
_OTHER_WORDS = {
    "num_classes": "`classes=`",
    "pretrained": '`weights="imagenet"`',
    "in_chans": "`input_shape=(height, width, channels)`",
    "img_size": "`input_shape=(height, width, channels)`",
    "input_size": "`input_shape=(height, width, channels)`",
    "global_pool": "`pooling=`",
    "aux_logits": "`aux_heads=`",
}

_BUILDER_ARGUMENTS = [
    name
    for name, parameter in inspect.signature(Variant.__call__).parameters.items()
    if name != "self" and parameter.kind is not parameter.VAR_KEYWORD
]
