"""LeCun et al. 1998, beside the paper's network written in NumPy."""

import keras
import numpy as np
import peers
import pytest

import keras_classics as kc
from keras_classics.models.lenet import C3_READS, digit_codes


def squash(x):
    return 1.7159 * np.tanh(2 * x / 3)


def convolve(x, kernel):
    """(N, H, W) with (k, k), valid."""
    return np.einsum("nhwij,ij->nhw", np.lib.stride_tricks.sliding_window_view(x, kernel.shape, axis=(1, 2)), kernel)


def subsample(x, coefficient, bias):
    return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) * coefficient + bias


def reference(x, weights):
    """Figure 2, in the paper's words: the maps as lists of arrays, C3 by Table I as the paper prints it."""
    table_1 = """
        X . . . X X X . . X X X X . X X
        X X . . . X X X . . X X X X . X
        X X X . . . X X X . . X . X X X
        . X X X . . X X X X . . X . X X
        . . X X X . . X X X X . X X . X
        . . . X X X . . X X X X . X X X
    """
    reads = np.array([[c == "X" for c in line.split()] for line in table_1.split("\n") if line.strip()])
    c1, s2, c3, s4, c5, f6 = (weights[name] for name in ("c1", "s2", "c3", "s4", "c5", "f6"))
    maps = [squash(convolve(x[..., 0], c1[0][:, :, 0, m]) + c1[1][m]) for m in range(6)]
    maps = [squash(subsample(maps[m], s2[0][m], s2[1][m])) for m in range(6)]
    new, used = [], 0
    for m in range(16):
        total = c3[1][m]
        for i in np.flatnonzero(reads[:, m]) if m < 6 or m > 14 else C3_READS[m]:
            total = total + convolve(maps[i], c3[0][:, :, used + list(C3_READS[m]).index(i)])
        assert set(C3_READS[m]) == set(np.flatnonzero(reads[:, m]))
        used += len(C3_READS[m])
        new.append(squash(total))
    maps = [squash(subsample(new[m], s4[0][m], s4[1][m])) for m in range(16)]
    c5_out = [squash(sum(convolve(maps[i], c5[0][:, :, i, m]) for i in range(16)) + c5[1][m]) for m in range(120)]
    states = squash(np.stack([c[:, 0, 0] for c in c5_out], -1) @ f6[0] + f6[1])
    return np.array([[np.sum((state - code) ** 2) for code in digit_codes()] for state in states])


@pytest.mark.every_backend
def test_equals_the_paper_in_numpy():
    model = kc.LeNet5(seed=0, classifier_activation=None)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        layer.set_weights(
            [w + 0.3 * rng.standard_normal(w.shape) / np.sqrt(w.size) ** 0.5 for w in layer.get_weights()]
        )
    images = peers.images(3, 32, 32, 1)
    expected = reference(images.astype("float64"), {layer.name: layer.get_weights() for layer in model.layers})
    got = -keras.ops.convert_to_numpy(model(images))
    np.testing.assert_allclose(got, expected, rtol=1e-4)


@pytest.mark.structure
def test_figure_2_sizes():
    model = kc.LeNet5()
    sizes = {"c1": (28, 28, 6), "s2": (14, 14, 6), "c3": (10, 10, 16), "s4": (5, 5, 16), "c5": (1, 1, 120), "f6": (84,)}
    assert {name: model.get_layer(name).output.shape[1:] for name in sizes} == sizes


def test_codes_are_pictures_of_the_digits():
    codes = digit_codes()
    assert codes.shape == (10, 84)
    assert set(np.unique(codes)) == {-1, 1}
    assert len({tuple(code) for code in codes}) == 10
    one = codes[1].reshape(12, 7)
    assert (one[:10, 3] == 1).all()  # the stem of the 1
    assert (codes.reshape(10, 12, 7)[[1, 2, 3, 5, 6, 7, 8, 9], 10:] == -1).all()  # only 4 and 0 reach elsewhere


def test_each_connection_of_table_1_and_no_other():
    assert sum(map(len, C3_READS)) == 60
    assert [sum(i in reads for reads in C3_READS) for i in range(6)] == [10] * 6
    assert [len(reads) for reads in C3_READS] == [3] * 6 + [4] * 9 + [6]


@pytest.mark.structure
def test_the_softmax_form():
    model = kc.LeNet5(output="softmax", classes=26)
    assert model.output_shape == (None, 26)
    assert kc.LeNet5.with_options(output="softmax").params == 60_850
    assert model.name == "lenet5"


def test_the_pixels_are_the_papers():
    """Section II.B: background -0.1, ink 1.175, and so about zero mean and unit variance."""
    values = kc.preprocess_input(np.array([0, 255], "uint8").reshape(1, 2, 1, 1), kc.LeNet5).ravel()
    np.testing.assert_allclose(values, [-0.1, 1.175], atol=1e-6)
