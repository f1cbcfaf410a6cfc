"""What is done to a batch and its labels, pixel by pixel."""

import numpy as np
import pytest

import keras_classics as kc
from keras_classics import datasets
from training import get_recipe, train_batches
from training.augment import CutMix, MixUp

CLASSES = 12
OPERATIONS = [MixUp(0.4), CutMix(1.0)]


def coloured(height=16, width=20):
    """An image a class in a colour of its own: the class' channel is 1. A mean over the pixels is then the label."""
    labels = np.eye(CLASSES, dtype="float32")
    return np.broadcast_to(labels[:, None, None, :], (CLASSES, height, width, CLASSES)), labels


def results(operation, count=30):
    images, labels = coloured()
    for i in range(count):
        yield tuple(t.numpy() for t in operation(images, labels, (7, i)))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: type(o).__name__)
def test_labels_are_the_shares_of_the_pixels(operation):
    for images, labels in results(operation):
        assert images.shape == (CLASSES, 16, 20, CLASSES)
        np.testing.assert_allclose(images.mean((1, 2), dtype="float64"), labels, atol=1e-6)
        np.testing.assert_allclose(labels.sum(1), 1.0, atol=1e-6)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: type(o).__name__)
def test_the_seed_decides(operation):
    (one, two), (again, _) = list(results(operation, 2)), list(results(operation, 2))
    np.testing.assert_array_equal(one[0], again[0])
    np.testing.assert_array_equal(one[1], again[1])
    assert not np.array_equal(one[0], two[0])


def test_mix_up_averages_whole_images_with_weights_of_a_beta_distribution():
    weights = []
    for images, labels in results(MixUp(0.4), 200):
        assert np.ptp(images, axis=(1, 2)).max() == 0
        weights += list(labels.diagonal()[(labels > 0).sum(1) > 1])
    assert len(weights) > 1000
    np.testing.assert_allclose([np.mean(weights), np.var(weights)], [0.5, 0.25 / 1.8], atol=0.02)  # of Beta(0.4, 0.4)


def test_cut_mix_pastes_one_rectangle_that_may_reach_over_the_border():
    shares, centred = [], []
    for images, _ in results(CutMix(1.0), 200):
        assert set(np.unique(images)) <= {0.0, 1.0}
        for own, image in enumerate(images):
            rows, columns = np.nonzero(image[..., own] == 0)
            if len(rows):
                height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
                assert len(rows) == height * width  # a rectangle
                assert len(np.unique(image.reshape(-1, CLASSES), axis=0)) == (2 if len(rows) < 320 else 1)
                shares.append(len(rows) / 320)
                centred.append((rows.mean() / 15, columns.mean() / 19))
    assert 0 < min(shares) < 0.02
    assert max(shares) > 0.95
    np.testing.assert_allclose(np.mean(centred, axis=0), 0.5, atol=0.03)


def test_a_resumed_run_mixes_as_if_never_stopped(picture_folder):
    """Whatever the batch size of the last batch of an epoch; and labels are soft, for each output of the network."""
    recipe = get_recipe("lenet5-mnist").replace(batch_size=12, hold_out=0, augment_batch=(MixUp(0.4), CutMix(1.0)))
    data, model = datasets.load(str(picture_folder)), kc.LeNet5()

    def batches(first_epoch, count, seed=3):
        stream, steps = train_batches(recipe, data, model, seed, first_epoch)
        assert steps == 7
        return list(stream.take(count).as_numpy_iterator())

    two_epochs, again = batches(0, 14), batches(1, 7)
    for (images, labels), (same_images, same_labels) in zip(two_epochs[7:], again, strict=True):
        np.testing.assert_array_equal(images, same_images)
        np.testing.assert_array_equal(labels, same_labels)
        assert images.shape == (len(labels), 32, 32, 1)
        assert labels.shape == (len(labels), 10)
        np.testing.assert_allclose(labels.sum(1), 1.0, atol=1e-6)
    assert [len(labels) for _, labels in again] == [12] * 6 + [8]
    assert not np.array_equal(two_epochs[0][1], again[0][1])
    assert not np.array_equal(batches(0, 1, seed=4)[0][1], two_epochs[0][1])
