"""One run of pytest is one backend. On tensorflow, the default, it starts the others: see test_backends.py."""

import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import pytest

BACKEND = keras.config.backend()
MARKER = {"tensorflow": None, "numpy": "structure"}.get(BACKEND, "every_backend")

# Real data that a machine may hold: folders of tensorflow-datasets, and public checkpoints.
SHARED = pathlib.Path(os.environ.get("KERAS_CLASSICS_SHARED", pathlib.Path(__file__).parents[2] / "shared"))


def pytest_collection_modifyitems(config, items):
    """Keeps the tests of this backend: on tensorflow all that are not marked for numpy, elsewhere the marked ones."""

    def kept(item):
        if MARKER is None:
            return item.get_closest_marker("structure") is None
        return item.get_closest_marker(MARKER) is not None

    config.hook.pytest_deselected(items=[item for item in items if not kept(item)])
    items[:] = [item for item in items if kept(item)]


@pytest.fixture
def tfds_dir():
    """The folder of tensorflow-datasets with real MNIST and CIFAR-10."""
    folder = SHARED / "data" / "tfds"
    if not (folder / "mnist").is_dir() or not (folder / "cifar10").is_dir():
        pytest.skip("no prepared MNIST and CIFAR-10 on this machine (KERAS_CLASSICS_SHARED names their place)")
    return folder


@pytest.fixture
def channels_first():
    """The other image data format, where the backend can run it."""
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


@pytest.fixture(scope="session")
def picture_folder(tmp_path_factory):
    """A data set of 10 classes as folders of pictures: 8 digits a class to train on and 4 to test."""
    import numpy as np
    import PIL.Image

    from keras_classics import datasets

    root = tmp_path_factory.mktemp("pictures")
    sample = datasets.load("mnist_sample")
    for split, count in (("train", 8), ("test", 4)):
        seen = dict.fromkeys(range(10), 0)
        for image, label in sample.split(split).as_numpy_iterator():
            if seen[int(label)] < count:
                path = root / split / f"digit_{label}" / f"{seen[int(label)]}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                PIL.Image.fromarray(np.asarray(image)[..., 0]).save(path)
                seen[int(label)] += 1
    return root
