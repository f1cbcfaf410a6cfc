"""A sentence that recipes share is written once."""

import ast
import collections
import pathlib

from training import departures, get_recipe, list_recipes, recipes

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


def test_what_is_said_of_held_out_images_is_what_is_done():
    for name in list_recipes():
        recipe = get_recipe(name)
        said = [sentence for sentence in recipe.departures if departures.is_of_held_out(sentence)]
        if said:
            assert [sentence.split(" is held out")[0] for sentence in said] == [
                f"One training image in {recipe.hold_out}"
            ]
