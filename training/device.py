"""The device that a run computes on."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

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


def check(device: str | None) -> None:
    """Raises a ClassicsError if there is no device of that name, naming those there are. None is Keras' own choice."""
    if device is None:
        return
    known = devices()
    if device.lower() not in known:
        raise ClassicsError(
            f"There is no device '{device}' for {keras.config.backend()} here; there is {', '.join(known)}."
        )


@contextmanager
def on(device: str | None) -> Iterator[None]:
    """Inside, Keras computes on the device; None is Keras' own choice.

    Raises:
        ClassicsError: as `check`.
    """
    check(device)
    with nullcontext() if device is None else keras.device(device.lower()):
        yield
