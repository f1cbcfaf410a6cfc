"""What MkDocs calls while it builds the site: adds the pages that are made, and refuses assets of other hosts."""

import importlib.util
import os
import pathlib
import re

if all(map(importlib.util.find_spec, ("jax", "scipy"))):  # which Keras on NumPy imports
    os.environ.setdefault("KERAS_BACKEND", "numpy")  # building costs nothing there

from generator import assets, course, network_page, public_names
from generator.drawing import drawings
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

from keras_classics import catalogue

ROOT = pathlib.Path(__file__).parents[1]
FIGURES = ROOT / "build" / "figures"
PAGES_OF_ROOT = ("BENCHMARKS.md", "CHANGELOG.md", "CONTRIBUTING.md")
_drawn: dict = {}


def on_config(config):
    """The pages of the networks, by families, and of the public names join the navigation."""
    families: dict[str, list] = {}
    for name, facts in catalogue.read().items():
        families.setdefault(facts["family"], []).append({facts["symbols"][0]: f"networks/{name}.md"})
    for section in config.nav:
        if "Networks" in section:
            section["Networks"] += [{family: pages} for family, pages in families.items()]
        if "API" in section:
            section["API"] += list(public_names.pages())
    return config


def on_files(files, config):
    """Adds the pages that are made, with their figures."""
    networks = catalogue.read()
    asked = config.extra["figures"].split()
    names = list(networks) if asked == ["all"] else [catalogue.find(name)["name"] for name in asked if name != "none"]
    _drawn.clear()
    _drawn.update(drawings(names, FIGURES))
    for name, drawing in _drawn.items():
        files.append(File.generated(config, f"networks/figures/{name}.svg", abs_src_path=drawing.figure))
    for name, facts in networks.items():
        text = network_page.page(facts, _drawn.get(name))
        files.append(File.generated(config, f"networks/{name}.md", content=text))
    for path, text in public_names.pages().items():
        files.append(File.generated(config, path, content=text))
    for name in PAGES_OF_ROOT:
        files.append(File.generated(config, name.lower(), abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Puts in the figures and the facts that a page asks for, and leads from the table of networks to their pages."""
    path = page.file.src_uri
    language = "ru" if path.startswith("ru/") else "en"
    up = "../" * path.count("/")
    for name in PAGES_OF_ROOT:  # which lie beside docs in the repository, and in it on the site
        markdown = markdown.replace(f"]({up}../{name})", f"]({up}{name.lower()})")
    if path == "networks.md":
        page.meta["hide"] = ["toc"]  # the table needs its room
        for name in catalogue.read():
            markdown = markdown.replace(f"\n| {name} |", f"\n| [{name}](networks/{name}.md) |")

    def put(found):
        kind, name = found[1], catalogue.find(found[2])["name"]
        if kind == "facts":
            told = course.short(catalogue.read()[name], f"{up}networks/{name}.md", language)
            return f'<div class="facts" markdown>{told}</div>'
        if name not in _drawn:
            return f"*{course.NO_FIGURE[language]}: `keras-classics plot model {name}`*"
        file = f"{up}networks/figures/{name}.svg"
        return f'<div class="figure" markdown>[![{name}]({file})]({file})</div>'

    return re.sub(r"<!-- (figure|facts): (\w+) -->", put, markdown)


def on_post_page(output, page, config):
    """Russian pages say that they are."""
    return output.replace('lang="en"', 'lang="ru"', 1) if page.file.src_uri.startswith("ru/") else output


def on_post_build(config):
    """Raises an error if a page or a style sheet would fetch something from another host."""
    found = [
        f"{path.relative_to(config.site_dir)}: {address}"
        for path, address in assets.from_elsewhere(pathlib.Path(config.site_dir))
    ]
    if found:
        raise PluginError("Assets of other hosts:\n" + "\n".join(found))
