"""A sentence that recipes share is written once."""

import ast
import collections
import pathlib

from keras_classics import model_card
from training import departures, get_recipe, list_recipes, recipes
from training.augment import PCAColour

SENTENCE = 40  # characters from which a string is one


def test_no_sentence_is_written_out_twice():
    files = [*pathlib.Path(recipes.__file__).parent.glob("*.py"), pathlib.Path(departures.__file__)]
    written = collections.Counter(
        node.value
        for file in files
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) >= SENTENCE
    )
    assert len(written) > 50
    assert [sentence for sentence, count in written.items() if count > 1] == []


def test_a_decay_on_all_weights_is_told():
    decayed = [recipe for recipe in map(get_recipe, list_recipes()) if recipe.optimizer.weight_decay]
    on_all = [recipe for recipe in decayed if recipe.optimizer.decay_on == "all"]
    assert len(decayed) > len(on_all) > 10
    for recipe in on_all:
        assert any("all weights" in departure for departure in recipe.departures), recipe.name


def test_colours_whose_components_no_paper_prints_are_told():
    coloured = [r for r in map(get_recipe, list_recipes()) if any(isinstance(o, PCAColour) for o in r.augment)]
    assert len(coloured) > 10
    assert all(departures.COLOURS_NOT_PRINTED in recipe.departures for recipe in coloured)


def test_what_is_said_of_held_out_images_is_what_is_done():
    recipe = get_recipe("resnet20-cifar10")
    for every, told in ((10, True), (50, True), (0, False)):
        sentence = f"One training image in {every} is held out to choose the best epoch by."
        settings = {"recipe": recipe.replace(hold_out=every).as_dict()}
        assert (sentence in model_card.departures(settings)) == told
        assert sentence not in model_card.departures({**settings, "validation_split": True})
    older = {
        **recipe.as_dict(),
        "departures": ["One training image in 10 is held out to choose the best epoch by; so."],
    }
    assert model_card.departures({"recipe": older}) == older["departures"]


def test_what_was_set_is_a_departure():
    settings = {"recipe": get_recipe("lenet5-mnist").as_dict(), "set": ["average=none", "epochs=2.0"]}
    assert model_card.departures(settings)[-1] == "Set otherwise than what is said here: average=none, epochs=2.0."
