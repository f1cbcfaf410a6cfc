"""The command, as it is typed."""

import csv
import io
import json
import os
import pathlib
import re
import subprocess
import sys

import keras
import numpy as np
import PIL.Image
import pytest

import keras_classics as kc
from keras_classics import catalogue, cli, datasets
from keras_classics.cli import network_table


@pytest.fixture(scope="module")
def saved_lenet(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "lenet5.keras"
    kc.LeNet5(seed=0).save(path)
    return path


def test_list(capsys):
    cli.main(["list"])
    printed = capsys.readouterr().out
    for name in kc.list_models():
        assert f"{name} " in printed
    assert "60,000" in printed
    assert all(len(line) <= 160 for line in printed.splitlines())
    assert printed.split()[:10] == [column.heading for column in network_table.COLUMNS]
    assert "No room" not in printed
    cli.main(["list", "--family", "lenet"])
    printed = capsys.readouterr().out
    assert "lenet5" in printed
    assert "resnet50" not in printed


def test_list_fits_80_columns_and_says_what_it_left_out(capsys, monkeypatch):
    monkeypatch.setattr(network_table.console, "width", 80)
    cli.main(["list"])
    printed = capsys.readouterr().out
    assert all(len(line) <= 80 for line in printed.splitlines())
    assert printed.split()[:5] == ["name", "paper", "params", "macs", "error"]
    assert "\u2026" not in printed
    assert "No room for: dataset, input, depth, field, checkpoint." in printed


def test_columns_as_the_environment_says():
    done = subprocess.run(
        [sys.executable, "-m", "keras_classics", "list", "resnet50"],
        env={**os.environ, "COLUMNS": "60"},
        capture_output=True,
        text=True,
    )
    assert max(map(len, done.stdout.splitlines())) <= 60
    assert "25,557,032" in done.stdout


@pytest.mark.parametrize("arguments", [[], ["lenet5"], ["lenet5", "--format", "csv"]])
def test_a_reader_that_has_enough_is_no_error(arguments):
    """As of `keras-classics list | head -1`."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "keras_classics", "list", *arguments]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, env=environment)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_list_as_csv(capsys):
    """Plain numbers, of the facts; a checkpoint of another form says which."""
    cli.main(["list", "--format", "csv"])
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(capsys.readouterr().out))}
    assert list(rows) == kc.list_models()
    row = rows["resnet50"]
    assert (row["author"], row["year"], row["image_size"], row["params"]) == ("He", "2015", "224", "25557032")
    assert (row["macs"], row["depth"], row["receptive_field"]) == ("3857973248", "50", "483")
    assert (row["top1"], row["top5"], row["views"], row["reported_dataset"]) == (
        *("22.85", "6.71", "10 crops"),
        "imagenet2012",
    )
    best = min(catalogue.find("resnet50")["weights"], key=lambda w: w["top1"])
    assert (row["checkpoint"], float(row["checkpoint_top1"])) == (best["tag"], best["top1"])
    assert row["checkpoint_options"] == "form='3x3'"
    assert int(row["checkpoints"]) == len(catalogue.find("resnet50")["weights"])
    assert rows["resnet18"]["checkpoint"] == "timm/a1_in1k"  # not the better one that may not be used commercially
    assert rows["nin"]["checkpoint"] == "pytorchcv/nin_cifar10"  # not the one of svhn_cropped, which errs less
    assert rows["plainnet18"]["checkpoint"] == rows["alexnet_owt"]["top1"] == ""


def test_list_as_markdown(capsys):
    cli.main(["list", "inception_v1", "--format", "markdown"])
    *_, row = capsys.readouterr().out.splitlines()
    assert row == (
        "| inception_v1 | [Szegedy 2014](https://arxiv.org/abs/1409.4842) | imagenet2012 | 224x224x3 | 6,998,552 "
        r"| 1,583M | 22 | 715 | -/10.07, 1 crop | torchvision/IMAGENET1K_V1\* 30.22 +2 |"
    )


def listed(capsys, *arguments):
    return [facts["name"] for facts in printed_json(capsys, "list", *arguments)]


def test_list_sorts(capsys):
    every = [catalogue.find(name) for name in kc.list_models()]
    by_size = [f["name"] for f in sorted(every, key=lambda f: f["params"])]
    assert listed(capsys, "--sort", "params") == by_size
    assert listed(capsys, "--sort", "params", "--reverse") == listed(capsys, "--sort=-params")
    largest = listed(capsys, "--sort", "-params")
    assert [catalogue.find(n)["params"] for n in largest] == [catalogue.find(n)["params"] for n in by_size[::-1]]
    assert listed(capsys, "--sort", "-params", "--reverse") == by_size
    assert listed(capsys, "--reverse") == kc.list_models()[::-1]
    assert listed(capsys, "--sort", "field", "vgg*") == ["vgg11", "vgg13", "vgg16", "vgg19"]
    assert listed(capsys, "--sort", "receptive-field", "vgg*") == ["vgg11", "vgg13", "vgg16", "vgg19"]
    for direction in ("error", "-error"):  # alexnet_owt has none, and is last either way
        assert listed(capsys, "--sort", direction, "alexnet*") == ["alexnet", "alexnet_owt"]
    assert listed(capsys, "--sort", "error", "vgg*") == ["vgg19", "vgg16", "vgg13", "vgg11"]


def test_list_filters(capsys):
    assert listed(capsys, "--year", "..1998") == ["lecun1989", "lenet5"]
    assert listed(capsys, "--year", "1998") == ["lenet5"]
    assert listed(capsys, "--year", "2012..2013") == ["alexnet", "nin"]
    assert listed(capsys, "--year", "2018..")[0] == "shufflenet_v2_x0_5"
    assert listed(capsys, "resnet*", "--max-params", "270k") == ["resnet20"]
    assert listed(capsys, "resnet*", "--max-params", "269,722") == ["resnet20"]
    assert listed(capsys, "resnet??", "--dataset", "imagenet2012", "--max-macs", "3.7G") == ["resnet18", "resnet34"]
    assert listed(capsys, "plainnet*") != []
    assert listed(capsys, "*net20", "--with-weights") == ["resnet20"]


def test_list_has_json_in_two_ways(capsys, tmp_path):
    cli.main(["list", "vgg*", "--format", "json", "--json", str(tmp_path / "vgg.json")])
    told = json.loads(capsys.readouterr().out)
    assert told == printed_json(capsys, "list", "vgg*") == json.loads((tmp_path / "vgg.json").read_text())
    cli.main(["list", "vgg*", "--format", "json", "--json", "-"])
    assert json.loads(capsys.readouterr().out) == told


def test_show(capsys):
    cli.main(["show", "resnet50"])
    printed = capsys.readouterr().out
    assert "25,557,032" in printed
    assert "22.85% / 6.71%" in printed
    assert "departure" in printed
    assert "receptive" not in printed
    cli.main(["show", "lenet5", "--layers"])
    rows = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert rows["c3"] == ["c3", "SparseConv2D", "10x10x16", "1,516", "0.15M", "14"]
    assert rows["total"] == ["total", "60,000", "0.33M"]


def test_show_stages(capsys):
    cli.main(["show", "resnet20", "--stages"])
    printed = capsys.readouterr().out
    assert "depth       20 layers" in printed
    assert "field       81x81 pixels" in printed
    rows = {line.split()[0]: line.split() for line in printed.splitlines() if line.strip()}
    assert rows["conv4_block3_out"][:3] == ["conv4_block3_out", "8x8x64", "4"]
    assert rows["conv4_block3_out"][-2:] == ["19", "81"]
    assert rows["predictions"] == ["predictions", "10", "650", "0.00M", "10", "20", "all"]
    assert rows["total"] == ["total", "269,722", "41M", "188,426"]
    told = printed_json(capsys, "show", "resnet20", "--stages")
    assert [row["stride"] for row in told["stages"]] == [1, 2, 4, None]
    assert sum(row["params"] for row in told["stages"]) == told["params"]
    assert "layers" not in told


def test_plot_zoo(capsys, tmp_path):
    """Each network with a reported top-1 error is named once; matplotlib writes what a text says beside its glyphs."""
    cli.main(["plot", "zoo", "--out", str(tmp_path / "zoo.svg")])
    assert "40 networks that have a reported top-1 error on imagenet2012" in " ".join(capsys.readouterr().out.split())
    drawn = re.findall(r"<!-- (\w+) -->", (tmp_path / "zoo.svg").read_text("utf-8"))
    imagenet = {v.name for v in map(kc.get_model, kc.list_models()) if any(r.top1 for r in v.reported)} & set(drawn)
    assert len(imagenet) == 40
    assert all(drawn.count(name) == 1 for name in imagenet)
    assert {"alexnet", "vgg16", "resnet50", "pnasnet5_large"} <= imagenet
    assert not {"inception_v1", "resnet20", "lenet5"} & imagenet  # no top-1 error, or one on other data
    cli.main(["plot", "zoo", "--dataset", "cifar10", "--out", str(tmp_path / "zoo.png")])
    assert PIL.Image.open(tmp_path / "zoo.png").format == "PNG"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("resnet50", (22.85, "10 crops")),  # the paper has none of one crop, the authors' repository has
        ("inception_v3", (21.2, "1 crop")),
        ("inception_v1", None),  # top-5 alone
        ("resnet20", None),
    ],
)
def test_the_figure_that_is_drawn_is_of_one_crop_where_there_is_one(name, error):
    found = catalogue.figure(catalogue.find(name), "imagenet2012")
    assert (found and (found["top1"], found["views"])) == error


def test_plot_gradcam(capsys, saved_lenet, tmp_path, monkeypatch):
    image = next(iter(datasets.load("mnist_sample").split("test").as_numpy_iterator()))[0]
    PIL.Image.fromarray(image[..., 0]).save(tmp_path / "digit.png")
    pictures = [str(saved_lenet), str(tmp_path / "digit.png"), "--out", str(tmp_path / "gradcam.png")]
    cli.main(["predict", *pictures[:2], "--json", "-"])
    best = json.loads(capsys.readouterr().out)[0]["classes"]
    cli.main(["plot", "gradcam", *pictures])
    assert f"lenet5: {best[0]['name']}, {100 * best[0]['probability']:.1f}%" in capsys.readouterr().out
    assert PIL.Image.open(tmp_path / "gradcam.png").size[0] > 1000
    drawn = []
    monkeypatch.setattr("keras_classics.plots.gradcam.draw", lambda *arguments: drawn.extend(arguments))
    cli.main(["plot", "gradcam", *pictures, "--class", best[3]["name"], "--layer", "s4_tanh"])
    view, heat, stride, offset, *_ = drawn
    assert (view.shape, heat.shape, stride, offset) == ((32, 32, 1), (5, 5), 4, 7.5)
    expected = kc.preprocess_input(view[None], kc.LeNet5())
    asked = int(best[3]["name"])
    model = keras.models.load_model(saved_lenet)
    np.testing.assert_allclose(heat, kc.grad_cam(model, expected, asked, "s4_tanh")[0], rtol=1e-5)
    told = f"lenet5: {asked}, {100 * best[3]['probability']:.1f}% (its answer: {best[0]['name']}, "
    assert told in " ".join(capsys.readouterr().out.split())
    for more, message in [
        (["--class", "ten"], "Unknown class of lenet5 'ten'"),
        (["--layer", "s5"], "'s4"),
    ]:
        with pytest.raises(SystemExit):
            cli.main(["plot", "gradcam", *pictures, *more])
        assert message in capsys.readouterr().err


def test_classes_are_asked_for_by_name_or_number():
    names = ("0", "crane", "Egyptian_cat", "crane")
    number = cli.plot.gradcam.class_number
    assert [number(text, names, "net") for text in ("0", "egyptian cat", "3")] == [0, 2, 3]
    with pytest.raises(kc.ClassicsError, match="several classes 'crane'; give a number: 1, 3"):
        number("crane", names, "net")
    with pytest.raises(kc.ClassicsError, match="Did you mean 'Egyptian_cat'"):
        number("egyptian_bat", names, "net")


def test_plot_filters(capsys, saved_lenet, tmp_path):
    out = ["--out", str(tmp_path / "filters.png")]
    cli.main(["plot", "filters", str(saved_lenet), *out])
    assert "lenet5: c1, 5x5, 6 kernels" in " ".join(capsys.readouterr().out.split())
    assert PIL.Image.open(tmp_path / "filters.png").format == "PNG"
    with pytest.raises(SystemExit):
        cli.main(["plot", "filters", str(saved_lenet), *out, "--layer", "c6"])
    assert "Unknown convolution of lenet5 'c6'. Did you mean 'c5'?" in capsys.readouterr().err


def test_plot_an_evaluation(capsys, saved_lenet, tmp_path, monkeypatch):
    place = tmp_path / "figures.json"
    cli.main(["evaluate", str(saved_lenet), "--data", "mnist_sample", "--limit", "50", "--json", str(place)])
    figures = json.loads(place.read_text())
    bins = figures["calibration_bins"]
    assert len(bins) == 15
    assert sum(one["images"] for one in bins) == 50
    filled = [one for one in bins if one["images"]]
    error = sum(one["images"] * abs(one["confidence"] - one["accuracy"]) for one in filled) / 50
    assert error == pytest.approx(figures["calibration_error"])
    right = sum(one["images"] * one["accuracy"] for one in filled)
    assert right == pytest.approx(np.trace(figures["confusion"]))
    for picture in ("confusion", "reliability"):
        cli.main(["plot", picture, str(place), "--out", str(tmp_path / f"{picture}.svg")])
        assert f"lenet5 on mnist_sample: {figures['top1']:.2f}% top-1" in " ".join(capsys.readouterr().out.split())
    drawn = (tmp_path / "reliability.svg").read_text("utf-8")
    assert f"<!-- expected calibration error {100 * error:.2f}% -->" in drawn
    drawn = (tmp_path / "confusion.svg").read_text("utf-8")
    assert drawn.count("<!-- 5 -->") >= 2  # the two axes' class
    old = {name: value for name, value in figures.items() if name != "calibration_bins"}
    for text, picture in [("[]", "confusion"), ("no JSON", "confusion"), (json.dumps(old), "reliability")]:
        place.write_text(text)
        with pytest.raises(SystemExit):
            cli.main(["plot", picture, str(place)])
        assert "is no evaluation, or one of an older version" in capsys.readouterr().err
    place.write_text(json.dumps({**figures, "confusion": [[1]]}))
    with pytest.raises(SystemExit):
        cli.main(["plot", "confusion", str(place)])
    assert "does not fit its 10 classes" in capsys.readouterr().err


def test_predict(capsys, saved_lenet, tmp_path):
    image = next(iter(datasets.load("mnist_sample").split("test").as_numpy_iterator()))[0]
    PIL.Image.fromarray(image[..., 0]).save(tmp_path / "digit.png")
    cli.main(["predict", str(saved_lenet), str(tmp_path / "digit.png"), "--top", "3"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("digit.png")
    assert len(lines) == 4
    shares = [float(line.split()[1].rstrip("%")) for line in lines[1:]]
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 100.01
    PIL.Image.fromarray(image[..., 0]).save(os.fsencode(tmp_path / "caf") + b"\xe9.png")
    logits = kc.LeNet5(seed=0, classifier_activation=None)
    logits.save(tmp_path / "logits.keras")
    cli.main(["predict", str(tmp_path / "logits.keras"), str(tmp_path / os.fsdecode(b"caf\xe9.png"))])
    printed = capsys.readouterr().out
    assert "caf\\xe9.png" in printed
    assert "%" not in printed
    cli.main(["predict", "lenet5", str(tmp_path / "digit.png"), "--weights", str(saved_lenet), "--top", "3"])
    assert capsys.readouterr().out.splitlines()[1:] == lines[1:]


def test_a_picture_that_is_cut_off_does_not_cost_the_other_answers(capsys, saved_lenet, tmp_path):
    places = [str(tmp_path / f"{i}.jpg") for i in range(3)]
    for place in places:
        PIL.Image.effect_noise((28, 28), 50).save(place)
    pathlib.Path(places[1]).write_bytes(pathlib.Path(places[1]).read_bytes()[:-200])
    with pytest.raises(SystemExit, match="1"):
        cli.main(["predict", str(saved_lenet), *places, "--json", str(tmp_path / "f.json")])
    printed = capsys.readouterr()
    assert [place in printed.out for place in places] == [True, False, True]
    assert f"'{places[1]}' is no image that can be read whole" in printed.err
    assert [figure["image"] for figure in json.loads((tmp_path / "f.json").read_text())] == places[::2]


def test_scores_are_no_shares_though_the_best_are_below_one(capsys, tmp_path):
    """LeCun 1989 ends in tanh."""
    kc.LeCun1989(seed=0).save(tmp_path / "net.keras")
    PIL.Image.effect_noise((16, 16), 50).save(tmp_path / "digit.png")
    cli.main(["predict", str(tmp_path / "net.keras"), str(tmp_path / "digit.png"), "--top", "1"])
    assert "%" not in capsys.readouterr().out


@pytest.mark.parametrize("place", ["--csv", "--json", "--save-predictions"])
def test_places_that_cannot_be_written_are_told_before_time_is_spent(place, capsys, saved_lenet, tmp_path, monkeypatch):
    monkeypatch.setattr("keras_classics.cli.evaluate.open_source", None)
    for out, message in ((tmp_path, "it is a folder"), (saved_lenet / "x", f"'{saved_lenet}' is a file")):
        with pytest.raises(SystemExit, match="2"):
            cli.main(["evaluate", str(saved_lenet), "--data", "mnist_sample", place, str(out)])
        assert f"Cannot write '{out}': {message}. Choose another place." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tflite", "--out", "there.tflite"], "exists and is not overwritten"),
        (["tflite", "--out", "x.onnx"], "must be named *.tflite"),
        (["onnx", "--quantize", "float16"], "float16 is for tflite"),
        (["tflite", "--batch", "0"], "at least 1 image at once"),
    ],
)
def test_exports_that_cannot_be_are_refused_before_the_model_is_opened(
    arguments, message, capsys, saved_lenet, tmp_path, monkeypatch
):
    monkeypatch.setattr("keras_classics.cli.export.open_source", None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.tflite").touch()
    with pytest.raises(SystemExit, match="2"):
        cli.main(["export", str(saved_lenet), "--to", *arguments])
    assert message in capsys.readouterr().err


def test_evaluate(capsys, saved_lenet, picture_folder, tmp_path):
    arguments = ["evaluate", str(saved_lenet), "--data", "mnist_sample", "--json", str(tmp_path / "figures.json")]
    cli.main(arguments)
    printed = capsys.readouterr().out
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert f"{figures['top1']:.2f}%" in printed
    assert figures["images"] == 1000
    assert "0.95%" in printed  # the paper's
    cli.main(["evaluate", str(saved_lenet), "--data", str(picture_folder), "--split", "train", "--batch-size", "16"])
    assert "80 images" in capsys.readouterr().out
    cli.main([*arguments, "--limit", "50"])
    capsys.readouterr()
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert (figures["images"], figures["limit"]) == (50, 50)


def test_evaluate_an_ensemble_by_several_views(capsys, saved_lenet, tmp_path):
    kc.LeNet5(seed=1).save(tmp_path / "other.keras")
    models = [str(saved_lenet), "--with", str(tmp_path / "other.keras"), "--with", f"lenet5={saved_lenet}"]
    files = ["--json", str(tmp_path / "f.json"), "--csv", str(tmp_path / "f.csv")]
    predictions = ["--save-predictions", str(tmp_path / "p.npz")]
    cli.main(["evaluate", *models, "--data", "mnist_sample", "--views", "2", *files, *predictions])
    printed = capsys.readouterr().out
    figures = json.loads((tmp_path / "f.json").read_text())
    (row,) = csv.DictReader((tmp_path / "f.csv").open())
    with np.load(tmp_path / "p.npz") as saved:
        assert figures["top1"] == pytest.approx(100 * np.mean(saved["predictions"].argmax(1) != saved["labels"]))
    low, high = figures["top1_interval"]
    assert f"measured, 1000 images, 2 crops  {figures['top1']:.2f}% ({low:.2f} to {high:.2f})" in printed
    assert "These are of 3 networks together, and the paper's of lenet5 alone." in printed
    assert printed.rstrip().endswith("shorter side 28, centre 32, mirrored, bilinear")
    assert figures["model"] == row["model"] == "lenet5, lenet5, lenet5"
    assert (float(row["top1"]), float(row["top1_low"])) == (figures["top1"], low)
    assert np.sum(figures["confusion"]) == 1000
    assert figures["class_names"] == [*"0123456789"]
    assert np.mean(figures["class_accuracy"]) == pytest.approx(100 - figures["top1"], abs=3)  # nearly equal classes
    cli.main(["evaluate", str(saved_lenet), "--data", "mnist_sample", "--views", "2"])
    assert "The authors do not judge by 2 crops, but by 1 crop." in capsys.readouterr().out
    run = tmp_path / "run"
    run.mkdir()
    (run / "best.keras").write_bytes(saved_lenet.read_bytes())
    (run / "metrics.json").write_text(json.dumps({"class_names": [*"1023456789"]}))
    with pytest.raises(SystemExit):
        cli.main(["evaluate", str(saved_lenet), "--with", str(run), "--data", "mnist_sample"])
    assert "not the same, or not in the same order" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("network", "views", "told", "silent"),
    [
        (kc.ResNet50, "10", ["10 crops  22.85%", "human level  5.10%"], ["do not judge by"]),
        (kc.ResNet50, "144", ["The authors do not judge by 144 crops, but by 10 crops, dense, 5 scales, 1 crop."], []),
        (kc.ResNet50, "1", ["the authors' repository, imagenet2012, 1 crop  24.70%"], ["do not judge by"]),
        (kc.VGG16, "150", ["the paper, imagenet2012, 150 crops  24.60%"], ["do not judge by"]),
        (kc.GoogLeNet, "144", ["imagenet2012, 144 crops  7.89%"], ["do not judge by"]),
        (kc.ResNet20, "1", ["cifar10, 1 crop  8.75%"], ["do not judge by", "human"]),
    ],
)
def test_measured_stands_beside_reported_and_human(capsys, network, views, told, silent):
    from keras_classics.cli import evaluate
    from keras_classics.crops import VIEWS

    reported = [r for r in network.reported if r.dataset == network.dataset]
    figures = {
        "images": 9,
        "split": "validation",
        "loss": 1,
        "calibration_error": 0,
        "classes_compared_by": "name",
        "pixels": "raw",
    }
    figures |= {"top1": 50.0, "top5": 10.0, "top1_interval": (40, 60), "top5_interval": (9, 11)}
    evaluate.show(figures, [network], VIEWS[views], reported)
    printed = re.sub(" {2,}", "  ", capsys.readouterr().out)
    assert all(text in printed for text in told), printed
    assert not any(text in printed for text in silent), printed


def test_predict_by_several_views(capsys, saved_lenet, tmp_path):
    PIL.Image.fromarray(np.arange(784, dtype="uint8").reshape(28, 28)).save(tmp_path / "digit.png")
    figures = printed_json(capsys, "predict", saved_lenet, tmp_path / "digit.png", "--views", "10", "--top", "1")
    model = keras.saving.load_model(saved_lenet, compile=False)
    ((expected,),) = kc.predict(model, tmp_path / "digit.png", 1, views="10")
    assert figures[0]["classes"][0]["probability"] == pytest.approx(expected[2])
    assert expected[2] != pytest.approx(kc.predict(model, tmp_path / "digit.png", 1)[0][0][2])


def test_weights_of_a_networks_name(capsys, picture_folder, tmp_path):
    """show lists its public checkpoints; predict, evaluate and export take them, here a file."""
    cli.main(["show", "resnet50"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "torchvision/IMAGENET1K_V1, form='3x3': 23.87% / 7.138% on imagenet2012 (BSD-3-Clause)" in shown
    kc.ResNet20(seed=0).save(tmp_path / "net.keras")
    weights = ["--weights", str(tmp_path / "net.keras")]
    cli.main(["evaluate", "resnet20", *weights, "--data", str(picture_folder)])
    assert "measured, 40 images" in capsys.readouterr().out
    cli.main(["predict", "resnet20", *weights, str(next(picture_folder.rglob("*.png")))])
    assert "%" in capsys.readouterr().out
    cli.main(["export", "resnet20", *weights, "--to", "tflite", "--out", str(tmp_path / "net.tflite")])
    assert "takes pixels of 0..255" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        cli.main(["predict", "resnet50", "--weights", "torchvison", str(next(picture_folder.rglob("*.png")))])
    assert "Did you mean 'torchvision'" in capsys.readouterr().err


def test_export(capsys, saved_lenet, tmp_path):
    cli.main(["export", str(saved_lenet), "--to", "tflite", "--out", str(tmp_path / "digits.tflite")])
    printed = capsys.readouterr().out.replace("\n", " ")
    assert "takes pixels of 0..255" in printed
    assert (tmp_path / "digits.tflite").stat().st_size > 200_000
    cli.main(
        ["export", str(saved_lenet), "--to", "saved_model", "--out", str(tmp_path / "m"), "--without-preprocessing"]
    )
    assert "takes normalised images" in capsys.readouterr().out.replace("\n", " ")
    out, eight_bits = str(tmp_path / "small.tflite"), ["--quantize", "int8", "--representative", "mnist_sample"]
    cli.main(["export", "lenet5", "--weights", "mnist", "--to", "tflite", "--out", out, *eight_bits])
    assert (tmp_path / "small.tflite").stat().st_size < 100_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: command"),
        (["shw"], "Unknown command 'shw'. Did you mean 'show'?"),
        (["show", "resnet5"], "Did you mean 'resnet5"),
        (["show", "resnet50", "--layrs"], "Did you mean '--layers'?"),
        (["list", "--family", "lenett"], "Did you mean 'lenet'?"),
        (["predict", "resnet50", "nowhere.png"], "There is no file 'nowhere.png'"),
        (["evaluate", "nowhere/best.keras", "--data", "mnist_sample"], "no run folder, .keras file or export"),
        (["evaluate", "resnet20", "--data", "mnist_sampel"], "Did you mean 'mnist_sample'?"),
        (["evaluate", "resnet20", "--data", "mnist_sample"], "has no trained weights here"),
        (["export", "resnet20", "--to", "tflit"], "Did you mean 'tflite'?"),
        (["list", "*resnt*"], "Unknown model '*resnt*'. Did you mean 'resnet"),
        (["list", "--dataset", "mnist", "*vgg*"], "Known: lecun1989, lenet5."),
        (["list", "--sort", "parms"], "Unknown column 'parms'. Did you mean 'params'?"),
        (["list", "--sort", "-parms"], "Did you mean 'params'?"),
        (["list", "--sort", "--reverse"], "--sort: expected one argument"),
        (["list", "--max-params", "5X"], "a number such as 300k, 5M or 1.5G, not '5X'"),
        (["list", "lenet5", "--max-macs", "1k"], "otherwise have 325,680 to 325,680 multiply-adds"),
        (["list", "--year", "2016..2015"], "the earlier year comes first"),
        (["list", "--year", ".."], "it must be a year"),
        (["list", "--year", "1990"], "papers of 1989 to 2018"),
        (["list", "plain*", "--with-weights"], "no public weights"),
        (["list", "--format", "mark"], "Did you mean 'markdown'?"),
        (["predict", "lenet5", "a.png", "--top", "0"], "must be a whole number of at least 1, not '0'"),
        (["predict", "lenet5", "a.png", "--backend", "trch"], "Did you mean 'torch'?"),
        (["evaluate", "lenet5", "--data", ""], "must be a folder of class folders, or one of mnist_sample, mnist"),
        (["evaluate", "lenet5", "--data", "mnist", "--batch-size", "0"], "of at least 1, not '0'"),
        (["evaluate", "lenet5", "--data", "nowhere/at/all"], "no trained weights"),
        (["evaluate", "lenet5", "--data", "mnist", "--views", "12"], "Unknown views '12'."),
        (["evaluate", "lenet5=a", "--data", "mnist"], "Did you mean 'lenet5'?"),
        (["plot", "zo"], "Did you mean 'zoo'?"),
        (["plot", "zoo", "--dataset", "cifar1"], "Did you mean 'cifar10'?"),
        (["plot", "gradcam", "lenet5", "nowhere.png"], "There is no file 'nowhere.png'"),
        (["plot", "filters", "resnet20"], "has no trained weights here"),
        (["plot", "confusion", "nowhere.json"], "Cannot read 'nowhere.json' (No such file or directory)"),
        (["plot", "zoo", "--out", "zoo.jpg"], "'zoo.jpg' must end in .png, .svg, .pdf"),
    ],
)
def test_mistakes_end_with_one_line_and_status_2(arguments, message, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    assert end.value.code == 2
    said = capsys.readouterr().err.strip()
    assert message in said
    assert "\n" not in said


def test_files_that_are_no_models(tmp_path, capsys):
    (tmp_path / "broken.keras").write_text("no model")
    (tmp_path / "image.png").write_text("no image")
    for arguments, message in [
        (["evaluate", str(tmp_path / "broken.keras"), "--data", "mnist_sample"], "is not a Keras model"),
        (["evaluate", str(tmp_path), "--data", "mnist_sample"], "has neither model.keras nor best.keras"),
        (["predict", str(tmp_path / "broken.keras"), str(tmp_path / "image.png")], "is no image"),
    ]:
        with pytest.raises(SystemExit):
            cli.main(arguments)
        assert message in capsys.readouterr().err


def test_the_first_answers_import_no_backend():
    """Neither Keras nor what takes as long; nor do mistakes that need none to be told."""
    program = """
import sys
from keras_classics import cli
for arguments in ([], ["list"], ["list", "*v2*", "--json", "-"], ["show", "ResNet50"],
                  ["list", "--sort", "-macs", "--format", "csv"], ["list", "--format", "markdown"],
                  ["--help"], ["--version"],
                  ["evaluate", "--help"], ["shw"], ["show", "resnt50"], ["export", "lenet5", "--to", "tflit"],
                  ["predict", "lenet5", "--backend", "trch"], ["evaluate", "lenet5", "--data", "mnsit"],
                  ["benchmark", "lenet5", "--against", "torchvison"], ["predict", "lenet5", "nowhere.png"],
                  ["plot", "--help"], ["plot", "gradcam", "lenet5", "nowhere.png"], ["plot", "filters", "lenet5"],
                  ["plot", "reliability", "nowhere.json"], ["card", "--help"], ["card", "nowhere.keras"],
                  ["card", "hf-hub:user/name"], ["export", "hf:user/name", "--to", "onnx"],
                  ["benchmark", "nowhere.onnx"], ["demo", "--help"], ["demo", "--model", "nowhere.keras"],
                  ["demo", "--model", "resnet50"], ["demo", "--data", "mnsit"],
                  ["export-matrix", "--networks", "lenet6"]):
    try:
        cli.main(arguments)
    except SystemExit:
        pass
    heavy = {"keras", "tensorflow", "jax", "torch", "h5py", "matplotlib", "keras_classics.zoo"} & set(sys.modules)
    assert not heavy, (arguments, heavy)
from training import cli as training
for arguments in ([], ["--help"], ["run", "--help"], ["rum"], ["run", "lenet5-mnist", "--epoch_s", "2"]):
    try:
        training.main(arguments)
    except SystemExit:
        pass
    assert "keras" not in sys.modules, arguments
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "keras-classics 0.1.0" in done.stdout
    assert "Did you mean 'resnet50'?" in done.stderr


def test_a_command_is_silent_but_for_its_answer(tmp_path):
    """Whatever TensorFlow would say, on any level, and without control characters in a pipe."""
    PIL.Image.new("L", (28, 28)).save(tmp_path / "digit.png")
    command = [sys.executable, "-m", "keras_classics"]
    environment = {k: v for k, v in os.environ.items() if k not in ("TF_CPP_MIN_LOG_LEVEL", "KERAS_BACKEND")}
    arguments = ["predict", "lenet5", "--weights", "mnist", tmp_path / "digit.png", "--backend", "tensorflow"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 6
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("keras-classics be", {"benchmark", "benchmark-views"}),
        ("keras-classics show resnet50", {"resnet50", "resnet50_v2"}),
        ("keras-classics predict lenet5 --backend t", {"tensorflow", "torch"}),
        ("keras-classics evaluate lenet5 --data cif", {"cifar10", "cifar100"}),
        ("keras-classics export lenet5 --quan", {"--quantize"}),
    ],
)
def test_a_shell_completes_words(line, offered, tmp_path):
    """By argcomplete's protocol: the line and the place in it in the environment, the words on a file."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(pathlib.Path(cli.__file__).parents[2]),
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(tmp_path / "words"),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    program = "import sys; from keras_classics import cli; sys.argv[0] = 'keras-classics'; cli.main()"
    subprocess.run([sys.executable, "-c", program], env=environment, cwd=tmp_path, capture_output=True)
    words = (tmp_path / "words").read_text("utf-8").split("\x0b")
    assert {word.strip() for word in words} == offered


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_no_color(variables, coloured):
    """FORCE_COLOR stands for a terminal. Colours are codes 30 to 37 and 90 to 97 of `ESC [ ... m`."""
    program = "from keras_classics.cli.output import console; console.print('[red]word[/red]')"
    kept = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    environment = {**kept, "FORCE_COLOR": "1", "TERM": "xterm", **variables}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert bool(re.search(r"\x1b\[[\d;]*[39][0-7]m", done.stdout)) == coloured, done.stderr


def test_patterns(capsys):
    cli.main(["list", "*ResNet50*"])
    names = [line.split()[0] for line in capsys.readouterr().out.split("\n\n")[0].splitlines()[1:]]
    assert names == ["resnet50", "resnet50_v2"]
    cli.main(["list", "GoogLe*"])
    assert "inception_v1" in capsys.readouterr().out


def printed_json(capsys, *arguments):
    cli.main([*map(str, arguments), "--json", "-"])
    return json.loads(capsys.readouterr().out)


def test_json(capsys, saved_lenet, tmp_path):
    """Where a table is printed; "-" prints nothing but JSON, a file comes beside the table."""
    assert [f["name"] for f in printed_json(capsys, "list", "--family", "vgg")] == kc.list_models("vgg")
    assert printed_json(capsys, "show", "ResNet50") == catalogue.find("resnet50")
    assert printed_json(capsys, "show", "lenet5", "--layers")["layers"][-1]["name"] == "predictions"
    PIL.Image.new("L", (28, 28)).save(tmp_path / "digit.png")
    (predicted,) = printed_json(capsys, "predict", saved_lenet, tmp_path / "digit.png", "--top", "10")
    assert predicted["image"] == str(tmp_path / "digit.png")
    assert {c["name"] for c in predicted["classes"]} == set("0123456789")
    assert sum(c["probability"] for c in predicted["classes"]) == pytest.approx(1)
    out = tmp_path / "net.tflite"
    assert printed_json(capsys, "export", saved_lenet, "--to", "tflite", "--out", out)["path"] == str(out)
    cli.main(["list", "--json", str(tmp_path / "list.json")])
    assert "lenet5" in capsys.readouterr().out
    assert len(json.loads((tmp_path / "list.json").read_text())) == len(kc.list_models())


def test_what_the_figures_are_of_is_told(capsys, saved_lenet, picture_folder):
    """The pixels always; and no figure of the paper's stands beside training images or other data."""
    evaluate = ["evaluate", str(saved_lenet), "--data"]
    cli.main([*evaluate, "mnist_sample"])
    printed = capsys.readouterr().out
    assert "pixels: (0..255 - 20.0) / 200.0, grey, shorter side 28, centre 32, bilinear" in printed
    assert "These are training images" not in printed
    cli.main([*evaluate, "mnist_sample", "--split", "train", "--batch-size", "1000"])
    printed = capsys.readouterr().out
    assert "These are training images" in printed
    assert "0.95%" not in printed
    cli.main([*evaluate, str(picture_folder)])
    printed = capsys.readouterr().out
    assert "The paper's errors are on mnist, not on these images." in printed
    assert "0.95%" not in printed


def test_classes_of_a_run_are_compared_by_name(capsys, saved_lenet, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "best.keras").write_bytes(saved_lenet.read_bytes())
    (run / "metrics.json").write_text(json.dumps({"class_names": [*"123456789", "zero"]}))
    with pytest.raises(SystemExit):
        cli.main(["evaluate", str(run), "--data", "mnist_sample"])
    assert "The model's classes are 1, 2, 3, ... and those of mnist_sample are 0, 1, 2, ..." in capsys.readouterr().err
    cli.main(["evaluate", str(run), "--data", "mnist_sample", "--any-classes"])
    assert "measured, 1000 images" in capsys.readouterr().out
    (run / "metrics.json").write_text(json.dumps({"class_names": [*"0123456789"]}))
    cli.main(["evaluate", str(run), "--data", "mnist_sample"])
    assert "measured, 1000 images" in capsys.readouterr().out


def test_weights_that_are_not_finite(capsys, tmp_path):
    model = kc.LeNet5(seed=0)
    model.get_layer("f6").set_weights([np.full((120, 84), np.nan), np.zeros(84)])
    model.save(tmp_path / "nan.keras")
    PIL.Image.new("L", (28, 28)).save(tmp_path / "digit.png")
    for arguments in (
        ["evaluate", "--data", "mnist_sample"],
        ["predict", tmp_path / "digit.png"],
        ["export", "--to", "tflite"],
    ):
        with pytest.raises(SystemExit, match="2"):
            cli.main([arguments[0], str(tmp_path / "nan.keras"), *map(str, arguments[1:])])
        said = capsys.readouterr().err
        assert "nan.keras' cannot be opened. The weights of lenet5 are not finite, first those of its layer f6" in said
        assert said.count("\n") == 1


def test_heads_and_other_channels(capsys, tmp_path):
    model = kc.LeNet5(seed=0)
    outputs = {"predictions": model.output, "aux_1": model.get_layer("f6").output}
    keras.Model(model.inputs, outputs, name="lenet5").save(tmp_path / "heads.keras")
    kc.ResNet20(seed=0, input_shape=(32, 32, 4)).save(tmp_path / "four.keras")
    PIL.Image.new("RGB", (70, 80)).save(tmp_path / "image.png")
    cli.main(["predict", str(tmp_path / "heads.keras"), str(tmp_path / "image.png"), "--top", "2"])
    assert len(capsys.readouterr().out.splitlines()) == 3
    out = str(tmp_path / "heads")
    cli.main(["export", str(tmp_path / "heads.keras"), "--to", "saved_model", "--out", out])
    assert "differs from the Keras model by at most" in " ".join(capsys.readouterr().out.split())
    with pytest.raises(SystemExit, match="2"):
        cli.main(["predict", str(tmp_path / "four.keras"), str(tmp_path / "image.png")])
    assert capsys.readouterr().err == "resnet20 reads 4 channels, and the picture has 3.\n"


@pytest.mark.parametrize("debug", [False, True])
def test_any_other_error_is_one_line_and_status_1(capsys, monkeypatch, debug):
    def fail(*_):
        raise RuntimeError("It went\n  wrong.")

    monkeypatch.setattr(catalogue, "find", fail)
    with pytest.raises(SystemExit, match="1"):
        cli.main(["show", "lenet5", *(["--debug"] if debug else [])])
    said = capsys.readouterr().err
    assert ("Traceback" in said) == debug
    hint = "" if debug else "; --debug shows the trace"
    assert said.splitlines()[-1] == f"error: It went wrong. (RuntimeError{hint})"


def test_a_backend_that_cannot_be_had(capsys, monkeypatch):
    arguments = ["evaluate", "lenet5", "--weights", "x.keras", "--data", "mnist_sample", "--backend"]
    other = "jax" if keras.config.backend() != "jax" else "torch"
    with pytest.raises(SystemExit, match="2"):
        cli.main([*arguments, other])
    assert f"Keras runs on {keras.config.backend()} already" in capsys.readouterr().err
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="2"):
        cli.main([*arguments, other])
    assert f"{other} is not installed: python -m pip install" in capsys.readouterr().err


def test_classes_are_compared_though_a_folder_is_called_as_the_weights_are(tmp_path, monkeypatch, capsys):
    """As in a checkout of this package, where "keras_classics" is a folder too."""
    (tmp_path / "keras_classics").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        cli.main(["evaluate", "resnet20", "--weights", "keras_classics", "--data", "mnist_sample"])
    assert "not the same, or not in the same order" in capsys.readouterr().err


def test_it_is_said_whether_classes_were_compared_by_name(saved_lenet, capsys):
    """A bare file does not tell the names of its classes; a network with public weights has those of its data set."""
    arguments = ["--data", "mnist_sample", "--limit", "20"]
    cli.main(["evaluate", str(saved_lenet), *arguments])
    assert "compared by number, not by name" in capsys.readouterr().out
    cli.main(["evaluate", "lenet5", "--weights", "mnist", *arguments])
    assert "compared by number" not in capsys.readouterr().out
