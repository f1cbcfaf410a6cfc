"""A model on the Hugging Face hub: the folder that `card` writes, and `kc.load`. A folder here stands for the hub."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import types

import huggingface_hub
import keras
import numpy as np
import pytest
from answers import answers
from huggingface_hub import ModelCard
from huggingface_hub.errors import RepositoryNotFoundError
from pseudo_random import images
from test_model_file import changed

import keras_classics as kc
from keras_classics import cli, exported, hub_folder, model_card, preprocessing, runtimes
from keras_classics.weights.fetch import SHIPPED

ROOT = pathlib.Path(__file__).parents[1]
ANIMALS = tuple(f"animal {i}" for i in range(10))
FILES = {"README.md", "labels.txt", "model.keras", "preprocessor_config.json"}


def card(*arguments):
    cli.main(["card", *map(str, arguments)])


def refused(message, *arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main([str(argument) for argument in arguments])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert re.search(message, told), told
    assert told.count("\n") == 1


def outputs(model):
    return answers(model, images(2, 32, 32, 1))


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A function that puts a folder on the hub as "someone/net", at the tag "v1" as well. What was asked of the hub is
    in its `asked`."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    served: dict[str, pathlib.Path] = {}
    asked = []

    def model_info(repository, revision=None, files_metadata=False):
        asked.append((repository, revision))
        if "net" not in served:
            raise ConnectionError
        if repository != "someone/net" or revision not in (None, "v1"):
            raise RepositoryNotFoundError("404", response=types.SimpleNamespace(headers={}, request=None))
        files = [
            types.SimpleNamespace(rfilename=path.name, size=path.stat().st_size) for path in served["net"].iterdir()
        ]
        return types.SimpleNamespace(siblings=files)

    def hf_hub_download(repository, name, revision, cache_dir, local_files_only=False):
        kept = pathlib.Path(cache_dir, "snapshots", str(revision), name)
        if not local_files_only:
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(served["net"] / name, kept)
        if not kept.exists():
            raise FileNotFoundError
        asked.append(name)
        return str(kept)

    monkeypatch.setattr(huggingface_hub, "model_info", model_info)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", hf_hub_download)

    def put(folder):
        served.clear()
        if folder is not None:
            served["net"] = folder

    put.asked = asked
    return put


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder with a network of ten animals that no data set names, `net.keras`, their names, and `folder`, which
    `card` wrote of both."""
    place = tmp_path_factory.mktemp("written")
    kc.LeNet5(seed=3).save(place / "net.keras")
    (place / "names.txt").write_text("".join(f"{name}\n" for name in ANIMALS))
    card(place / "net.keras", "--out", place / "folder", "--class-names", place / "names.txt")
    return place


@pytest.fixture
def net(written):
    return written / "net.keras"


@pytest.fixture
def folder(written, tmp_path):
    """A copy of what `card` wrote, to be spoilt."""
    return pathlib.Path(shutil.copytree(written / "folder", tmp_path / "folder"))


@pytest.fixture
def run(tmp_path):
    """The folder of a run that was on this package's own data."""
    run = tmp_path / "run"
    run.mkdir()
    for name in ("best.keras", "model.tflite"):
        shutil.copyfile(SHIPPED / "lenet5-mnist" / name, run / name)
    shutil.copyfile(ROOT / "training" / "results" / "lenet5-mnist.json", run / "metrics.json")
    return run


@pytest.mark.every_backend
def test_what_is_written_is_what_is_loaded(net, folder, hub):
    hub(folder)
    expected = outputs(kc.LeNet5(seed=3))
    for place in ("hf-hub:someone/net", "hf-hub:someone/net@v1", folder, str(folder), folder / "model.keras"):
        model = kc.load(place)
        np.testing.assert_array_equal(outputs(model), expected)
        protocol = preprocessing.carried_protocol(model)
        assert protocol.class_names == ANIMALS
        assert protocol.normalization == kc.LeNet5.protocol.normalization
    np.testing.assert_array_equal(outputs(kc.load(net)), expected)
    assert hub.asked[0] == ("someone/net", None)
    assert ("someone/net", "v1") in hub.asked
    picture = np.zeros((40, 50, 3), "uint8")
    ((best,),) = kc.predict(kc.load("hf-hub:someone/net"), picture, top=1)
    assert best[1] == ANIMALS[int(best[0])]


def test_the_card_of_a_file_says_what_is_known_and_no_more(folder):
    assert {path.name for path in folder.iterdir()} == FILES
    told = ModelCard.load(folder / "README.md")
    assert told.data.to_dict() == {
        "library_name": "keras",
        "license": "unknown",
        "model_name": "lenet5",
        "pipeline_tag": "image-classification",
        "tags": ["image-classification", "keras-classics", "lenet5"],
    }
    for part in (
        "`lenet5` of [LeCun 1998]",
        "10 classes apart: animal 0, animal 1,",
        "the shorter side resized to 28 pixels (bilinear), surrounded by zeros to 32x32",
        "Unknown: say yours.",
        "was trained is not recorded",
        "Not measured here.",
    ):
        assert part in told.text, part
    assert not re.search(r"\d%|seed|commit", told.text)
    assert (folder / "labels.txt").read_text() == "".join(f"{name}\n" for name in ANIMALS)


def test_the_licence_and_the_data_are_what_one_says(net, tmp_path):
    card(net, "--out", tmp_path / "a", "--licence", "MIT", "--data", "animals", "--backend", "tensorflow")
    told = ModelCard.load(tmp_path / "a" / "README.md")
    assert (told.data.license, told.data.datasets) == ("mit", ["animals"])
    assert "Trained on animals. How it was trained is not recorded." in told.text
    card(net, "--out", tmp_path / "b", "--licence", "My own, of 2026")
    data = ModelCard.load(tmp_path / "b" / "README.md").data.to_dict()
    assert (data["license"], data["license_name"]) == ("other", "my-own-of-2026")


def test_a_form_other_than_the_papers_is_told(tmp_path):
    kc.ResNet20(shortcut="B").save(tmp_path / "net.keras")
    card(tmp_path / "net.keras", "--out", tmp_path / "a")
    assert "`resnet20 (shortcut='B')` of" in (tmp_path / "a" / "README.md").read_text()


def test_the_card_of_a_run_is_that_of_its_metrics(run, tmp_path, capsys):
    card(run, "--out", tmp_path / "folder", "--licence", "apache-2.0")
    assert f"hf upload user/name {tmp_path / 'folder'}\n" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "folder").iterdir()} == FILES | {"model.tflite"}
    told = ModelCard.load(tmp_path / "folder" / "README.md")
    metrics = json.loads((run / "metrics.json").read_text())
    (error,) = told.data.eval_results
    assert error.metric_value == metrics["best"]["top1_error"]
    assert (told.data.license, told.data.datasets, told.data.pipeline_tag) == (
        "apache-2.0",
        ["mnist"],
        "image-classification",
    )
    assert 'kc.load("hf-hub:<user>/<name>")' in told.text
    assert "best.keras" not in told.text
    assert f"**{metrics['best']['top1_error']:.2f}% top-1 error**" in told.text
    expected, got = (kc.load(path) for path in (run, tmp_path / "folder"))
    np.testing.assert_array_equal(outputs(got), outputs(expected))
    (best,) = kc.predict(exported.load_export(tmp_path / "folder" / "model.tflite"), np.zeros((28, 28, 1), "uint8"))
    assert len(best) == 5


def test_other_names_of_a_runs_classes_are_told_throughout(run, tmp_path):
    (tmp_path / "names.txt").write_text("".join(f"{name}\n" for name in ANIMALS))
    card(run, "--out", tmp_path / "folder", "--class-names", tmp_path / "names.txt")
    assert {path.name for path in (tmp_path / "folder").iterdir()} == FILES  # without the TFLite file of the old names
    assert ", ".join(ANIMALS[:3]) in (tmp_path / "folder" / "README.md").read_text()
    assert preprocessing.carried_protocol(kc.load(tmp_path / "folder")).class_names == ANIMALS


def test_a_runs_card_names_data_and_weights_without_their_folders(run, tmp_path):
    """Of a fine-tuning on somebody's own pictures, with the command that makes it again."""
    metrics = json.loads((run / "metrics.json").read_text())
    settings = metrics["settings"]
    settings["data"] = settings["recipe"]["dataset"] = "/home/somebody/flowers"
    tuning = {"weights": "/home/somebody/old.keras", "sha256": 64 * "0", "frozen": "c3"}
    settings["recipe"]["tuning"] = tuning
    metrics["class_names"] = ANIMALS
    (run / "metrics.json").write_text(json.dumps(metrics))
    card(run, "--out", tmp_path / "folder")
    told = (tmp_path / "folder" / "README.md").read_text()
    assert "somebody" not in told
    assert "datasets:\n- flowers\n" in told
    command = "python -m training finetune lenet5 --weights old.keras --epochs 14 --freeze-up-to c3 --data flowers"
    assert command in told, told
    assert preprocessing.carried_protocol(kc.load(tmp_path / "folder")).class_names == ANIMALS
    assert (tmp_path / "folder" / "labels.txt").read_text().splitlines() == list(ANIMALS)


@pytest.mark.every_backend
def test_the_cards_own_snippets_run(run, tmp_path, hub):
    kc.LeNet5(seed=1).save(tmp_path / "bare.keras")
    for source in (run, tmp_path / "bare.keras"):
        card(source, "--out", tmp_path / "folder", "--overwrite")
        hub(tmp_path / "folder")
        text = (tmp_path / "folder" / "README.md").read_text()
        ours, keras_alone = re.findall(r"```python\n(.*?)```", text, re.S)
        keras.utils.save_img(tmp_path / "picture.png", np.zeros((28, 28, 3)), scale=False)
        names: dict = {}
        ours = ours.replace("picture.png", str(tmp_path / "picture.png"))
        exec(ours.replace("<user>/<name>", "someone/net"), names)
        assert names["model"].name == "lenet5"
        place = f'"{tmp_path / "folder" / "model.keras"}"'
        exec(re.sub(r"hf_hub_download\(.*?\)", lambda _: place, keras_alone), names)  # noqa: B023
        np.testing.assert_array_equal(outputs(names["model"]), outputs(kc.load(source)))


def test_keras_alone_opens_whatever_model_a_card_is_of(tmp_path):
    """In a process that has imported no more than the card says."""
    kc.ResNet20(remat=True).save(tmp_path / "slower.keras")
    kc.fuse(kc.ResNet20()).save(tmp_path / "fused.keras")
    imports = re.findall(r"^import .*$", model_card._use_on_hub().rpartition("```python")[2], re.M)
    opened = [f"keras.saving.load_model({str(path)!r})" for path in tmp_path.iterdir()]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(imports + opened)],
        env={**os.environ, "KERAS_BACKEND": "numpy"},
        capture_output=True,
        text=True,
    )
    assert (len(imports), done.returncode) == (2, 0), done.stderr


def test_the_preprocessor_says_our_geometry():
    wide = kc.ResNet18(seed=0, input_shape=(112, 112, 3))
    told = hub_folder.preprocessor_config(wide)
    assert told["size"] == {"shortest_edge": 128}
    assert told["crop_size"] == {"height": 112, "width": 112}
    np.testing.assert_allclose(told["image_mean"], (0.485, 0.456, 0.406), rtol=1e-6)
    np.testing.assert_allclose(told["image_std"], (0.229, 0.224, 0.225), rtol=1e-6)
    assert (told["resample"], told["do_convert_rgb"], told["do_normalize"]) == (2, True, True)
    own = hub_folder.preprocessor_config(kc.InceptionV3(seed=0, input_shape=(75, 75, 3), include_preprocessing=True))
    assert own["size"] == {"height": 86, "width": 86}  # 342 of 299, squashed
    assert (own["do_rescale"], own["do_normalize"]) == (False, False)
    assert not {"image_mean", "rescale_factor"} & own.keys()


def test_the_commands_take_it(folder, hub, tmp_path, capsys):
    hub(folder)
    keras.utils.save_img(tmp_path / "picture.png", np.zeros((28, 28, 3)), scale=False)
    cli.main(["predict", "hf-hub:someone/net", str(tmp_path / "picture.png"), "--json", "-"])
    ((figure),) = json.loads(capsys.readouterr().out)
    assert figure["classes"][0]["name"] in ANIMALS
    out = tmp_path / "net.tflite"
    cli.main(["export", "hf-hub:someone/net", "--to", "tflite", "--out", str(out)])
    assert exported.load_export(out).class_names == ANIMALS
    cli.main(["plot", "model", "hf-hub:someone/net", "--out", str(tmp_path / "m.svg")])
    assert (tmp_path / "m.svg").exists()
    capsys.readouterr()
    refused("The model's classes are animal 0", "evaluate", folder, "--data", "mnist_sample", capsys=capsys)
    refused(
        "has weights of its own", "predict", "hf-hub:a/b", tmp_path / "picture.png", "--weights", "x", capsys=capsys
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hf:user/name", "unknown prefix. Did you mean 'hf-hub:user/name'"),
        ("hf://user/name", "unknown prefix. Did you mean 'hf-hub:user/name'"),
        ("HF_hub:user/name@v1", "unknown prefix. Did you mean 'hf-hub:user/name@v1'"),
        ("user/name", "If it is on the Hugging Face hub, write 'hf-hub:user/name'"),
        ("hf-hub:name", "is no name of a model on the hub; write 'hf-hub:user/name'"),
        ("hf-hub:../../etc/passwd", "is no name of a model on the hub"),
        ("hf-hub:user/name@", "is no name of a model on the hub"),
        ("hf-hub:timm/resnet18.a1_in1k", "weights='hf-hub:timm/resnet18.a1_in1k', or --weights of a command"),
        ("resnet18", r"is a network; kc.get_model\('resnet18'\)\(weights=...\) builds it"),
        ("nowhere.keras", "There is no run folder, .keras file or export 'nowhere.keras'.$"),
    ],
)
def test_names_that_are_none(name, message):
    with pytest.raises(kc.ClassicsError, match=message):
        kc.load(name)


def test_offline_is_one_line_and_what_was_kept_serves(folder, hub):
    hub(None)
    with pytest.raises(kc.ClassicsError, match="Cannot download model.keras of 'hf-hub:someone/net' .*ConnectionError"):
        kc.load("hf-hub:someone/net")
    hub(folder)
    kc.load("hf-hub:someone/net")
    hub(None)
    assert preprocessing.carried_protocol(kc.load("hf-hub:someone/net")).class_names == ANIMALS
    with pytest.raises(kc.ClassicsError, match="Cannot download"):
        kc.load("hf-hub:someone/net@v1")  # which was not kept


def test_a_repository_that_lacks_the_model_or_is_none(folder, hub):
    (folder / "model.keras").rename(folder / "model.h5")
    hub(folder)
    with pytest.raises(kc.ClassicsError, match="'hf-hub:someone/net' has no model.keras, so .*`keras-classics card`"):
        kc.load("hf-hub:someone/net")
    assert hub.asked == [("someone/net", None)]  # and nothing was downloaded
    with pytest.raises(
        kc.ClassicsError, match="There is no 'hf-hub:someone/else@v2' on the Hugging Face hub, or it is"
    ):
        kc.load("hf-hub:someone/else@v2")
    with pytest.raises(kc.ClassicsError, match="has neither model.keras nor best.keras"):
        kc.load(folder)


def test_a_file_that_is_too_large_is_not_downloaded(folder, hub, monkeypatch):
    hub(folder)
    monkeypatch.setitem(hub_folder.FILES, "model.keras", 1000)
    with pytest.raises(kc.ClassicsError, match=r"model.keras of 'hf-hub:someone/net' has [\d,]+ bytes, and no more"):
        kc.load("hf-hub:someone/net")
    assert hub.asked == [("someone/net", None)]
    (folder / "labels.txt").write_bytes(bytes(runtimes.LONGEST + 1))
    with pytest.raises(kc.ClassicsError, match="labels.txt' has more than 1,048,576 bytes"):
        kc.load(folder)


def spoilt_labels(folder):
    (folder / "labels.txt").write_text("cat\ndog\n")


def other_labels(folder):
    (folder / "labels.txt").write_text("cat\n" + "".join(f"{name}\n" for name in ANIMALS[1:]))


def binary_labels(folder):
    (folder / "labels.txt").write_bytes(b"\xff\xfe\xff")


def other_pixels(folder):
    told = json.loads((folder / "preprocessor_config.json").read_text())
    told["image_mean"][0] += 0.01
    (folder / "preprocessor_config.json").write_text(json.dumps(told))


def broken_pixels(folder):
    (folder / "preprocessor_config.json").write_text("[1, 2]")


def with_code(folder):
    def lambda_for_f6(layers):
        layers["f6"].update(class_name="Lambda", module="keras.layers")

    changed(folder / "model.keras", folder / "changed.keras", config=lambda_for_f6)
    (folder / "changed.keras").rename(folder / "model.keras")


def cut_short(folder):
    content = (folder / "model.keras").read_bytes()
    (folder / "model.keras").write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoilt_labels, "labels.txt in .* names 2 classes, and its model.keras has 10"),
        (other_labels, "labels.txt in .* says 'cat' where its model.keras says 'animal 0'"),
        (binary_labels, "labels.txt' cannot be read"),
        (other_pixels, r"preprocessor_config.json in .* says image_mean \[.*, and its model.keras \["),
        (broken_pixels, "preprocessor_config.json in .* is damaged"),
        (with_code, "Its Lambda layer 'f6' holds code, which is not run"),
        (cut_short, "is not a Keras model that can be read: it is no .keras file"),
    ],
)
def test_a_damaged_or_hostile_repository(folder, hub, spoil, message):
    spoil(folder)
    hub(folder)
    with pytest.raises(kc.ClassicsError, match=message) as told:
        kc.load("hf-hub:someone/net")
    assert "\n" not in str(told.value)


def test_a_model_that_names_no_classes_takes_those_beside_it(tmp_path):
    """As of a repository that somebody made by hand: three classes, or ten others than of the network's data set."""
    kc.LeNet5(classes=3, output="softmax", seed=0).save(tmp_path / "model.keras")
    assert not exported.class_names_of(kc.load(tmp_path))
    (tmp_path / "labels.txt").write_text("a\nb\r\nc d\n", "utf-8-sig")
    assert exported.class_names_of(kc.load(tmp_path)) == ("a", "b", "c d")
    kc.LeNet5(seed=0).save(tmp_path / "model.keras")
    (tmp_path / "labels.txt").write_text("".join(f"{name}\n" for name in ANIMALS))
    assert exported.class_names_of(kc.load(tmp_path)) == ANIMALS
    kc.LeNet5(weights="mnist").save(tmp_path / "model.keras")
    with pytest.raises(kc.ClassicsError, match=r"labels.txt in .* says 'animal 0' where its model.keras says '0'"):
        kc.load(tmp_path)


@pytest.mark.parametrize(
    ("own", "told"), [(True, "takes pixels of 0..255, and normalises them"), (False, "the mean 120.733 is subtracted")]
)
def test_the_card_tells_of_pixels_what_the_model_reads(own, told, tmp_path):
    """Grey ones, of the three channels' means their mean; or all of 0..255 where the model normalises."""
    kc.ResNet20(input_shape=(32, 32, 1), include_preprocessing=own, seed=0).save(tmp_path / "net.keras")
    card(tmp_path / "net.keras", "--out", tmp_path / "out")
    assert told in (tmp_path / "out" / "README.md").read_text("utf-8")
    assert json.loads((tmp_path / "out" / "preprocessor_config.json").read_text())["do_normalize"] != own


def test_what_is_there_is_not_overwritten(net, folder, tmp_path, capsys):
    before = (folder / "README.md").read_text()
    refused("exists and is not overwritten", "card", net, "--out", folder, capsys=capsys)
    refused("is no folder with a model.keras", "card", net, "--out", tmp_path, "--overwrite", capsys=capsys)
    assert (folder / "README.md").read_text() == before
    (folder / ".git").mkdir()
    (folder / "my_notes.md").write_text("mine")
    refused("holds .git and more, which would be lost", "card", net, "--out", folder, "--overwrite", capsys=capsys)
    assert (folder / "my_notes.md").read_text() == "mine"
    (folder / ".git").rmdir()
    (folder / "my_notes.md").unlink()
    card(net, "--out", folder, "--overwrite", "--licence", "mit")
    assert "license: mit" in (folder / "README.md").read_text()
    assert (folder / "labels.txt").read_text().startswith("0\n1\n")  # of the data set that the file names


def test_what_cannot_be_written_leaves_nothing(net, tmp_path, capsys, monkeypatch):
    (tmp_path / "file").write_text("")
    refused(
        "Cannot write .*Free space there, or choose another", "card", net, "--out", tmp_path / "file/a", capsys=capsys
    )

    def fails(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model_card, "file_card", fails)
    refused("No space left on device", "card", net, "--out", tmp_path / "out", capsys=capsys)
    assert not list(tmp_path.glob("*out*"))


def test_what_is_no_trained_network(run, net, tmp_path, capsys):
    out = ("--out", tmp_path / "out")
    refused("There is no run folder", "card", "lenet5", *out, capsys=capsys)
    refused("is on the hub already", "card", "hf-hub:a/b", *out, capsys=capsys)
    (tmp_path / "few.txt").write_text("cat\n")
    refused("has 10 classes, and 1 names", "card", net, "--class-names", tmp_path / "few.txt", *out, capsys=capsys)
    refused("cannot be read", "card", net, "--class-names", tmp_path / "no.txt", *out, capsys=capsys)
    inputs = keras.Input((4,))
    keras.Model(inputs, keras.layers.Dense(3)(inputs)).save(tmp_path / "other.keras")
    refused("does not tell which network of this package it is", "card", tmp_path / "other.keras", *out, capsys=capsys)
    for pooling in (None, "avg"):
        kc.LeNet5(include_top=False, pooling=pooling).save(tmp_path / "features.keras")
        refused("has no classes", "card", tmp_path / "features.keras", *out, capsys=capsys)
    metrics = json.loads((run / "metrics.json").read_text())
    (run / "metrics.json").write_text(json.dumps({k: v for k, v in metrics.items() if k != "best"}))
    refused("metrics.json in .* is damaged; give the run's best.keras", "card", run, *out, capsys=capsys)
    (run / "metrics.json").unlink()
    (run / "recipe.json").write_text("{}")
    refused("not finished; go on with it: python -m training resume", "card", run, *out, capsys=capsys)
    assert not (tmp_path / "out").exists()
