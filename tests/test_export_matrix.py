"""A small network as every format, and what becomes of exports that fail."""

import dataclasses
import json
import subprocess

import pytest

import keras_classics as kc
from keras_classics import cli, export_matrix, exporting
from keras_classics.errors import ExportError
from keras_classics.export_matrix import FORMATS
from keras_classics.exporting import Agreement, converting

FAR = Agreement(24, 0.1, 0.1, 0.0027, 0.00029, 90.0)


def test_a_network_as_every_format(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ["export-matrix", "--networks", "LeNet*", "--out", "matrix.json", "--markdown", "matrix.md"]
    cli.main(command)
    rows, printed = export_matrix.read("matrix.json"), capsys.readouterr().out + (tmp_path / "matrix.md").read_text()
    assert [(row["network"], row["format"]) for row in rows] == [("lenet5", format) for format in FORMATS]
    for row in rows:
        assert row["converts"] is row["runs"] is True
        assert row["seconds"] > 0
        assert 0.1 < row["spread"] < 2.1  # of the weights that ship, with tanh and softmax
        assert row["versions"]["tensorflow"]
        assert row["agrees"]
        assert row["agreement"]["error"] <= row["agreement"]["allowed_error"]
        assert printed.count(f"{row['bytes'] / 1e6:.2f} MB") >= 2
    sizes = {row["format"]: row["bytes"] for row in rows}
    assert sizes["dynamic"] < sizes["float16"] < sizes["tflite"] < sizes["saved_model"]

    made = (tmp_path / "matrix.json").read_bytes()
    monkeypatch.setattr(subprocess, "Popen", None)
    cli.main(command)
    assert (tmp_path / "matrix.json").read_bytes() == made
    printed = capsys.readouterr().out
    assert f"{sizes['tflite'] / 1e6:.2f} MB" in printed
    with pytest.raises(SystemExit):
        cli.main([*command, "--again"])
    assert "'NoneType' object is not callable" in capsys.readouterr().err


def test_a_process_that_fails_or_takes_too_long_is_a_row(tmp_path):
    file = tmp_path / "matrix.json"
    rows = export_matrix.fill(file, ["no_network"], ["onnx"])
    assert json.loads(file.read_text()) == {"rows": rows}
    assert (rows[0]["network"], rows[0]["format"], rows[0]["agrees"]) == ("no_network", "onnx", None)
    assert rows[0]["reason"].startswith("the process ended with 1: keras_classics.errors.ClassicsError: Unknown model")
    _, *rows = export_matrix.fill(file, ["lenet5"], ["tflite", "onnx"], timeout=0.05)
    assert [row["format"] for row in rows] == ["tflite", "onnx"]
    assert {row["reason"] for row in rows} == {"it took more than 0.05 seconds"}
    assert len(export_matrix.read(file)) == 3


def test_what_a_signal_ended_is_made_anew(tmp_path, monkeypatch):
    """As where another process had taken the memory."""
    file = tmp_path / "matrix.json"
    told = [export_matrix._why(code, 1, 9, None) for code in (-9, -15)]
    assert told == [
        "the process was ended by signal 9, perhaps for want of memory",
        "the process was ended by signal 15",
    ]
    reasons = dict(zip(FORMATS, (*told, "", "it took more than 9 seconds"), strict=False))
    rows = [{"network": "lenet5", "format": f, "agrees": None, "reason": why} for f, why in reasons.items()]
    file.write_text(json.dumps({"rows": rows}))
    asked = []
    monkeypatch.setattr(export_matrix, "_rows", lambda name, wanted, *_: asked.extend(wanted) or [])
    export_matrix.fill(file, ["lenet5"], list(reasons))
    assert asked == list(reasons)[:2]


@pytest.mark.parametrize(
    ("error", "cell"),
    [
        (ExportError("net cannot be exported as onnx (no such operation).", False), "no conversion"),
        (ExportError("The export cannot be run here (no memory).", True, False), "does not run"),
        (ExportError("It differs. Nothing was written; bad.", True, True, False, FAR), "differs"),
        (kc.ClassicsError("something else"), "failed"),
    ],
)
def test_how_far_a_failing_export_came(error, cell, tmp_path, monkeypatch):
    def export(*_, **__):
        raise error

    monkeypatch.setattr(exporting, "export", export)
    row = export_matrix.row(kc.LeNet5(), "float16", None, tmp_path)
    assert row["reason"] == str(error).split(". Nothing")[0]
    assert export_matrix.cell(row) == cell
    assert row["agreement"] == (dataclasses.asdict(FAR) if cell == "differs" else None)
    assert row["bytes"] is None
    assert export_matrix.markdown([row]).splitlines() == [
        "| network | float16 |",
        "|---|---:|",
        f"| lenet5 | {cell} |",
        *([] if cell == "differs" else ["", f"- lenet5 as float16: {row['reason']}"]),
    ]
    assert export_matrix.told([row]) == [f"lenet5 as float16: {row['reason']}"]


def test_a_conversion_that_fails_is_told_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(converting, "_on_tensorflow", lambda *_: "no such operation")
    row = export_matrix.row(kc.LeNet5(), "onnx", None, tmp_path)
    assert export_matrix.cell(row) == "no conversion"
    assert row["reason"] == "lenet5 cannot be exported as onnx (no such operation)."


def test_the_answers_of_untrained_networks_differ_between_pictures():
    model, pictures, spread = export_matrix.prepared("shufflenet_g3_cifar")
    assert pictures.shape == (8, 32, 32, 3)
    assert 0.05 < spread <= 1
    assert (
        model.get_layer("stage2_unit2_1_bn").momentum == kc.ShuffleNetG3CIFAR().get_layer("stage2_unit2_1_bn").momentum
    )


def test_where_they_do_not_agreeing_is_marked():
    made = {"network": "lenet5", "format": "onnx", "agrees": True, "bytes": 10**6, "reason": ""}
    assert export_matrix.cell(made | {"spread": 0.1}) == "1.00 MB"
    assert export_matrix.told([made | {"spread": 0.1}]) == []
    assert export_matrix.cell(made | {"spread": 0.0}) == "1.00 MB*"
    assert export_matrix.told([made | {"spread": 0.0}]) == [export_matrix.STAR]
    assert export_matrix.markdown([made | {"spread": 0.0}]).endswith(
        "\n- \\* The network answers alike to all pictures, so that agreeing says little.\n"
    )


def test_which_networks():
    names = export_matrix.networks()
    assert sorted(names) == sorted(kc.list_models())
    assert (names[0], names[-1]) == ("lecun1989", "pnasnet5_large")
    small = export_matrix.networks(small=True)
    assert {kc.get_model(name).image_size for name in small} == {16, 32}
    assert "resnet1202" in small
    assert export_matrix.networks(["shufflenet_g3*"], small=True) == ["shufflenet_g3_cifar"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--networks", "lenet6"], "Did you mean 'lenet5'?"),
        (["--networks", "vgg*", "--small"], "None of these networks takes images of at most 64 pixels"),
        (["--formats", "int-8"], "Did you mean 'int8'?"),
        (["--networks", "lenet5", "--out", "other.json"], "'other.json' is no file of this command"),
        (["--timeout", "0"], "it must be a whole number of at least 1, not '0'"),
    ],
)
def test_bad_requests_get_one_line(arguments, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.json").write_text('{"rows": [1]}')
    with pytest.raises(SystemExit, match="2"):
        cli.main(["export-matrix", *arguments])
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
