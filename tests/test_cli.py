"""The command, as it is typed."""

import json

import PIL.Image
import pytest

import keras_classics as kc
from keras_classics import cli, datasets


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
    cli.main(["list", "--family", "lenet"])
    printed = capsys.readouterr().out
    assert "lenet5" in printed
    assert "resnet50" not in printed


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
    cli.main(["predict", "lenet5", str(tmp_path / "digit.png"), "--weights", str(saved_lenet), "--top", "3"])
    assert capsys.readouterr().out.splitlines()[1:] == lines[1:]


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: command"),
        (["shw"], "Unknown command 'shw'. Did you mean 'show'?"),
        (["show", "resnet5"], "Did you mean 'resnet5"),
        (["show", "resnet50", "--layrs"], "Did you mean '--layers'?"),
        (["list", "--family", "lenett"], "Did you mean 'lenet'?"),
        (["predict", "resnet50", "nowhere.png"], "There is no file 'nowhere.png'"),
        (["evaluate", "nowhere/best.keras", "--data", "mnist_sample"], "no run folder or .keras file"),
        (["evaluate", "resnet20", "--data", "mnist_sampel"], "Did you mean 'mnist_sample'?"),
        (["evaluate", "resnet20", "--data", "mnist_sample"], "has no trained weights here"),
        (["export", "resnet20", "--to", "tflit"], "Did you mean 'tflite'?"),
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
        (["evaluate", str(tmp_path), "--data", "mnist_sample"], "best.keras' is not a Keras model"),
        (["predict", str(tmp_path / "broken.keras"), str(tmp_path / "image.png")], "is no image"),
    ]:
        with pytest.raises(SystemExit):
            cli.main(arguments)
        assert message in capsys.readouterr().err
