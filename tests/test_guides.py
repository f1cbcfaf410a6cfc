"""The Python of README and docs runs, page by page; commands are such as can be typed, and names exist."""

import argparse
import ast
import importlib
import pathlib
import re
import shlex

import keras
import pytest

import training.cli
from keras_classics import cli
from keras_classics.cli.parser import Parser
from keras_classics.cli.plot import PICTURES

ROOT = pathlib.Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NOT_RUN = "<!-- not run: "  # what stands before a block that needs a network, a data set or minutes, with the reason


def blocks(page):
    """The Python of a page, in order: each block, and whether it is run."""
    found = re.findall(r"(<!-- not run: .+? -->\n)?```python\n(.*?)```", page.read_text("utf-8"), re.S)
    return [(code, not reason) for reason, code in found]


def named(page):
    return str(page.relative_to(ROOT))


# The course's code is the same in both languages: test_documentation.py compares.
WITH_PYTHON = [page for page in PAGES if blocks(page) and ROOT / "docs" / "ru" not in page.parents]


@pytest.mark.parametrize("page", WITH_PYTHON, ids=named)
def test_the_python_of_a_page_runs(page, picture_folder, tmp_path, monkeypatch):
    """In a folder that has pictures of three classes in `photos`, as many as no network has, and nothing else."""
    monkeypatch.chdir(tmp_path)
    for digit, flower in enumerate(("daisy", "rose", "tulip")):
        for split in ("train", "test"):
            (tmp_path / "photos" / split).mkdir(parents=True, exist_ok=True)
            pictures = picture_folder / split / f"digit_{digit}"
            (tmp_path / "photos" / split / flower).symlink_to(pictures, target_is_directory=True)
    names = {"__name__": named(page)}
    for code, is_run in blocks(page):
        compiled = compile(code, named(page), "exec")
        check_names(code, names)
        if is_run:
            exec(compiled, names)
    keras.backend.clear_session()


def check_names(code, known):
    """What is imported exists, and so does each attribute of an imported module that is used."""
    tree = ast.parse(code)
    modules = {name: value for name, value in known.items() if isinstance(value, type(ast))}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                modules[alias.asname or alias.name.split(".")[0]] = importlib.import_module(alias.name)
        elif isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module)
            for alias in node.names:
                found = getattr(module, alias.name, None) or importlib.import_module(f"{node.module}.{alias.name}")
                if isinstance(found, type(ast)):
                    modules[alias.asname or alias.name] = found
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            assert hasattr(modules[node.value.id], node.attr), ast.unparse(node)


def test_a_name_that_is_not_there_is_found():
    check_names("import keras_classics as kc\nkc.ResNet50()", {})
    with pytest.raises(AssertionError, match="ResNet51"):
        check_names("import keras_classics as kc\nkc.ResNet51()", {})
    with pytest.raises(ModuleNotFoundError):
        check_names("from training import finetuning", {})


PROGRAMS = {"keras-classics ": cli.main, "python -m training ": training.cli.main}


def commands(page):
    """The commands of a page: lines of a block, fenced or indented, that begin with one of our programs, and such in
    backquotes, which may be broken over a line."""
    text = page.read_text("utf-8").replace("&&", "\n")
    fences = r"^```\w*\n(.*?)^```"
    words = re.sub(fences, "", text, flags=re.S | re.M)
    blocks = [*re.findall(fences, text, re.S | re.M), *re.findall(r"^    .*", words, re.M)]
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    lines += [" ".join(found.split()) for found in re.findall(r"`([^`]+)`", words)]
    bare = re.compile(r"keras-classics \w+")  # the name of a command in a sentence
    return [line.split("  #")[0] for line in lines if line.startswith(tuple(PROGRAMS)) and not bare.fullmatch(line)]


TYPED = [*PAGES, *(ROOT / f"{name}.md" for name in ("BENCHMARKS", "CONTRIBUTING"))]
TYPED += sorted((ROOT / "saved_models").rglob("*.md"))


@pytest.mark.parametrize("page", [page for page in TYPED if commands(page)], ids=named)
def test_the_commands_of_a_page_can_be_typed(page, tmp_path, monkeypatch, capsys):
    """The parsers take them, where there is a folder `photos`; they are not carried out."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    parse = Parser.parse_args
    taken = []

    def stop(self, args=None, namespace=None):
        taken.append(parse(self, args, namespace))
        raise KeyboardInterrupt

    monkeypatch.setattr(Parser, "parse_args", stop)
    typed = [line for line in commands(page) if "..." not in line]
    for line in typed:
        program = next(name for name in PROGRAMS if line.startswith(name))
        words = shlex.split(re.sub(r"<[^>]*>", "photos", line.removeprefix(program).replace("<number>", "8")))
        try:
            PROGRAMS[program](words)
        except KeyboardInterrupt:
            continue
        except SystemExit:
            pytest.fail(f"{line}\n{capsys.readouterr().err}")
    assert len(taken) == len(typed)
    assert all(isinstance(parsed, argparse.Namespace) for parsed in taken)


def test_the_guide_says_which_commands_take_json_and_a_backend():
    modules = {**cli.COMMANDS, **{f"plot {name}": module for name, module in PICTURES.items()}}
    options = {}
    for name, module in modules.items():
        parser = Parser()
        module.add_arguments(parser)
        options[name] = parser.options
    text = (ROOT / "docs" / "guides" / "commands.md").read_text("utf-8")
    without_json, with_backend = (
        set(re.findall(r"`([^`]+)`", re.search(said, text, re.S)[1]))
        for said in (r"instead of its table, but for (.*?), which", r"chooses the backend of (.*?);")
    )
    assert without_json == {name for name in cli.COMMANDS if "--json" not in options[name]}
    assert with_backend == {name for name in modules if "--backend" in options[name]}
