"""What a built page would fetch from another host."""

import pathlib
import re
from collections.abc import Iterator
from html.parser import HTMLParser

# Attributes that make a browser fetch; of <a> and of <link rel=canonical> none does.
FETCHED = {
    "img": ("src", "srcset"),
    "script": ("src",),
    "link": ("href",),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "object": ("data",),
    "embed": ("src",),
    "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"),
}
NO_ASSET = {"canonical", "next", "prev", "alternate", "license"}


class _Fetches(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        if tag == "link" and NO_ASSET & set(given.get("rel", "").split()):
            return
        self.found += [given[name] for name in FETCHED.get(tag, ()) if name in given]
        self.found += _of_style(given.get("style", ""))


def _of_style(text: str) -> list[str]:
    return re.findall(r"url\(\s*['\"]?([^)'\"]+)", text) + re.findall(r"@import\s+['\"]([^'\"]+)", text)


def from_elsewhere(site: pathlib.Path) -> Iterator[tuple[pathlib.Path, str]]:
    """The addresses on other hosts that the pages and style sheets of a folder fetch, each with its file."""
    for path in sorted(site.rglob("*")):
        if path.suffix == ".html":
            parser = _Fetches()
            text = path.read_text("utf-8")
            parser.feed(text)
            found = parser.found + [
                address for style in re.findall(r"<style.*?</style>", text, re.S) for address in _of_style(style)
            ]
        elif path.suffix == ".css":
            found = _of_style(path.read_text("utf-8"))
        else:
            continue
        for address in found:
            if re.match(r"\s*(https?:)?//", address):
                yield path, address
