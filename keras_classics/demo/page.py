"""The page as a whole: its tabs, its looks, and what it may do."""

from collections.abc import Sequence

import gradio as gr

from keras_classics.demo import contest, digits, networks, photograph, zoo
from keras_classics.demo.assets import text

TITLE = "keras_classics"
KEPT_SECONDS = 600  # that an upload stays on the disk


class Page(gr.Blocks):
    """gradio's `Blocks`, whose `launch` has the page's looks and bounds unless it is told otherwise.

    The address is gradio's own choice: the loopback, or what GRADIO_SERVER_NAME says, as on the hub's Spaces.
    """

    def launch(self, *args, **options):
        """As of gradio; a tunnel through another host (`share`) is never opened."""
        plain = {
            "theme": gr.themes.Default(
                primary_hue="blue", font=("system-ui", "sans-serif"), font_mono=("ui-monospace", "monospace")
            ),
            "css": text("page.css"),
            "max_file_size": photograph.MOST_BYTES,
            "footer_links": [],
            "ssr_mode": False,
            "enable_monitoring": False,
        }
        return super().launch(*args, **{**plain, **options, "share": False})


def made(models: Sequence[str], data: str, data_dir: str | None) -> Page:
    """The page; see `keras_classics.demo.build`."""
    given = [networks.named(name) for name in models]
    known = networks.distinct([*given, *networks.shipped()])
    for network in known[: len(given)]:
        networks.asked(network)  # whose mistakes are to be told before anyone looks at the page
    cards = contest.deck(data, data_dir)
    rivals = contest.rivals(cards, known)
    digits.warm()
    with Page(title=TITLE, analytics_enabled=False, delete_cache=(KEPT_SECONDS, KEPT_SECONDS)) as page:
        gr.Markdown(
            "# keras_classics\nThe classic image classifiers, to try on. Nothing leaves the machine that runs this."
        )
        with gr.Tabs():
            with gr.Tab("Digit", id="digits"):
                digits.tab()
            with gr.Tab("Photograph", id="photograph"):
                photograph.tab(known)
            with gr.Tab("Contest", id="contest"):
                contest.tab(page, cards, rivals)
            with gr.Tab("Zoo", id="zoo"):
                zoo.tab()
    return page
