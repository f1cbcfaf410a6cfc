"""A finished run becomes the folder that ships."""

import hashlib
import json

import pytest
from huggingface_hub import ModelCard

import keras_classics as kc
from keras_classics.feed import feed_of_default
from keras_classics.model_card import _pixels
from training import cli as command
from training import get_recipe, results_table
from training.run_folder import SETTINGS, RunFolder
from training.ship import SMALL, entry_line, ship


@pytest.fixture
def run(tmp_path):
    """A run folder of a network that was not trained."""
    folder = RunFolder.new(tmp_path / "run", "lecun1989-mnist")
    settings = dict.fromkeys(SETTINGS) | {"recipe": get_recipe("lecun1989-mnist").as_dict(), "set": ["epochs=2"]}
    settings |= {"data": "mnist", "seed": 3, "class_weights": "balanced", "backend": "tensorflow"}
    folder.write_settings(settings)
    folder.save_model(kc.LeCun1989(seed=0), folder.best, [{"epoch": 1.0}])
    folder.curves.write_bytes(b"curves")
    folder.exports["tflite"].write_bytes(b"small")
    folder.finish(
        {
            **{"model": "lecun1989", "class_names": list("0123456789"), "test_split": "test", "test_images": 10},
            **{"train_images": 20, "epochs": 2, "best_epoch": 1, "training_seconds": 60, "paper_top1_error": None},
            **{"best": {"top1_error": 12.34, "top5_error": 1.2}, "last": {"top1_error": 13.0, "top5_error": 1.0}},
            **{"settings": settings, "backend": "jax", "versions": {"keras": "3.15"}, "date": "2026-01-01"},
            **{"commit": "c0ffee", "hardware": {"cores": 2, "processor": "a processor"}},
        }
    )
    return folder


def test_the_folder_has_what_ships_and_a_card(run, tmp_path):
    path = ship(run.path, tmp_path / "shipped")
    assert {file.name for file in path.iterdir()} == {"best.keras", "model.tflite", "curves.png", "README.md"}
    assert (path / "best.keras").read_bytes() == run.best.read_bytes()
    card = ModelCard.load(path / "README.md")
    assert card.data.eval_results[0].metric_value == 12.34
    assert card.data.library_name == "keras"
    assert card.data.model_name == "lecun1989-mnist"
    command = (
        "`python -m training run lecun1989-mnist --seed 3 --class-weights balanced --set epochs=2 --data-dir <folder>`"
    )
    for row in (f"| command | {command} |", "| commit | c0ffee |", "| seed | 3 |", "| backend | jax |"):
        assert row in card.text
    assert "epoch 1, the best on one training image in 12" in card.text
    assert 'model = kc.load("best.keras")' in card.text  # whatever was built around the network, such as a whitening
    assert (
        "to 16 pixels (bilinear), the centre taken of 16x16; of pixels of 0..255 the mean 127.5 is subtracted"
        in card.text
    )
    sha256 = hashlib.sha256(run.best.read_bytes()).hexdigest()
    assert entry_line(run.path, path) == f'"shipped": ("lecun1989", 12.34, 1.2, "{sha256}"),'


def test_the_commands(run, tmp_path, capsys, monkeypatch):
    command.main(["ship", str(run.path), "--out", str(tmp_path / "shipped")])
    told = " ".join(capsys.readouterr().out.split())
    assert f"What ships is in {tmp_path / 'shipped'}" in told
    assert '"shipped": ("lecun1989", 12.34, 1.2, ' in told
    monkeypatch.setattr(results_table, "RESULTS", tmp_path / "results")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "one.json").write_bytes(run.metrics.read_bytes())
    command.main(["results"])
    *_, row = capsys.readouterr().out.splitlines()
    assert row.endswith("| 12.34% | 13.00% | 5% on zip codes | 1 | `training/results/one.json` |")


def test_a_figure_of_the_authors_repository_is_not_called_the_papers():
    assert results_table._papers({"model": "densenet161", "paper_top1_error": None}) == ""


def test_the_card_tells_how_the_run_was_distributed_and_what_trained_it(run, tmp_path):
    metrics = run.read_metrics()
    distribution = {"devices": 4, "processes": 1, "sync_batch_norm": False}
    metrics["settings"] |= {"backend": "jax", "distribution": distribution}
    run.finish({**metrics, "commits": ["c0ffee", None]})
    text = (ship(run.path, tmp_path / "shipped") / "README.md").read_text("utf-8")
    assert "--backend jax --distribute data --own-statistics --set epochs=2" in text
    assert "| distribution | begun on 4 devices in 1 process; batch norms see their device's part of a batch |" in text
    assert "| commit | c0ffee, then not recorded |" in text
    assert "- Set otherwise than what is said here: epochs=2." in text


def test_no_command_is_told_of_a_recipe_that_was_changed_in_python(run, tmp_path):
    metrics = run.read_metrics()
    metrics["settings"]["made_in_python"] = True
    run.finish(metrics)
    told = "| none, for the recipe was made or changed in Python |"
    assert f"| command {told}" in (ship(run.path, tmp_path / "shipped") / "README.md").read_text("utf-8")
    assert results_table._row("one.json", metrics).startswith(f"{told} 12.34% |")


def test_a_fine_tuning_ships_with_its_weights_named_and_no_licence_or_folder(run, tmp_path):
    """For whose weights it began with, and under which licence, is not the package's to say."""
    metrics = run.read_metrics()
    tuning = {"kind": "Tuning", "weights": str(tmp_path / "theirs.keras"), "sha256": "0123456789abcdef" * 4}
    recipe = {**metrics["settings"]["recipe"], "tuning": {**tuning, "frozen": None}, "departures": []}
    metrics["settings"] |= {"recipe": recipe, "data": str(tmp_path / "photos")}
    run.finish(metrics)
    card = ModelCard.load(ship(run.path, tmp_path / "shipped") / "README.md")
    assert card.data.license == "unknown"
    assert "Unknown: say yours. The images have their own terms." in card.text
    assert card.data.datasets == ["photos"]
    assert str(tmp_path) not in card.content
    assert "- It is fine-tuned, not trained by the paper: it began with the weights 'theirs.keras' (SHA" in card.text
    assert "nowhere that is known" not in card.text


def test_the_card_tells_that_the_last_epoch_took_a_damaged_bests_place(run, tmp_path):
    run.finish({**run.read_metrics(), "damaged_epoch": 2})
    text = (ship(run.path, tmp_path / "shipped") / "README.md").read_text("utf-8")
    assert "epoch 1, the last, for those of epoch 2, the best on one training image in 12" in text
    assert "were damaged; the 10 test images had no part" in text


def test_the_card_tells_what_chose_the_epoch(run, tmp_path):
    metrics = run.read_metrics()
    for hold_out, validation_split, told in (
        (12, None, "the best on one training image in 12, or on validation images of the data's own; the 10 test"),
        (12, False, "the best on one training image in 12, held out; the 10 test"),
        (12, True, "the best on the data's own validation images; the 10 test"),
        (0, True, "the best on the data's own validation images; the 10 test"),
        (0, False, "the best on the training images; the 10 test"),
    ):
        recipe = {**metrics["settings"]["recipe"], "hold_out": hold_out}
        settings = {**metrics["settings"], "recipe": recipe, "validation_split": validation_split}
        run.finish({**metrics, "settings": settings})
        card = ship(run.path, tmp_path / f"{hold_out} {validation_split}") / "README.md"
        assert f"epoch 1, {told} images had no part" in card.read_text("utf-8")


def test_the_card_divides_no_pixels_by_one():
    of_alexnet = _pixels(feed_of_default(kc.AlexNet))
    assert "is subtracted" in of_alexnet
    assert "divided" not in of_alexnet


def test_a_large_tflite_file_stays_behind(run, tmp_path):
    run.exports["tflite"].write_bytes(bytes(SMALL + 1))
    assert not (ship(run.path, tmp_path / "shipped") / "model.tflite").exists()


def test_what_cannot_ship_is_told_and_leaves_nothing(run, tmp_path):
    ship(run.path, tmp_path / "shipped")
    with pytest.raises(kc.ClassicsError, match="exists and is not overwritten"):
        ship(run.path, tmp_path / "shipped")
    metrics = json.loads(run.metrics.read_text())
    run.metrics.write_text(json.dumps({**metrics, "model": "lenet5"}))
    with pytest.raises(kc.ClassicsError, match="is not of lenet5, of which the metrics are"):
        ship(run.path, tmp_path / "another")
    run.best.write_bytes(run.best.read_bytes()[:-1])
    with pytest.raises(kc.ClassicsError, match="missing or damaged"):
        ship(run.path, tmp_path / "another")
    run.metrics.unlink()
    with pytest.raises(kc.ClassicsError, match="is not a run folder"):
        ship(tmp_path / "shipped", tmp_path / "another")
    with pytest.raises(kc.ClassicsError, match="is not finished; go on with it: python -m training resume"):
        ship(run.path, tmp_path / "another")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "shipped"]


def test_a_card_tells_of_training_images_that_the_network_has_seen_them(run, tmp_path):
    """Where a class has one picture alone, none can be spared to judge on."""
    metrics = json.loads(run.metrics.read_text())
    assert "the 10 test images had no part" in (ship(run.path, tmp_path / "test") / "README.md").read_text("utf-8")
    run.metrics.write_text(json.dumps({**metrics, "test_split": "train"}))
    card = (ship(run.path, tmp_path / "train") / "README.md").read_text("utf-8")
    assert "it was trained on these\nimages, and errs more on others" in card
    assert "had no part" not in card
