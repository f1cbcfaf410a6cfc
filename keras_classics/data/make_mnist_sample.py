"""Makes `mnist_sample.npz` from MNIST: `python -m keras_classics.data.make_mnist_sample --data-dir <tfds folder>`."""

import argparse
import pathlib

import numpy as np

from keras_classics import datasets
from keras_classics.files import atomic_write

COUNTS = {"train": 600, "test": 100}  # digits of each class


def sample(mnist: datasets.Dataset, split: str) -> tuple[np.ndarray, np.ndarray]:
    """The first digits of each class in `split`, in their order there: images (N, 28, 28), labels (N,), both uint8."""
    images, labels = (np.stack(column) for column in zip(*mnist.split(split).as_numpy_iterator(), strict=True))
    first = np.sort(np.concatenate([np.flatnonzero(labels == c)[: COUNTS[split]] for c in range(10)]))
    return images[first, :, :, 0], labels[first].astype("uint8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", required=True, help="folder in which tensorflow-datasets keeps MNIST")
    mnist = datasets.load("mnist", parser.parse_args().data_dir)
    arrays = {}
    for split in COUNTS:
        arrays[f"{split}_images"], arrays[f"{split}_labels"] = sample(mnist, split)
    with atomic_write(pathlib.Path(__file__).with_name("mnist_sample.npz")) as path:
        np.savez_compressed(path, allow_pickle=False, **arrays)


if __name__ == "__main__":
    main()
