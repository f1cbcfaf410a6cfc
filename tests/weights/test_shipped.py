"""What ships in saved_models is what was measured, is in the wheel, and errs as its card says."""

import json
import pathlib
import tomllib

import numpy as np
import pytest
from huggingface_hub import ModelCard

import keras_classics as kc
from keras_classics import datasets
from keras_classics.feed import feed_of
from keras_classics.loading import load
from keras_classics.model_card import model_card, told_command
from keras_classics.weights.entries import ENTRIES
from keras_classics.weights.fetch import SHIPPED, fetch
from keras_classics.weights.locate import locate
from keras_classics.weights.read import read
from keras_classics.zoo import variant_of

ROOT = pathlib.Path(__file__).parents[2]
OURS = {e.name: e for e in ENTRIES if e.source == "keras_classics"}
LARGEST = 3_000_000  # bytes of a file in the package


def test_every_folder_has_an_entry_and_is_in_the_wheel():
    files = [str(path.relative_to(ROOT)) for path in SHIPPED.glob("*/best.keras")]
    assert sorted(files) == sorted(f"{SHIPPED.name}/{name}/best.keras" for name in OURS)
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
    assert build["wheel"]["force-include"] == {file: f"keras_classics/{file}" for file in files}
    assert SHIPPED.name in build["sdist"]["include"]


@pytest.mark.parametrize("name", OURS)
def test_what_ships_is_what_was_measured(name):
    entry, file = OURS[name], fetch(OURS[name])  # which checks the sum
    result = json.loads((ROOT / "training" / "results" / f"{name}.json").read_text("utf-8"))
    card = ModelCard.load(file.with_name("README.md"))
    (error,) = card.data.eval_results
    assert error.metric_value == entry.top1 == result["best"]["top1_error"]
    assert f"{entry.top5:.2f}% top-5" in card.text
    assert entry.top5 == result["best"]["top5_error"]
    assert (error.dataset_name, error.dataset_split) == (entry.protocol.dataset, result["test_split"])
    for told in (result["commit"], f"epoch {result['best_epoch']}", *result["settings"]["recipe"]["departures"]):
        assert told in card.text
    assert card.data.license == entry.licence.lower()
    assert read(file).origin.protocol == entry.protocol
    assert locate(entry.tag, kc.get_model(entry.variant)).protocol == entry.protocol  # whose data the tag tells
    files = {path.name: path.stat().st_size for path in file.parent.iterdir()}
    assert set(files) - {"model.tflite"} == {"best.keras", "curves.png", "README.md"}
    assert max(files.values()) <= LARGEST


@pytest.mark.parametrize("name", OURS)
def test_the_card_is_the_one_that_ship_writes_today(name):
    file = fetch(OURS[name])
    result = json.loads((ROOT / "training" / "results" / f"{name}.json").read_text("utf-8"))
    command = told_command({"backend": result["backend"], **result["settings"]})
    model = load(file)
    made = model_card(file, result, command, feed_of(model, variant_of(model)))
    assert file.with_name("README.md").read_text("utf-8") == made


@pytest.mark.parametrize("name", OURS)
def test_a_shipped_network_errs_as_its_card_says(name, tfds_dir):
    entry = OURS[name]
    model = kc.get_model(entry.variant)(weights=entry.tag)
    result = kc.evaluate(model, datasets.load(entry.protocol.dataset, str(tfds_dir)), verbose=0)
    assert (round(result.top1, 4), round(result.top5, 4)) == (entry.top1, entry.top5)


@pytest.mark.parametrize("name", OURS)
def test_a_shipped_export_answers_like_the_network(name):
    shipped = SHIPPED / name / "model.tflite"
    if not shipped.exists():
        pytest.skip("its export is too large to ship")
    digits = datasets.limited(datasets.load("mnist_sample"), 100, ["test"])
    model = kc.get_model(OURS[name].variant)(weights=OURS[name].tag)
    if model.input_shape[-1] != 1:
        pytest.skip("no pictures for it are embedded")
    ours, theirs = (kc.evaluate(one, digits, verbose=0) for one in (model, kc.load_export(shipped)))
    assert ours.loss == pytest.approx(theirs.loss, abs=1e-5)
    np.testing.assert_array_equal(ours.confusion, theirs.confusion)


def test_a_damaged_file_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_classics.weights.fetch.SHIPPED", tmp_path)
    with pytest.raises(kc.ClassicsError, match="is missing or damaged; install keras-classics anew"):
        kc.LeNet5(weights="mnist")
    path = tmp_path / "lenet5_distorted-mnist" / "best.keras"
    path.parent.mkdir()
    path.write_bytes((SHIPPED / "lenet5_distorted-mnist" / "best.keras").read_bytes()[:-1])
    with pytest.raises(kc.ClassicsError, match="is missing or damaged; install keras-classics anew"):
        kc.LeNet5(weights="mnist")
