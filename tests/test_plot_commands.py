"""The pictures that the command draws, but for those that have a file of their own."""

import json
import re

import numpy as np
import PIL.Image
import pytest

from keras_classics import catalogue, cli
from keras_classics.cli.evaluate import HUMAN_TOP5
from keras_classics.cli.plot import runs, zoo
from keras_classics.plots import confusion, curves

HEADER = "epoch,accuracy,loss,val_accuracy,val_loss,learning_rate,seconds"


def written(path):
    """The texts of a picture in SVG, each of which matplotlib writes beside its glyphs."""
    return re.findall(r"<!-- (.+?) -->", path.read_text("utf-8"))


def run_folder(path, rows=("1,0.5,1.5,0.4,1.7,0.1,9", "2,0.75,0.5,0.6,0.7,0.1,9")):
    path.mkdir(parents=True)
    (path / "history.csv").write_text("\n".join([HEADER, *rows]))
    return path


def result(path, **changes):
    figures = {"model": "resnet20", "data": "cifar10", "images": 100, "views": "1", "top1": 8.27}
    path.write_text(json.dumps(figures | changes))
    return str(path)


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        cli.main(["plot", *map(str, arguments)])
    assert end.value.code == 2
    said = capsys.readouterr().err.strip()
    assert "\n" not in said
    return said


def test_model(capsys, tmp_path):
    cli.main(["plot", "model", "LeNet5", "--out", str(tmp_path / "model.svg")])
    assert "8 boxes for 18 layers" in capsys.readouterr().out
    texts = written(tmp_path / "model.svg")
    assert {"c3", "5x5, 16", "1,516 parameters", "10x10x16", "stride 2"} <= set(texts)
    assert "Did you mean 'lenet5'" in refused(capsys, "model", "lenet6")
    assert "no auxiliary heads" in refused(capsys, "model", "lenet5", "--aux-heads")
    assert "no run folder, .keras file or export" in refused(capsys, "model", tmp_path / "nothing.keras")


def test_a_runs_curves(capsys, tmp_path):
    one, other = run_folder(tmp_path / "one"), run_folder(tmp_path / "deep" / "other")
    cli.main(["plot", "run", str(one), "--out", str(tmp_path / "one.svg")])
    assert {"one", "training", "validation"} <= set(written(tmp_path / "one.svg"))
    cli.main(["plot", "run", str(one), str(other), "--out", str(tmp_path / "both.svg")])
    texts = written(tmp_path / "both.svg")
    assert {"one", "other", "training loss", "validation error, %"} <= set(texts)
    assert "one 2, other 2" in " ".join(capsys.readouterr().out.split())
    assert runs.read_history(one)[1]["val_accuracy"] == 0.6


def test_runs_of_one_name_are_told_apart(tmp_path):
    folders = [str(tmp_path / "a" / "run"), str(tmp_path / "b" / "run"), str(tmp_path / "c")]
    assert list(runs.names(folders)) == [*folders[:2], "c"]


def test_dollar_signs_in_names_begin_no_formula(tmp_path):
    """Matplotlib would end with an error, and a run at its very end."""
    names = ("5$ or 6$", r"$\$", "$^$")
    confusion.draw(np.eye(3, dtype="int64"), names, tmp_path / "confusion.svg", "net on $_$")
    assert {*names, "net on $_$"} <= set(written(tmp_path / "confusion.svg"))
    histories = {name: runs.read_history(run_folder(tmp_path / name)) for name in names[::2]}
    curves.compare(histories, tmp_path / "both.svg")
    assert set(histories) <= set(written(tmp_path / "both.svg"))
    file = result(tmp_path / "a.json", data="$^$")
    cli.main(["plot", "zoo", "--results", file, "--out", str(tmp_path / "zoo.svg")])
    assert "As measured on $^$" in written(tmp_path / "zoo.svg")


def test_what_is_no_run_is_refused(capsys, tmp_path):
    assert "is no run folder with a finished epoch" in refused(capsys, "run", tmp_path)
    for number, rows in enumerate(((), ("1,much,1.5",), ("1,0.5",))):
        folder = run_folder(tmp_path / str(number), rows)
        assert "is no history of a run" in refused(capsys, "run", folder)
    assert not (tmp_path / "run.png").exists()


def test_own_results_in_the_place_of_the_papers(capsys, tmp_path):
    files = [result(tmp_path / "a.json"), result(tmp_path / "b.json", model="resnet20, resnet56", views="2", top1=5.55)]
    cli.main(["plot", "zoo", "--results", *files, "--out", str(tmp_path / "zoo.svg")])
    assert "2 results on cifar10" in capsys.readouterr().out
    assert {"resnet20", "resnet20+resnet56, 2 views", "As measured on cifar10"} <= set(written(tmp_path / "zoo.svg"))
    (alone, both), *_ = zoo.measured(files)
    assert alone["one_crop"]
    assert not both["one_crop"]
    for cost in ("params", "macs"):
        assert both[cost] == sum(catalogue.find(name)[cost] for name in ("resnet20", "resnet56"))
    assert both["accuracy"] == pytest.approx(94.45)


def test_what_is_no_evaluation_is_refused(capsys, tmp_path):
    good = result(tmp_path / "good.json")
    for name, changes in (("a", {"top1": "8"}), ("b", {"model": None}), ("c", {"data": 3})):
        assert "is no evaluation" in refused(capsys, "zoo", "--results", good, result(tmp_path / name, **changes))
    (tmp_path / "text").write_text("no JSON")
    assert "is no evaluation" in refused(capsys, "zoo", "--results", tmp_path / "text")
    assert "Cannot read" in refused(capsys, "zoo", "--results", tmp_path / "nowhere")
    bad = result(tmp_path / "f", calibration_bins=[], calibration_error="2%")
    assert "is no evaluation" in refused(capsys, "reliability", bad)
    assert "Did you mean 'resnet20'" in refused(capsys, "zoo", "--results", result(tmp_path / "d", model="resnet20x"))
    several = refused(capsys, "zoo", "--results", good, result(tmp_path / "e", data="mnist"))
    assert "of several data sets, cifar10, mnist" in several
    assert "not allowed with" in refused(capsys, "zoo", "--results", good, "--dataset", "cifar10")


def test_progress(capsys, tmp_path):
    """Of each family the best network, each error by one crop where the paper has one, and the human level."""
    cli.main(["plot", "progress", "--out", str(tmp_path / "progress.svg")])
    assert "of 15 families" in " ".join(capsys.readouterr().out.split())
    texts = written(tmp_path / "progress.svg")
    assert {"alexnet", "inception_v1", "resnet152", "nasnet_large", "1 crop", "10 crops"} <= set(texts)
    assert f"human, {HUMAN_TOP5:g}%" in texts
    assert not {"resnet50", "lenet5", "resnet20"} & set(texts)
    cli.main(["plot", "progress", "--out", str(tmp_path / "progress.png")])
    assert PIL.Image.open(tmp_path / "progress.png").format == "PNG"
