"""The benchmark of a tiny network, whose figures follow from each other."""

import importlib
import importlib.util
import itertools
import json
import re
import sys

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics import benchmark, cli, complexity, exporting, runtimes
from keras_classics.benchmark import Benchmark, Times, worker
from keras_classics.benchmark.exports import _form
from keras_classics.benchmark.process import Worker
from keras_classics.benchmark.sides import PYTORCHCV, Side, sides
from keras_classics.layers import Conv2D

CUT_CONNECTIONS = (16 * 6 - 60) * 25 * 10 * 10  # of LeNet-5's third layer: zeros in the kernel of its files


def times(who, backend, *seconds, macs=10**9):
    return Times(Side(who, backend, "net"), list(seconds), macs=macs)


def test_figures_of_known_times():
    ours, peer = times("keras_classics", "tensorflow", 0.1, 0.2, 0.4), times("pytorchcv", "torch", 0.2, 0.4, 0.8)
    result = Benchmark("net", "train", batch=4, macs=10**9, peak_flops=1e12, times=(ours, peer))
    assert (ours.median, result.images_per_second(ours)) == (0.2, 20.0)
    assert result.share_of_peak(ours) == pytest.approx(20 * 3 * 2e9 / 1e12)
    assert ours.quartiles == pytest.approx((0.15, 0.3))
    assert result.pairs == [(ours, peer)]
    assert benchmark.ratio(ours, peer) == (2.0, 2.0, 2.0)
    assert result.seconds_per_mac(ours) == pytest.approx(0.2 / 4 / 1e9)
    assert benchmark.ratio_per_mac(ours, times("other", "", 0.2, 0.4, 0.8, macs=4 * 10**9)) == (0.5, 0.5, 0.5)
    unknown = times("other", "", 1.0, macs=None)
    assert benchmark.ratio_per_mac(ours, unknown) is result.share_of_peak(unknown) is None
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
    files = tuple(times(who, runtime, 1.0) for who, runtime in (("a", "LiteRT"), ("b", "LiteRT"), ("c", "TensorFlow")))
    pairs = Benchmark("a", "predict", 1, 1, 1.0, files).pairs
    assert [(ours.side.who, peer.side.who) for ours, peer in pairs] == [("a", "b"), ("a", "c")]


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


def test_each_alexnet_stands_beside_its_own():
    torch = importlib.import_module("torch")
    for model, name in ((kc.AlexNet(groups=1), "alexnet"), (kc.AlexNetOWT(), "alexnet_owt")):
        module, function = sides(name, "pytorchcv", ["jax"])[1].network.rsplit(".", 1)
        with torch.device("meta"):
            peer = getattr(importlib.import_module(module), function)()
        assert sum(weight.numel() for weight in peer.parameters()) == model.count_params()


@pytest.mark.parametrize(
    ("name", "against", "same"),
    [
        *(("resnet50", "torchvision", False), ("resnet50", "keras.applications", True)),
        *(("resnet50_v2", "keras.applications", False), ("alexnet", "pytorchcv", False)),
    ],
)
def test_a_peer_of_another_form_does_other_work(name, against, same, monkeypatch):
    monkeypatch.setattr(benchmark, "measure", lambda *_: 1.0)
    ours, peer = benchmark.benchmark(name, against).times
    assert (ours.macs, peer.macs) == (kc.get_model(name).macs, kc.get_model(name).macs if same else None)


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
    assert ours["macs"] == peer["macs"] == figures["macs"]
    assert f"{ours['images_per_second']:.4g}" in printed


def test_a_first_answer_is_timed_part_by_part_in_new_processes(tmp_path, capsys):
    file = tmp_path / "figures.json"
    command = ["benchmark", "lenet5", "--first", "--rounds", "2", "--backend", "jax", "--json", str(file)]
    cli.main(command)
    printed = capsys.readouterr().out
    assert "images/s" not in printed
    figures = json.loads(file.read_text())
    (side,) = figures["sides"]
    parts = side["parts"]
    assert (figures["mode"], figures["batch"]) == ("first", 1)
    assert list(parts) == ["framework", "library", "build", "first", "second"]
    assert all(len(seconds) == 2 for seconds in parts.values())
    assert side["seconds"] == [build + first for build, first in zip(parts["build"], parts["first"], strict=True)]
    # Keras and jax are imported anew each time, and the network is compiled for the first answer alone.
    assert min(parts["framework"]) > max(parts["library"])
    assert min(parts["first"]) > 5 * max(parts["second"])
    row = printed.splitlines()[1].split()
    assert row[:2] == ["keras_classics", "jax"]
    assert [float(cell) for cell in row[2:]] == pytest.approx(
        [np.median(seconds) for seconds in (*parts.values(), side["seconds"])], abs=0.006
    )


def test_a_first_answer_beside_a_peers():
    ours, peer = times("keras_classics", "torch", 1.0, 2.0), times("keras.applications", "torch", 3.0, 6.0)
    for side, build in ((ours, 0.5), (peer, 1.0)):
        for _ in range(2):
            side.add(build=build, first=side.seconds[0] - build)
    told = benchmark.figures(Benchmark("net", "first", 1, 10**9, 1e12, (ours, peer)))
    assert [told["ratios"][0][name] for name in ("ratio", "ratio_of_build")] == [(3.0, 3.0, 3.0), (2.0, 2.0, 2.0)]
    assert "images_per_second" not in told["sides"][0]


@pytest.mark.parametrize("who", ["pytorchcv", "native-groups"])
def test_who_starts_how(who):
    """A peer's answer has the parts of ours, and the network is not asked before the clock runs."""
    facts = {"mode": "first", "batch": 1, "classes": 7, "image_size": 224, "input_shape": [32, 32, 3], "fuse": False}
    if who == "pytorchcv":
        parts, step = worker.torch_side({"who": who, "network": "pytorchcv.models.resnet.resnet18", **facts})
    else:
        parts, step = worker.keras_side({"who": who, "network": "resnet20", **facts})
    assert list(parts) == ["framework", "library", "build"]
    assert parts["build"] > 0
    assert step().shape == (1, 7)


@pytest.mark.parametrize("fuse", [False, True])
def test_fused(fuse, monkeypatch):
    fused = []
    monkeypatch.setattr(kc, "fuse", lambda model: fused.append(model.name) or model)
    side = {"mode": "predict", "batch": 1, "classes": 7, "input_shape": [32, 32, 3], "network": "resnet20"}
    worker.keras_side({"who": "keras_classics", "fuse": fuse, **side})
    assert fused == (["resnet20"] if fuse else [])


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
        (["lenet5", "--train", "--first"], "--train and --first are two benchmarks"),
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


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """LeNet-5 in all formats, and the ResNet-20 of others, who write no facts."""
    folder = tmp_path_factory.mktemp("exports")
    model = exporting.with_preprocessing(kc.LeNet5(seed=0), kc.LeNet5.normalization)
    for name in ("lenet5", "lenet5.tflite", "lenet5.onnx"):
        exporting.export(model, folder / name)
    kc.ResNet20(seed=0).export(folder / "foreign.tflite", format="litert", verbose=False)
    return folder


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="the fixture exports by Keras")
def test_exports_are_measured_in_their_runtimes(exports, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(exports)
    file, names = tmp_path / "figures.json", ("lenet5.tflite", "foreign.tflite", "lenet5.onnx", "./lenet5")
    cli.main(["benchmark", *names, "--rounds", "3", "--json", str(file)])
    printed = capsys.readouterr().out
    figures = json.loads(file.read_text())
    assert (figures["network"], figures["batch"], figures["threads"]) == ("lenet5", 1, None)
    sides = figures["sides"]
    assert [(s["side"]["who"], s["side"]["backend"], s["side"]["network"]) for s in sides] == [
        ("lenet5.tflite", "LiteRT", "lenet5"),
        ("foreign.tflite", "LiteRT", ""),
        ("lenet5.onnx", "ONNX Runtime", "lenet5"),
        ("./lenet5", "TensorFlow", "lenet5"),
    ]
    in_file = kc.LeNet5.macs + CUT_CONNECTIONS
    assert [s["macs"] for s in sides] == [in_file, kc.ResNet20.macs, in_file, kc.LeNet5.macs]
    assert [s["input_shape"] for s in sides] == [[32, 32, 1], [32, 32, 3], [32, 32, 1], [32, 32, 1]]
    for s in sides:
        assert len(s["seconds"]) == 3
        assert s["seconds_per_mac"] == pytest.approx(s["median"] / s["macs"])
    for s, path in zip(sides[:3], ("lenet5.tflite", "foreign.tflite", "lenet5.onnx"), strict=True):
        assert s["bytes"] == (exports / path).stat().st_size
        assert s["peak_bytes"] < 3e8, "the process of a runtime has imported a framework"
        assert f"{s['bytes'] / 1e6:.2f}" in printed
    assert sides[3]["bytes"] > 4 * kc.LeNet5.params
    assert [r["peer"]["who"] for r in figures["ratios"]] == ["foreign.tflite", "lenet5.onnx", "./lenet5"]
    assert figures["ratios"][0]["ratio_per_mac"][0] == pytest.approx(
        figures["ratios"][0]["ratio"][0] * in_file / kc.ResNet20.macs
    )
    assert "threads of LiteRT: 1, its default" in printed
    assert "quartiles" in printed
    monkeypatch.setattr(cli.console, "width", 80)
    cli.main(["benchmark", "lenet5.tflite", "foreign.tflite", "--rounds", "1", "--threads", "2"])
    printed = capsys.readouterr().out
    assert "lenet5.tflite " in printed
    assert "No room for: quartiles, of peak." in printed
    assert "threads of LiteRT: 2, by --threads" in printed
    assert figures["versions"]["onnxruntime"]


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="the fixture exports by Keras")
def test_an_export_stands_beside_the_same_network_of_others(tmp_path, capsys, monkeypatch):
    """A peer is built for as many classes and images as large as the export has."""
    monkeypatch.chdir(tmp_path)
    model = kc.ResNet20(seed=0)
    exporting.export(model, "mine.onnx")
    command = ["benchmark", "mine.onnx", "--against", "pytorchcv", "--batch", "2", "--rounds", "1"]
    cli.main([*command, "--json", "figures.json"])
    figures = json.loads((tmp_path / "figures.json").read_text())
    ours, peer = figures["sides"]
    assert (peer["side"]["who"], peer["side"]["network"]) == (
        "pytorchcv",
        "pytorchcv.models.resnet_cifar.resnet20_cifar10",
    )
    assert ours["macs"] == peer["macs"] == complexity.count_macs(model)
    assert "mine.onnx on ONNX Runtime is" in capsys.readouterr().out
    facts = {"mode": "predict", "batch": 1, "classes": 7, "image_size": 224, "input_shape": [32, 32, 3]}
    _, step = worker.keras_side({"who": "keras.applications", "network": "MobileNetV2", **facts})
    assert step().shape == (1, 7)
    _, step = worker.torch_side({"who": "pytorchcv", "network": "pytorchcv.models.resnet.resnet18", **facts})
    assert step().shape == (1, 7)


@pytest.mark.structure
def test_an_export_of_another_form_has_the_multiply_adds_of_that_form():
    options = {"width_multiplier": 0.5}
    model = kc.ShuffleNetG3(classes=10, input_shape=(64, 64, 3), **options)
    told = json.loads(exporting.contents.facts_of(model, True, False))
    assert _form({"told": json.dumps(told)}).macs() == complexity.count_macs(model)
    told |= {"classes": kc.ShuffleNetG3.classes, "image_size": 224}
    assert _form({"told": json.dumps(told)}).macs() == kc.ShuffleNetG3.with_options(**options).macs
    for form in ({"width_multiplier": [0.5]}, {"depth_multiplier": 0.5}):  # which a file cannot give back; no option
        assert _form({"told": json.dumps(told | {"form": form})}).macs() is None


def test_a_tflite_file_tells_what_it_is(exports):
    told = runtimes.inspect(str(exports / "lenet5.tflite"))
    assert json.loads(told["told"])["network"] == "lenet5"


def test_a_package_that_is_missing_is_named(exports, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnx" else name)
    runtimes.check([str(exports / "lenet5.tflite")])
    with pytest.raises(kc.ClassicsError, match=r"To read onnx files, onnx is needed, .*.*keras-classics\[onnx\]"):
        runtimes.check([str(exports / "lenet5.onnx")])


def test_threads_reach_the_runtimes(exports, monkeypatch):
    litert, onnxruntime = (importlib.import_module(name) for name in ("ai_edge_litert.interpreter", "onnxruntime"))
    asked = {}

    def interpreter(path, num_threads=None, **_):
        asked["litert"] = num_threads
        raise InterruptedError

    def session(path, options, **_):
        asked["onnx"] = options.intra_op_num_threads
        raise InterruptedError

    monkeypatch.setattr(litert, "Interpreter", interpreter)
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    for name in ("lenet5.tflite", "lenet5.onnx"):
        with pytest.raises(InterruptedError):
            runtimes.step(str(exports / name), (1, 32, 32, 1), 2)
    assert asked == {"litert": 2, "onnx": 2}


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="Keras exports")
@pytest.mark.parametrize(
    ("name", "ending"),
    [("resnet20", "onnx"), ("resnet20", "tflite"), ("shufflenet_g3", "onnx"), ("MobileNetV2", "tflite")],
)
def test_a_file_has_as_many_multiply_adds_as_the_network(name, ending, tmp_path):
    if name == "MobileNetV2":
        model = keras.applications.MobileNetV2(weights=None)
        wanted = complexity.count_macs(model)
        assert wanted == 300_774_272
    else:
        model, wanted = kc.create_model(name), kc.get_model(name).macs
    model(np.zeros((1, *model.input_shape[1:]), "float32"))
    path = str(tmp_path / f"net.{ending}")
    model.export(path, format={"tflite": "litert", "onnx": "onnx"}[ending], verbose=False)
    told = runtimes.inspect(path)
    assert (told["macs"], told["shape"], told["told"]) == (wanted, [None, *model.input_shape[1:]], "")


def onnx_file(path, *nodes, shape=("batch", 3, 8, 8), more=()):
    """A network with a kernel of 4x3x3x3 and what else the nodes say."""
    from onnx import helper

    kernel = helper.make_tensor("kernel", 1, (4, 3, 3, 3), np.ones(108, "float32"))
    inputs = [helper.make_tensor_value_info("image", 1, shape), *more]
    output = helper.make_tensor_value_info("out", 1, None)
    graph = helper.make_graph([helper.make_node(*node) for node in nodes], "net", inputs, [output], [kernel])
    path.write_bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
    )
    return str(path)


def test_what_cannot_be_counted_has_no_count(tmp_path):
    file = onnx_file(tmp_path / "a.onnx", ("Conv", ["image", "kernel"], ["out"]))
    assert runtimes.inspect(file)["macs"] == 108 * 6 * 6
    assert runtimes.step(file, (2, 3, 8, 8), 1)().shape == (2, 4, 6, 6)
    file = onnx_file(tmp_path / "b.onnx", ("ConvTranspose", ["image", "kernel"], ["out"]), shape=(1, 4, 8, 8))
    assert runtimes.inspect(file)["macs"] is None
    file = onnx_file(tmp_path / "c.onnx", ("Conv", ["image", "kernel"], ["out"]), shape=("batch", 3, "height", "width"))
    assert runtimes.inspect(file)["macs"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("nowhere.tflite", "There is no export 'nowhere.tflite'"),
        ("folder", "'folder' is a folder and no SavedModel"),
        ("model.keras", "'model.keras' is no SavedModel, .tflite or .onnx file; `keras-classics export` makes one"),
        ("damaged.tflite", "damaged.tflite on LiteRT failed: "),
        ("damaged.onnx", "damaged.onnx on ONNX Runtime failed: "),
        ("empty.onnx", "empty.onnx on ONNX Runtime failed: it takes 0 inputs"),
        ("any_size.onnx", "'any_size.onnx' does not tell how large its images are"),
        ("two_inputs.onnx", "two_inputs.onnx on ONNX Runtime failed: it takes 2 inputs of the shapes"),
        ("one_at_a_time.onnx --batch 8", "'one_at_a_time.onnx' takes 1 images at a time"),
        ("one_at_a_time.onnx --against pytorchcv", "'one_at_a_time.onnx' does not tell which network it is"),
        ("one_at_a_time.onnx --against pytorchcv --threads 1", "pytorchcv takes as many threads as its backend likes"),
        ("one_at_a_time.onnx --threads 0", "The threads must be at least 1, not 0"),
        ("one_at_a_time.onnx lenet5", "'lenet5' is no export"),
        ("one_at_a_time.onnx one_at_a_time.onnx", "'one_at_a_time.onnx' is named twice"),
        ("one_at_a_time.onnx --train", "--train is for a network by its name"),
        ("one_at_a_time.onnx --first", "--first is for a network by its name"),
        ("one_at_a_time.onnx --fuse", "--fuse is for a network by its name"),
        ("one_at_a_time.onnx --backend jax", "--backend is for a network by its name"),
        ("saved_model --threads 1", "'saved_model' runs on TensorFlow, which takes as many threads as it likes"),
        ("lenet5 --threads 1", "Keras leaves the threads to its backend"),
        ("lenet5 resnet20", "Name one network and a peer by --against"),
    ],
)
def test_bad_requests_of_exports_get_one_line(arguments, message, tmp_path, capsys, monkeypatch):
    from onnx import helper

    monkeypatch.chdir(tmp_path)
    for name in ("damaged.tflite", "damaged.onnx", "model.keras"):
        (tmp_path / name).write_bytes(b"no such file")
    (tmp_path / "empty.onnx").touch()
    for name in ("folder", "saved_model"):
        (tmp_path / name).mkdir()
    (tmp_path / "saved_model" / "saved_model.pb").touch()
    conv = ("Conv", ["image", "kernel"], ["out"])
    onnx_file(tmp_path / "one_at_a_time.onnx", conv, shape=(1, 3, 8, 8))
    onnx_file(tmp_path / "any_size.onnx", conv, shape=("batch", 3, "height", "width"))
    onnx_file(tmp_path / "two_inputs.onnx", conv, more=[helper.make_tensor_value_info("size", 1, (1,))])
    with pytest.raises(SystemExit, match="2"):
        cli.main(["benchmark", "--rounds", "1", *arguments.split()])
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
