"""From here on Keras is imported: on which backend, and without its notices."""

import importlib.util
import os
import sys

from keras_classics.errors import ClassicsError
from keras_classics.quiet import quiet


def start(backend: str | None = None) -> None:
    """Chooses the backend, by default Keras' own choice, and keeps TensorFlow's notices from the terminal.

    Raises:
        ClassicsError: if the backend is not installed, or Keras runs on another already.
    """
    if backend is not None:
        check_installed(backend)
        if "keras" in sys.modules:
            import keras

            if keras.config.backend() != backend:
                raise ClassicsError(f"Keras runs on {keras.config.backend()} already, so not on {backend} as well.")
        os.environ["KERAS_BACKEND"] = backend
    quiet()


def check_installed(backend: str) -> None:
    """Raises a ClassicsError unless the backend's package is there."""
    if importlib.util.find_spec(backend) is None:
        raise ClassicsError(
            f"{backend} is not installed: python -m pip install 'keras-classics[{backend}]', or take another backend."
        )
