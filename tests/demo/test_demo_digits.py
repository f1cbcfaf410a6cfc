"""The maps that the page shows are the network's."""

import numpy as np
import pytest
from strokes import some_digits, strokes

import keras_classics as kc
from keras_classics.demo import digits


@pytest.mark.every_backend
def test_the_page_shows_the_networks_answer_and_its_states():
    image = some_digits(1)[0][3]
    states = digits.states(digits.LENET5, image)
    ((_, name, probability),) = kc.predict(kc.LeNet5(weights="mnist"), image[..., None], top=1)[0:1][0]
    assert name == "3"
    assert states["predictions"][3] == pytest.approx(probability, abs=1e-5)
    shapes = {layer: states[layer].shape for layer, *_ in digits.LENET5_MAPS}
    assert shapes == {"c1_tanh": (28, 28, 6), "s2_tanh": (14, 14, 6), "c3_tanh": (10, 10, 16), "c5_tanh": (1, 1, 120)}
    html = digits.answer(strokes(image))
    assert 'data-network="lenet5">3<' in html
    assert 'data-network="lecun1989">3<' in html
    for layer in ("C1: 6 maps of 28x28", "S2: 6 maps of 14x14", "C3: 16 maps", "C5: 120 units", "H1: 12", "H2: 12"):
        assert layer in html


def test_nothing_drawn_is_no_digit():
    assert "Draw" in digits.answer([])


def test_a_sheet_has_each_map_once_dark_where_it_is_high():
    maps = np.full((4, 4, 6), -digits.AMPLITUDE)
    maps[..., 4] = digits.AMPLITUDE
    sheet = digits.sheet(maps, 3)
    assert sheet.shape == (9, 14)
    assert (sheet[5:, 5:9] == 0).all()
    assert (sheet == 0).sum() == 16
