"""What the README says is so."""

import json
import pathlib
import re

import keras_classics as kc
from keras_classics import cli
from training import get_recipe, list_recipes
from training.experiments.report import table as claims
from training.results_table import results_table

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def block(part):
    """The example that contains `part`."""
    (example,) = [code for code in re.findall(r"```python\n(.*?)```", README, re.S) if part in code]
    return example


def test_the_table_of_networks_is_what_the_command_prints(capsys):
    cli.main(["list", "--format", "markdown"])
    table = capsys.readouterr().out
    assert len(table.splitlines()) == 2 + len(kc.list_models())
    assert f"\n\n{table}\n" in README, "keras-classics list --format markdown"


def test_the_table_of_results_is_that_of_the_committed_runs():
    assert results_table() in README, "python -m training results"


def test_the_table_of_claims_is_that_of_the_committed_experiments():
    assert claims() in README, "python -m training experiment report"


def test_a_row_of_results_names_the_command_the_errors_and_the_paper(tmp_path, monkeypatch):
    recipe = get_recipe("resnet20-cifar10-today").as_dict()
    settings = {"recipe": recipe, "set": ["epochs=3"], "data": "svhn_cropped", "seed": 2, "limit": 100}
    metrics = {
        **{"model": "resnet20", "settings": settings, "training_seconds": 119, "paper_top1_error": None},
        **{"best": {"top1_error": 12.346}, "last": {"top1_error": 13.0}},
    }
    (tmp_path / "a.json").write_text(json.dumps(metrics))
    monkeypatch.setattr("training.results_table.RESULTS", tmp_path)
    command = (
        "python -m training run resnet20-cifar10-today --data svhn_cropped --seed 2 --limit 100 --set epochs=3 "
        "--data-dir <folder>"
    )
    row = f"| `{command}` | 12.35% | 13.00% | 8.75% on cifar10 | 2 | `training/results/a.json` |"
    assert results_table().splitlines()[2:] == [row]


def test_the_example_of_ten_lines_trains(picture_folder):
    """On pictures in the place of CIFAR-10, which a machine may not have."""
    example = block("model.fit(stream")
    assert len([line for line in example.splitlines() if line and "import" not in line]) <= 10
    example = re.sub(r'datasets\.load\("cifar10", .*?\)', f"datasets.load({str(picture_folder)!r})", example)
    names = {}
    exec(example, names)
    assert names["model"].optimizer.iterations == names["steps"]
    assert names["model"].history.history["loss"][0] > 0


def test_the_example_of_fine_tuning_trains(picture_folder, tmp_path):
    """With a checkpoint and pictures that are here in the place of those that are not."""
    kc.ResNet20(seed=0).save(tmp_path / "body.keras")
    example = block("kc.freeze")
    for theirs, ours in (
        ('datasets.load("flowers")', f"datasets.load({str(picture_folder)!r})"),
        ('kc.ResNet18(weights="imagenet"', f"kc.ResNet20(weights={str(tmp_path / 'body.keras')!r}"),
        ('up_to="conv4"', 'up_to="conv3"'),
        ("kc.ResNet18", "kc.ResNet20"),
        ("epochs=5", "epochs=1"),
    ):
        assert theirs in example
        example = example.replace(theirs, ours)
    names = {}
    exec(example, names)
    trained = {w.path.split("/")[0] for w in names["model"].trainable_weights}
    assert all(name.startswith(("conv4", "predictions")) for name in trained)
    assert names["model"].history.history["loss"][0] > 0


def test_the_other_example_builds():
    example = block("list_models")
    names = {}
    exec(example, names)
    assert names["model"].output_shape == (None, 10)


def test_every_command_names_what_exists():
    for recipe in re.findall(r"training run ([\w-]+)", README):
        assert recipe in list_recipes()
    for model in re.findall(r"keras-classics show (\w+)", README):
        assert model in kc.list_models()
