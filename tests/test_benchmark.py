"""The benchmark of a tiny network, whose figures follow from each other."""

import importlib
import itertools
import json
import re
import sys

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics import benchmark, cli
from keras_classics.benchmark import Benchmark, Times, worker
from keras_classics.benchmark.process import Worker
from keras_classics.benchmark.sides import PYTORCHCV, Side, sides
from keras_classics.layers import Conv2D


def times(who, backend, *seconds):
    return Times(Side(who, backend, "net"), list(seconds))


def test_figures_of_known_times():
    ours, peer = times("keras_classics", "tensorflow", 0.1, 0.2, 0.4), times("pytorchcv", "torch", 0.2, 0.4, 0.8)
    result = Benchmark("net", "train", batch=4, macs=10**9, peak_flops=1e12, times=(ours, peer))
    assert (ours.median, result.images_per_second(ours)) == (0.2, 20.0)
    assert result.share_of_peak(ours) == pytest.approx(20 * 3 * 2e9 / 1e12)
    assert ours.quartiles == pytest.approx((0.15, 0.3))
    assert result.pairs == [(ours, peer)]
    assert benchmark.ratio(ours, peer) == (2.0, 2.0, 2.0)
    middle, low, high = benchmark.ratio(times("", "", *[1.0] * 5), times("", "", 1.0, 1.1, 1.2, 1.3, 5.0))
    assert middle == 1.2
    assert 1.0 <= low < 1.2 < high <= 5.0


def test_a_keras_peer_stands_beside_ours_of_its_backend():
    backends = ("jax", "tensorflow")
    all_times = tuple(times(who, b, 1.0) for who in ("keras_classics", "keras.applications") for b in backends)
    pairs = Benchmark("net", "predict", 1, 1, 1.0, all_times).pairs
    assert [(t.side.who, p.side.who, t.side.backend == p.side.backend) for t, p in pairs] == [
        ("keras_classics", "keras.applications", True)
    ] * 2


def test_names_of_the_peers():
    assert sides("resnet50_v2", "keras.applications", ["jax"])[1] == Side("keras.applications", "jax", "ResNet50V2")
    assert sides("inception_v1", "torchvision", ["jax"])[1] == Side(
        "torchvision", "torch", "torchvision.models.googlenet"
    )
    rules = {pattern: [n for n in kc.list_models() if re.fullmatch(pattern, n)] for pattern, _ in PYTORCHCV}
    assert {p for p, names in rules.items() if not names} <= {r"nasnet_mobile", r"nasnet_large", r"pnasnet5_large"}
    for name in itertools.chain(*rules.values()):
        module, function = sides(name, "pytorchcv", ["jax"])[1].network.rsplit(".", 1)
        assert callable(getattr(importlib.import_module(module), function)), name


def test_the_command_measures_every_side(tmp_path, capsys):
    file = tmp_path / "figures.json"
    arguments = ["benchmark", "resnet20", "--against", "pytorchcv", "--batch", "2", "--rounds", "3", "--train"]
    cli.main([*arguments, "--json", str(file)])
    printed = capsys.readouterr().out
    assert "times as fast as pytorchcv on torch" in printed
    figures = json.loads(file.read_text())
    assert figures["versions"]["keras"] == keras.__version__
    assert figures["hardware"]["cores"] > 0
    assert figures["macs"] == kc.ResNet20.macs
    ours, peer = figures["sides"]
    assert (ours["side"]["who"], peer["side"]["backend"]) == ("keras_classics", "torch")
    for side in (ours, peer):
        assert len(side["seconds"]) == 3
        assert side["images_per_second"] == 2 / np.median(side["seconds"])
        assert 0 < side["share_of_peak"] < 1.5
        assert side["peak_bytes"] > 1e8
    assert f"{ours['images_per_second']:.4g}" in printed


def test_building_is_timed_in_new_processes(capsys):
    cli.main(["benchmark", "lenet5", "--build", "--rounds", "2", "--backend", "torch"])
    printed = capsys.readouterr().out
    assert "torch" in printed
    assert "images/s" not in printed


def test_fused(capsys):
    cli.main(["benchmark", "resnet20", "--fuse", "--batch", "1", "--rounds", "1", "--backend", "jax"])
    assert "keras_classics  jax" in capsys.readouterr().out


def test_native_groups_are_keras_own_layers():
    inputs = keras.Input((8, 8, 4))
    model = keras.Model(inputs, Conv2D(4, 1, groups=2, name="conv")(inputs))
    copy = worker.with_native_groups(model)
    assert type(copy.get_layer("conv")) is keras.layers.Conv2D
    assert copy.get_layer("conv").groups == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lenet5", "--against", "keras.applications"], "keras.applications has no LeNet5"),
        (["lenet5", "--against", "pytorchcv"], "pytorchcv is not known to have lenet5"),
        (["lenet5", "--against", "native-groups"], "lenet5 has no grouped convolutions"),
        (["lenet5", "--against", "torch-vision"], "Did you mean 'torchvision'?"),
        (["lenet5", "--backend", "tensorflw"], "Did you mean 'tensorflow'?"),
        (["lenet6"], "Did you mean 'lenet5'?"),
        (["lenet5", "--batch", "0"], "must be at least 1, not 0 and 10"),
        (["lenet5", "--train", "--fuse"], "A fused network can only predict"),
        (["lenet5", "--train", "--build"], "--train and --build are two benchmarks"),
        (["vgg11", "--against", "pytorchcv", "--peer-python", "/no/python"], "There is no Python '/no/python'"),
    ],
)
def test_bad_requests_get_one_line(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(
            ["benchmark", "--rounds", "1", *arguments] if "--batch" not in arguments else ["benchmark", *arguments]
        )
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_side_that_fails_says_why():
    side = Side("pytorchcv", "torch", "pytorchcv.models.nowhere.net")
    with (
        Worker(side, {"mode": "predict"}, sys.executable) as process,
        pytest.raises(kc.ClassicsError, match="pytorchcv on torch failed: ModuleNotFoundError: No module named"),
    ):
        process.answer()


def test_what_views_cost(tmp_path, capsys):
    """Ten views cost about ten; the dense ones of two pictures are asked about as often as there are scales."""
    file = tmp_path / "costs.json"
    command = ["benchmark-views", "resnet20", "--views", "10", "dense-3", "--images", "2", "--rounds", "2"]
    cli.main([*command, "--json", str(file)])
    ten, dense = json.loads(file.read_text())["costs"]
    assert (ten["views"], ten["beside"]) == ("10", "10 pictures of one view")
    assert (dense["views"], dense["beside"]) == ("dense-3", "150 crops at the same scales")
    for cost in (ten, dense):
        assert len(cost["seconds"]) == len(cost["beside_seconds"]) == 2
        assert cost["ratio"] == pytest.approx(np.median(np.divide(cost["seconds"], cost["beside_seconds"])))
    assert f"{dense['ratio']:.2f}" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        cli.main([*command[:3], "11"])
    assert "Unknown views '11'" in capsys.readouterr().err
