"""Pictures from outside: bounded, read as everywhere else, answered as `predict` does."""

import io

import numpy as np
import PIL.Image
import pytest
from strokes import some_digits

import keras_classics as kc
from keras_classics import pictures
from keras_classics.demo import networks, photograph, telling
from keras_classics.demo.networks import Network
from keras_classics.errors import ClassicsError
from keras_classics.weights.fetch import SHIPPED

LENET5 = Network("lenet5-mnist", "lenet5", "mnist")


def encoded(pixels, kind="PNG"):
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


@pytest.fixture(scope="module")
def digit():
    return some_digits(1)[0][7]


def test_the_answer_is_that_of_predict(digit):
    html = photograph.answer(encoded(digit), LENET5, "1")
    best = kc.predict(kc.LeNet5(weights="mnist"), np.repeat(digit[..., None], 3, 2), top=5)[0]
    for _, name, probability in best:
        assert f'<th scope="row">{name}</th>' in html
        assert f"{100 * probability:.1f}%" in html
    assert '<output class="kc-read">7</output>' in html
    assert "The first time" in html
    assert "The first time" not in photograph.answer(encoded(digit), LENET5, "1")
    assert html.count("<img") == 1


def test_views_are_shown_and_averaged(digit):
    html = photograph.answer(encoded(digit), LENET5, "2")
    assert html.count("<img") == 2
    assert "The 2 views it was judged by" in html
    expected = kc.predict(kc.LeNet5(weights="mnist"), np.repeat(digit[..., None], 3, 2), top=1, views="2")[0][0]
    assert f"{100 * expected[2]:.1f}%" in html


def test_where_it_looks_is_shown_for_its_answer(digit):
    html = photograph.heat(encoded(digit), LENET5)
    assert "where it looks for <b>7</b>" in html
    assert html.count("<img") == 1


def test_a_heat_map_is_bright_where_it_is_high_and_grey_where_it_tells_nothing():
    spread = np.array([[0.0, 1.0, np.nan]])
    dark, bright, grey = photograph.laid_over(np.full((1, 3, 1), 100.0), spread)[0]
    assert bright.sum() > dark.sum() + 150
    assert np.ptp(grey) < 1e-6


def test_an_export_says_that_it_has_no_gradients(digit):
    network = networks.named(str(SHIPPED / "lenet5-mnist" / "model.tflite"))
    assert network.label == "model.tflite"
    assert '<output class="kc-read">7</output>' in photograph.answer(encoded(digit), network, "1")
    with pytest.raises(ClassicsError, match="no gradients"):
        photograph.heat(encoded(digit), network)


def test_what_is_no_picture_is_refused():
    with pytest.raises(ClassicsError, match="no image"):
        photograph.read(b"GIF89a and then nothing")
    with pytest.raises(ClassicsError, match="choose one"):
        photograph.answer(None, LENET5, "1")
    told = telling.told(photograph.answer)(b"no picture at all", LENET5, "1")
    assert "The file is no image" in told


def test_what_is_too_large_is_refused_before_it_is_decoded(monkeypatch):
    with pytest.raises(ClassicsError, match="20 are taken"):
        photograph.read(bytes(photograph.MOST_BYTES + 2**20))
    monkeypatch.setattr(pictures, "read_image", None)
    with pytest.raises(ClassicsError, match="9000x6000"):
        photograph.read(encoded(np.zeros((6000, 9000), "uint8")))


def test_networks_are_named_as_a_user_calls_them():
    assert networks.named("resnet50=imagenet").weights == "imagenet"
    for wrong, says in (
        ("resnet50", "resnet50=timm/a1_in1k"),
        ("resnt50=imagenet", "Did you mean 'resnet50'"),
        ("runs/nowhere", "no run folder"),
        ("densenet264", "a run folder or a .keras file"),
    ):
        with pytest.raises(ClassicsError, match=says):
            networks.named(wrong)


def test_networks_of_one_name_are_told_apart():
    known = networks.distinct([Network("best.keras", "a"), Network("best.keras", "b"), Network("c", "c")])
    assert [network.label for network in known] == ["best.keras", "best.keras (2)", "c"]
    assert [network.source for network in known] == ["a", "b", "c"]


def test_shipped_networks_are_known_with_photographs_first():
    labels = [network.label for network in networks.shipped()]
    assert "lenet5-mnist" in labels
    assert labels.index("resnet20-cifar10-today") < labels.index("lecun1989-mnist")


def test_answers_come_before_where_the_networks_look(digit):
    shown = list(photograph.steps(encoded(digit), [LENET5, None], "1"))
    assert [[bool(part) for part in step] for step in shown] == [
        [False, False, False, False],
        [True, False, False, False],
        [True, True, False, False],
    ]
    *_, told = photograph.steps(b"no picture", [LENET5, LENET5], "1")
    assert all("The file is no image" in told[i] for i in (0, 2))
    assert not any(told[i] for i in (1, 3))
