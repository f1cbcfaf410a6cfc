"""The page's own HTML, CSS and JavaScript."""

import importlib.resources


def text(name: str) -> str:
    """What is in the file of that name."""
    return importlib.resources.files(__name__).joinpath(name).read_text("utf-8")
