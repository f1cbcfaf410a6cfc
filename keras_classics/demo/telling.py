"""What the page says: pieces of HTML, and errors in words for those who look at it from outside."""

import base64
import functools
import html
import io
import re
import sys
import traceback
from collections.abc import Callable, Sequence

import numpy as np

from keras_classics.errors import ClassicsError

LARGEST_SIDE = 640  # pixels of a picture that goes to the page


def escaped(text: object) -> str:
    """Text of whatever origin, as HTML."""
    return html.escape(str(text))


def alert(text: str) -> str:
    """What went wrong, as HTML that a screen reader reads out."""
    return f'<p class="kc-alert" role="alert">{escaped(text)}</p>'


def note(text: str) -> str:
    return f'<p class="kc-note">{escaped(text)}</p>'


def in_words(error: Exception) -> str:
    """An error for the page: without a path of this machine, and of one that nobody foresaw no more than that."""
    if not isinstance(error, ClassicsError):
        return "Something went wrong here that is not your mistake. The terminal of the demo shows what."
    text = str(error).replace("'A picture'", "The file")
    return re.sub(r"(?<![\w:/])(?:~|[A-Za-z]:)?[/\\](?:[^\s'\"/\\]+[/\\])*(?=[^\s'\"/\\])", "", text)


def told(function: Callable) -> Callable:
    """The function, whose errors become its answer, an alert on the page. Those that nobody foresaw are printed."""

    @functools.wraps(function)
    def answered(*args):
        try:
            return function(*args)
        except ClassicsError as error:
            return alert(in_words(error))
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            return alert(in_words(error))

    return answered


def picture(pixels: np.ndarray, label: str, classes: str = "", sharp: bool = False) -> str:
    """Pixels (H, W), (H, W, 1) or (H, W, 3) of 0..255 as an image inside the page; nothing is written to a disk.

    Args:
        pixels: of any size; what is larger than the page needs is made smaller.
        label: what it shows, for those who cannot see it.
        classes: of CSS.
        sharp: whether its pixels are to be seen as squares.
    """
    import PIL.Image

    pixels = np.clip(np.round(pixels), 0, 255).astype("uint8")
    image = PIL.Image.fromarray(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[-1] == 1 else pixels)
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    file = io.BytesIO()
    image.save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    classes = f"{classes} kc-sharp" if sharp else classes
    return f'<img class="{classes.strip()}" alt="{escaped(label)}" src="data:image/png;base64,{data}">'


def figure(body: str, caption: str, style: str = "") -> str:
    """HTML with a caption, which is HTML as well, under it."""
    return f'<figure style="{style}">{body}<figcaption>{caption}</figcaption></figure>'


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table, wider than the page if need be. The first cell of a row is HTML and its heading, the others are text."""
    head = "".join(f'<th scope="col">{escaped(text)}</th>' for text in heads)
    lines = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{escaped(cell)}</td>" for cell in cells)}</tr>'
        for first, *cells in rows
    )
    return f'<div class="kc-scroll"><table class="kc-zoo"><tr>{head}</tr>{lines}</table></div>'


def bars(rows: Sequence[tuple[str, float, str]], marked: int = 0) -> str:
    """A table of names, with bars of these shares, 0..1, and what stands beside them.

    Args:
        rows: of each the name, the share and the text.
        marked: the row that is the answer.
    """
    lines = "".join(
        f'<tr class="{"kc-answer" if i == marked else ""}"><th scope="row">{escaped(name)}</th>'
        f'<td class="kc-bar"><span style="width:{100 * min(1.0, max(0.0, share)):.1f}%"></span></td>'
        f"<td>{escaped(text)}</td></tr>"
        for i, (name, share, text) in enumerate(rows)
    )
    return f'<table class="kc-bars">{lines}</table>'
