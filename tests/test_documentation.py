"""The pages that are made from the records have their figures; the course is the same in both languages."""

import json
import pathlib
import re

import keras
import pytest
from generator import assets, course, drawing, network_page, public_names

import keras_classics as kc
from keras_classics import catalogue
from keras_classics.weights.entries import ENTRIES, entries_of
from training import get_recipe, list_recipes

DOCS = pathlib.Path(__file__).parents[1] / "docs"
NETWORKS = kc.list_models()
EXPERIMENTS = DOCS.parent / "training" / "results" / "experiments"


@pytest.fixture(scope="module")
def pages():
    return {name: network_page.page(facts) for name, facts in catalogue.read().items()}


def rows(text, heading):
    """The cells of the first table below a heading, without its heads."""
    table = re.search(r"^(\|.*\n)+", text.split(heading, 1)[1], re.M)[0]
    lines = [line.removeprefix("| ").removesuffix("|").split(" | ") for line in table.splitlines()[2:]]
    return [[cell.strip() for cell in line] for line in lines]


def test_each_network_has_a_page_with_its_records_figures(pages):
    assert list(pages) == NETWORKS
    for name, text in pages.items():
        record = kc.get_model(name)
        facts = dict(rows(text, "# "))
        assert facts["parameters"] == f"{record.params:,}", name
        assert facts["multiply-adds"] == f"{record.macs:,}", name
        assert facts["input"] == f"{record.image_size}x{record.image_size}x{record.channels}", name
        assert record.paper.url in text
        reported = rows(text, "## Errors") if record.reported else []
        assert [[r[0], r[1], r[2], r[3]] for r in reported] == [
            [r.dataset, r.views, *("" if e is None else f"{e:g}%" for e in (r.top1, r.top5))] for r in record.reported
        ], name
        for departure in record.departures:
            assert f"* {network_page.plain(departure)}\n" in text, name
        source = pathlib.Path(network_page.MODELS, f"{record.family}.py").read_text("utf-8")
        assert f"````python\n{source.rstrip()}\n````" in text, name


def test_a_page_has_each_checkpoint_with_its_licence_and_each_recipe(pages):
    for name, text in pages.items():
        checkpoints = entries_of(name)
        listed = rows(text, "## Checkpoints") if checkpoints else []
        assert [(r[0], r[5]) for r in listed] == [(f"`{e.tag}`", e.licence) for e in checkpoints], name
        own = [recipe for recipe in list_recipes() if get_recipe(recipe).model == name]
        assert re.findall(r"^python -m training run (\S+) --data-dir", text, re.M) == own, name


def test_what_was_measured_is_on_the_page(pages):
    results = [json.loads(path.read_text()) for path in network_page.RESULTS.glob("*.json")]
    assert results
    for metrics in results:
        assert f"| {metrics['best']['top1_error']:.2f}% |" in pages[metrics["model"]]
    assert "Nothing was measured here yet" in pages["vgg16"]


def test_the_python_of_the_pages_names_what_exists(pages):
    for name, text in pages.items():
        (code,) = re.findall(
            r"```python\n(import keras_classics.*?)```", text.split("## Build, train, export")[1], re.S
        )
        compile(code, name, "exec")
        for symbol in re.findall(r"kc\.([A-Z]\w+)", code):
            assert getattr(kc, symbol) is kc.get_model(name)


def test_a_drawing_has_the_papers_table_and_the_stages(tmp_path):
    (drawn,) = dict(drawing.drawings(["inception_v1"], tmp_path)).values()
    assert drawn.rows[4] == ["inception (3a)", "28x28x256", "159K", "163,696", "128M", "128M"]
    assert sum(int(row[3].replace(",", "")) for row in drawn.stages) == kc.InceptionV1.params
    assert "<svg" in pathlib.Path(drawn.figure).read_text()
    kept = pathlib.Path(drawn.figure).stat().st_mtime_ns
    (again,) = dict(drawing.drawings(["inception_v1"], tmp_path)).values()
    assert again == drawn
    assert pathlib.Path(drawn.figure).stat().st_mtime_ns == kept  # not drawn anew
    text = network_page.page(catalogue.find("inception_v1"), drawn)
    assert "| inception (3a) | 28x28x256 | 159K | 163,696 | 128M | 128M |" in text
    assert "(figures/inception_v1.svg)" in text
    keras.backend.clear_session()


def test_public_names_have_a_place_in_the_reference():
    text = "".join(public_names.pages().values())
    for name in ("prediction.predict", "evaluation.evaluate", "exporting.export", "datasets.load", "variant.Variant"):
        assert f"::: keras_classics.{name}\n" in text
    assert "::: training.pipeline.train_batches\n" in text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('<img src="https://a.example/x.png">', True),
        ('<script src="//a.example/x.js"></script>', True),
        ('<link rel="stylesheet" href="https://a.example/x.css">', True),
        ('<p style="background: url(https://a.example/x.png)">', True),
        ("<style>@import 'https://a.example/x.css';</style>", True),
        ('<a href="https://a.example">a link</a><link rel="canonical" href="https://a.example">', False),
        ('<img src="../zoo.svg"><script src="assets/x.js"></script>', False),
    ],
)
def test_what_a_page_would_fetch_from_another_host_is_found(text, found, tmp_path):
    (tmp_path / "page.html").write_text(text)
    assert bool(list(assets.from_elsewhere(tmp_path))) == found


def numbers(text, language):
    """Those of a page's words: 48,238.5 in English is 48 238,5 in Russian."""
    words = re.sub(r"```python\n.*?```", "", text, flags=re.S)
    thousands, decimals = {"en": (",", "."), "ru": ("[ \u00a0]", ",")}[language]
    words = re.sub(rf"(?<=\d){thousands}(?=\d{{3}}\b)", "", words)
    words = re.sub(rf"(?<=\d){re.escape(decimals)}(?=\d)", ".", words)
    return set(re.findall(r"\d+(?:\.\d+)?", words))


def test_the_course_is_the_same_in_both_languages():
    english = sorted(path.name for path in (DOCS / "course").glob("*.md"))
    assert english == sorted(path.name for path in (DOCS / "ru" / "course").glob("*.md"))
    for name in english:
        both = [(DOCS / folder / name).read_text("utf-8") for folder in ("course", "ru/course")]
        for part in (r"```python\n.*?```", r"<!-- \w+: \w+ -->", r"python -m training run \w+-\w+"):
            first, second = (re.findall(part, text, re.S) for text in both)
            assert first == second, (name, part)
        assert numbers(both[0], "en") == numbers(both[1], "ru"), name
        for network in re.findall(r"<!-- \w+: (\w+) -->", both[0]):
            assert network in NETWORKS


def test_the_courses_experiments_are_those_recorded():
    """Each figure with a decimal under "The experiment" stands in the report of an experiment that is named there."""
    checked = 0
    for page in (DOCS / "course").glob("*.md"):
        section = re.search(r"^## The experiment\n(.*?)(?=^## |\Z)", page.read_text("utf-8") + "\n", re.S | re.M)
        section = section[1] if section else ""
        reports = [EXPERIMENTS / f"{name}.md" for name in re.findall(r"(\w+)`", section)]
        recorded = "".join(report.read_text("utf-8") for report in reports if report.exists())
        known = {f"{float(figure):.1f}" for figure in re.findall(r"\d+\.\d+", recorded)}
        told = set(re.findall(r"\d+\.\d+", section))
        assert told <= known, page.name
        checked += len(told)
    assert checked > 30


def test_the_course_tells_a_networks_figures():
    assert course.short(catalogue.find("resnet50"), "page.md", "en") == (
        "**[ResNet50](page.md)**: 25,557,032 parameters; 3,858M multiply-adds; depth 50; "
        "the paper's error 22.85% / 6.71% (imagenet2012, 10 crops)"
    )
    told = course.short(catalogue.find("lecun1989"), "page.md", "ru").replace("\u00a0", " ")
    assert told == (
        "**[LeCun1989](page.md)**: параметров 9 760; умножений со сложением 0,06 млн; глубина 4; "
        "ошибка в статье 5% (почтовые индексы, 1 вырез)"
    )
    views = {r["views"] for facts in catalogue.read().values() for r in facts["reported"]}
    assert views <= set(course.RUSSIAN)


SOURCES = ("keras", "torchvision", "timm", "pytorchcv")
RENAMED = {  # torchvision's files that are called otherwise than its functions
    "alexnet-owt": "alexnet",
    "inception_v3_google": "inception_v3",
    "shufflenetv2_x0.5": "shufflenet_v2_x0_5",
    "shufflenetv2_x1": "shufflenet_v2_x1_0",
    "shufflenetv2_x1_5": "shufflenet_v2_x1_5",
    "shufflenetv2_x2_0": "shufflenet_v2_x2_0",
}


def public_names_of(entry):
    """What an entry tells of the name that its source has for the network: as the file is called."""
    file = entry.address.rsplit("/", 1)[-1]
    if entry.source == "keras":
        return catalogue.find(entry.variant)["symbols"][0]  # ours are its own
    if entry.source == "timm":
        return file.split(".")[0]
    called = file.rsplit("-", 1)[0]
    return entry.name if entry.source == "pytorchcv" else RENAMED.get(called, called)


def test_the_table_of_other_libraries_names_has_all_checkpoints_in_their_forms():
    text = (DOCS / "guides" / "from_other_libraries.md").read_text("utf-8")
    told = set()
    for ours, *theirs in rows(text, "## The names"):
        symbol, options = re.fullmatch(r"`kc\.(\w+)(?:\((.*)\))?`", ours).groups()
        chosen = eval(f"dict({options or ''})")
        form = getattr(kc, symbol).with_options(**chosen)  # which raises an error for what is none
        for source, names in zip(SOURCES, theirs, strict=True):
            listed = re.findall(r"`([^`]+)`", names)
            told.update((form.name, tuple(sorted(chosen.items())), source, name) for name in listed)
    entries = {
        (e.variant, tuple(sorted(e.options)), e.source, public_names_of(e)) for e in ENTRIES if e.source in SOURCES
    }
    assert told == entries
    for _, _, source, name in told:
        assert source != "keras" or hasattr(keras.applications, name)


def test_the_names_in_pytorchcv_are_its_own():
    pytest.importorskip("pytorchcv.models.resnet")
    import importlib.util

    folder = pathlib.Path(importlib.util.find_spec("pytorchcv").origin).parent / "models"
    source = "".join(path.read_text("utf-8") for path in folder.rglob("*.py"))
    text = (DOCS / "guides" / "from_other_libraries.md").read_text("utf-8")
    for *_, theirs in rows(text, "## The names"):
        for name in re.findall(r"`([^`]+)`", theirs):
            assert f"def {name}(" in source, name


def test_the_picture_of_the_readme_has_todays_networks():
    from keras_classics.cli.plot.zoo import published

    points, _, _ = published("imagenet2012")
    drawn = re.findall(r"<!-- (\w+) -->", (DOCS / "zoo.svg").read_text("utf-8"))
    assert {point["name"] for point in points} == {name for name in drawn if name in NETWORKS}
    said = re.search(r"!\[(\d+) networks", (DOCS.parent / "README.md").read_text("utf-8"))
    assert int(said[1]) == len(points)
