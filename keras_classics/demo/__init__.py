"""A local page to try the networks on: `keras-classics demo`, or on a Space of the Hugging Face hub.

A file a tab: `digits`, `photograph`, `contest` (man against machine) and `zoo`; `page` puts them together. It and the
functions `tab` import gradio; the others answer with HTML and need none.
"""

import importlib.util
import os
from collections.abc import Sequence
from typing import Any

from keras_classics.errors import ClassicsError


def build(models: Sequence[str] = (), data: str = "mnist_sample", data_dir: str | None = None) -> Any:
    """The page, a `gradio.Blocks` whose `launch()` serves it; the `app.py` of a Space is

        from keras_classics import demo; demo.build().launch()

    Args:
        models: that can be asked beside those whose weights are on this machine: run folders, .keras files, exports,
            hf-hub:user/name, or a network's name and its weights, "resnet50=imagenet".
        data: for man against machine, what `datasets.load` takes.
        data_dir: where tensorflow-datasets keeps its data.

    Raises:
        ClassicsError: if gradio is not installed, or a model or the data cannot be had.
    """
    check_installed()
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # which some of gradio reads as it is imported
    from keras_classics.demo import page

    return page.made(models, data, data_dir)


def check_installed() -> None:
    """Raises a ClassicsError unless gradio is there."""
    if importlib.util.find_spec("gradio") is None:
        raise ClassicsError("The demo needs gradio: python -m pip install 'keras-classics[demo]'.")
