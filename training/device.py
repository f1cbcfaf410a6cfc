"""The device that a run computes on."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from keras_classics.errors import ClassicsError


def devices() -> list[str]:
    """The devices of this process as Keras names them, such as "cpu:0" and "gpu:1"."""
    backend = keras.config.backend()
    if backend == "torch":
        import torch

        return ["cpu:0", *(f"gpu:{i}" for i in range(torch.cuda.device_count()))]
    others = keras.distribution.list_devices()  # those of the best kind
    return list(dict.fromkeys([*keras.distribution.list_devices("cpu"), *others]))


@contextmanager
def on(device: str | None) -> Iterator[None]:
    """Inside, Keras computes on the device; None is Keras' own choice.

    Raises:
        ClassicsError: if there is none of that name, naming those there are.
    """
    if device is None:
        yield
        return
    known = devices()
    if device.lower() not in known:
        raise ClassicsError(
            f"There is no device '{device}' for {keras.config.backend()} here; there is {', '.join(known)}."
        )
    with keras.device(device.lower()):
        yield
