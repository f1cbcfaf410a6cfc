"""How fast training images are prepared is measured of each side that there is, and of no other."""

import json
import math
import sys

import numpy as np
import PIL.Image
import pytest

import keras_classics as kc
from keras_classics import datasets
from training import benchmark_data, get_recipe
from training import cli as command

RECIPE = get_recipe("resnet20-cifar10").replace(hold_out=0)


def test_rates_of_the_recipe_and_of_decoding(tmp_path, capsys):
    for i in range(4):
        path = tmp_path / f"class_{i % 2}" / f"{i}.jpg"
        path.parent.mkdir(exist_ok=True)
        PIL.Image.effect_noise((40 + i, 50), 90).convert("RGB").save(path)
    data = datasets.load(str(tmp_path))
    rates = benchmark_data.measure(RECIPE, data, images=1, rounds=1, against_torchvision=False)
    assert rates.torchvision is None
    for rate in (rates.recipe, rates.decode_jpeg):
        assert 0 < rate < math.inf
    options = ["--data", str(tmp_path), "--images", "1", "--rounds", "1", "--json", "-"]
    command.main(["benchmark-data", "resnet20-cifar10", *options])
    told = json.loads(capsys.readouterr().out)
    assert told["recipe"] == "resnet20-cifar10"
    assert told["images_a_second"]["torchvision"] is None


def test_a_torchvision_that_fails_without_a_word_is_told(tmp_path, monkeypatch, capsys):
    (tmp_path / "torchvision.py").write_text("raise RuntimeError")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    with pytest.raises(SystemExit):
        command.main(["benchmark-data", "resnet20-cifar10", "--against", "torchvision"])
    assert "torchvision cannot be imported (RuntimeError): install" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--images", "0"], "--images: it must be a whole number of at least 1, not '0'"),
        (["--rounds", "0"], "--rounds: it must be a whole number of at least 1, not '0'"),
        (["--data", "only_test"], "only_test has no training images, but only test; choose other data."),
    ],
)
def test_what_cannot_be_measured_is_told(options, message, tmp_path, monkeypatch, capsys):
    for label in ("cat", "dog"):
        path = tmp_path / "only_test" / "test" / label
        path.mkdir(parents=True)
        PIL.Image.new("L", (8, 8)).save(path / "1.png")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        command.main(["benchmark-data", "lenet5-mnist", "--data", "mnist_sample", *options])
    assert message in capsys.readouterr().err


def test_torchvision_cannot_read_what_is_not_in_files():
    data = datasets.from_arrays(np.zeros((4, 32, 32, 3), "uint8"), [0, 0, 1, 1])
    with pytest.raises(kc.ClassicsError, match="torchvision's loader reads files, and .* has none; choose a folder"):
        benchmark_data.measure(RECIPE, data, images=1, rounds=1, against_torchvision=True)
    whitened = RECIPE.replace(pixels="per_pixel_mean")
    rates = benchmark_data.measure(whitened, data, images=1, rounds=1, against_torchvision=False)
    assert rates.decode_jpeg is None
    assert 0 < rates.recipe < math.inf
