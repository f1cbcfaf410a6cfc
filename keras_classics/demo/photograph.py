"""Classify a photograph: what networks answer, by which views, in what time, and where they look."""

import io
import time
from collections.abc import Iterator, Sequence

import numpy as np

from keras_classics import pictures
from keras_classics.choices import VIEWS
from keras_classics.demo import networks, telling
from keras_classics.demo.networks import Network
from keras_classics.errors import ClassicsError

MOST_BYTES = 20 * 2**20  # of an upload
MOST_PIXELS = 50_000_000  # of a picture; its header is asked before it is decoded
TOP = 5
MOST_VIEWS_SHOWN = 12
NONE = "no second network"


def read(encoded: bytes) -> np.ndarray:
    """An uploaded picture as uint8 (H, W, 3), read as `pictures.read_image` reads files.

    Raises:
        ClassicsError: if it is too large, or no picture.
    """
    if len(encoded) > MOST_BYTES:
        raise ClassicsError(f"The file has {len(encoded) / 2**20:.0f} MB, and {MOST_BYTES // 2**20} are taken at most.")
    width, height = pictures.size_of(io.BytesIO(encoded))
    if width * height > MOST_PIXELS:
        raise ClassicsError(
            f"The picture has {width}x{height} pixels, and {MOST_PIXELS // 10**6} million are taken at most; make it "
            "smaller."
        )
    return pictures.read_image(io.BytesIO(encoded))


def answer(encoded: bytes | None, network: Network, views: str) -> str:
    """The network's answer as HTML: its five likeliest classes, the views that it was shown, and the time.

    Raises:
        ClassicsError: if there is no picture, it cannot be read, or the network cannot be asked.
    """
    pixels = _picture(encoded)
    judges = networks.asked(network, views)
    names = networks.class_names(network)
    seconds = []
    for _ in range(1 if (network, views, pixels.shape) in _COMPILED else 2):
        start = time.perf_counter()
        scores = networks.probabilities(network, pixels, views)
        seconds.append(time.perf_counter() - start)
    _COMPILED.add((network, views, pixels.shape))
    first = f" The first time it took {seconds[0]:.1f} s." if len(seconds) > 1 else ""
    best = np.argsort(-scores, kind="stable")[:TOP]
    shares = judges.tells_shares(scores[None])
    rows = [
        (names[i], float(scores[i]), f"{100 * scores[i]:.1f}%")
        if shares
        else (names[i], float((scores[i] - scores.min()) / max(1e-9, np.ptp(scores))), f"{scores[i]:+.2f}")
        for i in best
    ]
    return (
        f'<h3>{telling.escaped(network.label)}: <output class="kc-read">{telling.escaped(names[best[0]])}</output></h3>'
        f"{telling.bars(rows)}"
        f'<p class="kc-time">{_duration(seconds[-1])} for the picture.{first}</p>'
        f"{_views_shown(pixels, judges)}{telling.note(networks.protocol_in_words(network, views))}"
    )


_COMPILED: set[tuple] = set()  # what was asked before: networks, views and, for dense ones, sizes of pictures


def heat(encoded: bytes | None, network: Network) -> str:
    """Where the network looks for its answer, as HTML: Grad-CAM laid over the view of its own protocol.

    Raises:
        ClassicsError: as `answer` does, or if the network is an export, or cannot be asked that.
    """
    from keras_classics import complexity
    from keras_classics.exported import Exported
    from keras_classics.gradcam import grad_cam
    from keras_classics.plots.gradcam import upsampled
    from keras_classics.prediction import view_and_input

    pixels = _picture(encoded)
    model = networks.opened(network).model
    if isinstance(model, Exported):
        raise ClassicsError("Grad-CAM needs the Keras model, and this is an export of it, which has no gradients.")
    view, read = view_and_input(pixels, networks.asked(network))
    answered = int(networks.probabilities(network, pixels).argmax())
    layer = complexity.last_maps(model)
    (found,) = grad_cam(model, read, answered, layer)
    if not found.any():
        return telling.note(f"Grad-CAM of {layer}: nothing there speaks for the answer.")
    spread = upsampled(found, view.shape[:2], *complexity.grid(model, layer))
    name = networks.class_names(network)[answered]
    shown = telling.picture(laid_over(view, spread), f"Where {network.label} looks for {name}", "kc-view kc-sharp")
    return telling.figure(
        shown,
        f"Grad-CAM: where it looks for <b>{telling.escaped(name)}</b>, by the maps of {telling.escaped(layer)}, "
        f"{found.shape[1]}x{found.shape[0]}; bright yellow speaks most for it",
    )


def laid_over(view: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """A map (H, W), at least 0 and NaN where it tells nothing, in colours over a view (H, W, 1 or 3) in grey."""
    from matplotlib import colormaps

    grey = 80 + 0.69 * view.mean(2, keepdims=True)  # whose black is grey, for that of the map to show
    colour = 255 * colormaps["inferno"](np.nan_to_num(spread) / (np.nanmax(spread) or 1))[..., :3]
    share = np.where(np.isnan(spread), 0, 0.6)[..., None]
    return (1 - share) * grey + share * colour


def _picture(encoded) -> np.ndarray:
    if encoded is None:
        raise ClassicsError("There is no picture yet; choose one.")
    return read(encoded)


def _duration(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _views_shown(pixels, judges) -> str:
    from keras_classics.prediction import views_of

    (parts,) = views_of(pixels, judges)
    shown = [view for part in parts for view in part] if judges.views.dense else list(parts)
    images = "".join(
        telling.picture(view, f"view {number} of {len(shown)}", "kc-view kc-sharp")
        for number, view in enumerate(shown[:MOST_VIEWS_SHOWN], 1)
    )
    more = f" (the first {MOST_VIEWS_SHOWN} of them)" if len(shown) > MOST_VIEWS_SHOWN else ""
    views = "The view" if len(shown) == 1 else f"The {len(shown)} views"
    return (
        f'<figure><div class="kc-views">{images}</div><figcaption>{views} it was judged by{more}</figcaption></figure>'
    )


def tab(known: Sequence[Network]) -> None:
    """The components of this page; inside gradio's `Blocks`."""
    import gradio as gr

    by_label = {network.label: network for network in known}

    def asked(encoded, first, second, views):
        yield from steps(encoded, [by_label.get(label) for label in (first, second)], views)

    gr.Markdown(
        "## Classify a photograph\n"
        "What networks make of a picture of yours. They know the classes that they were trained on and no others: one "
        "of CIFAR-10 answers with one of ten things, whatever it is shown."
    )
    with gr.Row():
        with gr.Column(min_width=260):
            file = gr.File(label="A picture (JPEG, PNG, WebP ...)", type="binary", height=140, elem_id="kc-file")
        with gr.Column(min_width=260):
            first = gr.Dropdown(list(by_label), label="Network", elem_id="kc-first")
            second = gr.Dropdown([NONE, *by_label], value=NONE, label="Beside it", elem_id="kc-second")
            views = gr.Dropdown(list(VIEWS), value="1", label="Views, whose answers are averaged", elem_id="kc-views")
    button = gr.Button("Classify", variant="primary", elem_id="kc-classify")
    shown = []
    with gr.Row():
        for side in ("first", "second"):
            with gr.Column(min_width=260):
                for part in ("answer", "heat"):
                    shown.append(gr.HTML(elem_id=f"kc-{side}-{part}", apply_default_css=False))
    gr.on(
        [button.click, file.upload],
        asked,
        [file, first, second, views],
        shown,
        trigger_mode="always_last",  # a picture that comes while another one is being answered waits, and is answered
        api_visibility="private",
    )


def steps(encoded: bytes | None, pair: Sequence[Network | None], views: str) -> Iterator[tuple[str, ...]]:
    """What is shown of two networks, of which either may be none, as it comes to be: answer and heat of the first, then
    those of the second, as HTML. First come both answers, and only then where the networks look, which may take long.
    Errors are alerts in the place of the answers."""
    shown = [""] * 4
    yield tuple(shown)
    for side, network in enumerate(pair):
        if network is not None:
            shown[2 * side] = telling.told(answer)(encoded, network, views)
            yield tuple(shown)
    for side, network in enumerate(pair):
        if network is not None and "kc-alert" not in shown[2 * side]:
            shown[2 * side + 1] = telling.told(heat)(encoded, network)
            yield tuple(shown)
