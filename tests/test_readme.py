"""What README and docs say is so; test_guides.py runs their code."""

import json
import pathlib
import re

import keras_classics as kc
from keras_classics import cli
from keras_classics.families import FAMILIES
from training import get_recipe, list_recipes
from training.experiments import NAMES as EXPERIMENTS
from training.experiments.report import table as claims
from training.results_table import results_table

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
NETWORKS = (ROOT / "docs" / "networks.md").read_text("utf-8")
RESULTS = (ROOT / "docs" / "results.md").read_text("utf-8")


def test_the_table_of_networks_is_what_the_command_prints(capsys):
    cli.main(["list", "--format", "markdown"])
    table = capsys.readouterr().out
    assert len(table.splitlines()) == 2 + len(kc.list_models())
    assert f"\n\n{table}" in NETWORKS, "keras-classics list --format markdown"


def test_the_table_of_results_is_that_of_the_committed_runs():
    assert results_table() in RESULTS, "python -m training results"


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


def test_every_family_has_a_line_in_the_proof():
    """By the names of its builders; families that were proven together share a line."""
    text = (ROOT / "docs" / "proof.md").read_text("utf-8")
    heads = [head.strip().lower() for line in re.findall(r"^\| ([^|]+) \|", text, re.M) for head in line.split(",")]
    for family in FAMILIES:
        name = family.replace("_", "")
        assert {name, f"{name}5"} & {*heads}, family


def test_every_document_that_the_readme_leads_to_exists():
    links = re.findall(r"\]\((?!http)([^)#]+)", README)
    assert len(links) > 20
    for link in links:
        assert (ROOT / link).exists(), link


def test_every_file_that_a_page_leads_to_exists():
    """In the repository, where README sends its readers; of the site, mkdocs looks."""
    made = {ROOT / "docs" / place for place in ("networks", "api")}  # when the site is built
    for page in (ROOT / "docs").rglob("*.md"):
        text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.S)
        for link in re.findall(r"\]\((?!http|#)([^)#\s]+)", text):
            target = (page.parent / link).resolve()
            assert target.exists() or made & {*target.parents}, (page, link)


def test_every_recipe_network_and_experiment_that_is_named_exists():
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        text = page.read_text("utf-8")
        for recipe in re.findall(r"training run ([\w-]+)", text):
            assert recipe in list_recipes(), page
        for model in re.findall(r"keras-classics show (\w+)", text):
            assert model in kc.list_models(), page
        for experiment in re.findall(r"training experiment (?:run|resume|report) (\w+)", text):
            assert experiment in EXPERIMENTS, page
