"""Draw a digit: LeNet-5 reads it while it is drawn, and shows its maps as in the demonstration of 1993; beside it
LeCun's network of 1989."""

import functools

import numpy as np

from keras_classics.demo import ink, networks, telling
from keras_classics.demo.networks import Network

LENET5, LECUN1989 = Network("LeNet-5, 1998", "lenet5", "mnist"), Network("LeCun 1989", "lecun1989", "mnist")
AMPLITUDE = 1.7159  # of the squashing function (LeCun et al. 1998, appendix A), between whose ends the maps are
CODE = (12, 7)  # rows and columns of F6's bitmap (figure 3)

# The maps that are shown: the layer, what the paper calls it, how many stand in a row, and how large a state is on the
# page, in pixels.
LENET5_MAPS = (("c1_tanh", "C1", 6, 1.8), ("s2_tanh", "S2", 6, 3), ("c3_tanh", "C3", 8, 3.4), ("c5_tanh", "C5", 30, 10))
LECUN1989_MAPS = (("h1_tanh", "H1", 6, 4), ("h2_tanh", "H2", 6, 7))
CODE_LAYER = "f6_tanh"


def answer(strokes: ink.Strokes) -> str:
    """What the page shows beside the drawing, as HTML: what the networks read, answer and see.

    Raises:
        ClassicsError: if these are no strokes.
    """
    drawn = ink.digit(strokes)
    if drawn is None:
        return telling.note("Draw one of the digits 0 to 9.")
    lenet5, lecun1989 = states(LENET5, drawn), states(LECUN1989, drawn)
    scores, older = lenet5["predictions"], lecun1989["predictions"]
    rows = [(str(digit), float(p), f"{100 * p:.1f}%") for digit, p in enumerate(scores)]
    older_rows = [(str(digit), float(s + AMPLITUDE) / (2 * AMPLITUDE), f"{s:+.2f}") for digit, s in enumerate(older)]
    best, older_best = int(scores.argmax()), int(older.argmax())
    return (
        f'<div class="kc-columns">{_reading("LeNet-5", "lenet5", best, rows)}'
        f"{_reading('LeCun 1989', 'lecun1989', older_best, older_rows)}</div>"
        f'<div class="kc-maps">{_figure("as MNIST has it, 28x28", 255 - drawn, 4)}{_maps(lenet5, LENET5_MAPS)}'
        f"{_figure('F6: 84 units as a bitmap of 7x12', shades(lenet5[CODE_LAYER].reshape(CODE)), 9)}</div>"
        f'<h4>The maps of 1989</h4><div class="kc-maps">{_maps(lecun1989, LECUN1989_MAPS)}</div>'
    )


def _reading(title: str, name: str, best: int, rows) -> str:
    return (
        f'<section><h3>{title} reads <output class="kc-read" data-network="{name}">{best}</output></h3>'
        f"{telling.bars(rows, best)}</section>"
    )


def _maps(states, shown) -> str:
    return "".join(
        _figure(f"{name}: {_described(states[layer])}", sheet(states[layer], across), scale)
        for layer, name, across, scale in shown
    )


def warm() -> None:
    """Opens both networks and compiles them, for the first stroke not to wait."""
    for network in (LENET5, LECUN1989):
        states(network, np.zeros((ink.FIELD, ink.FIELD), "uint8"))


def states(network: Network, drawn: np.ndarray) -> dict[str, np.ndarray]:
    """What the layers that are shown put out for a digit (28, 28) of 0..255, by their names: maps (h, w, maps), or
    units (units,); and "predictions" (10,)."""
    from keras_classics.prediction import view_and_input

    _, read = view_and_input(drawn[..., None], networks.asked(network))
    outputs = _watched(network).predict_on_batch(read)
    return {name: np.asarray(value)[0] for name, value in outputs.items()}


@functools.cache
def _watched(network):
    """The model with the layers that are shown as its outputs."""
    import keras

    model = networks.opened(network).model
    shown = [layer for layer, *_ in (*LENET5_MAPS, *LECUN1989_MAPS)] + [CODE_LAYER, "predictions"]
    return keras.Model(model.input, {layer.name: layer.output for layer in model.layers if layer.name in shown})


def sheet(maps: np.ndarray, across: int) -> np.ndarray:
    """Maps (h, w, n) as one grey picture, so many in a row, with a line of white between them."""
    height, width, count = maps.shape
    gap = 1 if min(height, width) > 1 else 0
    rows = -(-count // across)
    page = np.full((rows * (height + gap) - gap, across * (width + gap) - gap), 255, "uint8")
    for i in range(count):
        top, left = i // across * (height + gap), i % across * (width + gap)
        page[top : top + height, left : left + width] = shades(maps[..., i])
    return page


def shades(states: np.ndarray) -> np.ndarray:
    """States of -1.7159..1.7159 as grey of 0..255, the highest black, as ink is."""
    return np.round(255 * (0.5 - np.clip(states / (2 * AMPLITUDE), -0.5, 0.5))).astype("uint8")


def _described(maps) -> str:
    height, width, count = maps.shape
    return f"{count} units" if height == width == 1 else f"{count} maps of {height}x{width}"


def _figure(caption: str, pixels: np.ndarray, scale: float) -> str:
    image = telling.picture(pixels, caption, sharp=True)
    return telling.figure(image, telling.escaped(caption), f"width:{scale * pixels.shape[1]:.0f}px")


def tab() -> None:
    """The components of this page; inside gradio's `Blocks`."""
    import gradio as gr

    from keras_classics.demo.assets import text

    read = telling.told(answer)

    def read_drawing(strokes):
        return read(strokes)

    gr.Markdown(
        "## Draw a digit\n"
        "LeNet-5 (LeCun, Bottou, Bengio, Haffner 1998) reads while you draw, with weights that were trained on MNIST "
        "by this package. Beside the drawing are the states of its layers, dark where they are high, as the "
        "demonstration of 1993 showed them."
    )
    gr.HTML(
        html_template=text("canvas.html"),
        js_on_load=text("canvas.js"),
        server_functions=[read_drawing],
        elem_id="kc-draw",
        apply_default_css=False,
    )
