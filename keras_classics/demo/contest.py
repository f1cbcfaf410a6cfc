"""Man against machine: a visitor and a network name what is in the same pictures, and both are counted.

After Karpathy's experiment, whose subject erred 5.1% on 1,500 images of ImageNet, top-5, with examples of the classes
beside him (Russakovsky et al. 2015, section 6.4).
"""

import contextlib
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from keras_classics.demo import networks, telling
from keras_classics.demo.networks import Network
from keras_classics.errors import ClassicsError

MOST = 1000  # pictures that are drawn from
FEW_CLASSES = 20  # with more of them five guesses are taken, as of ImageNet
EXAMPLES = 6
LARGE = 128  # a picture with a smaller side is enlarged, its pixels as squares


@dataclass(frozen=True)
class Deck:
    """Labelled pictures to be named.

    Attributes:
        name: of the data set.
        class_names: in the order of the labels.
        pictures: what is stored of each, and its label.
        examples: the same of pictures that are not asked about, where there are any.
        decode: from what is stored to pixels, uint8 (H, W, C).
    """

    name: str
    class_names: Sequence[str]
    pictures: Sequence[tuple]
    examples: Sequence[tuple]
    decode: Callable

    @property
    def guesses(self) -> int:
        """How many classes may be named for a picture: five of many, as of ImageNet, and else one."""
        return 1 if len(self.class_names) <= FEW_CLASSES else 5

    def pixels(self, number: int) -> np.ndarray:
        """A picture, uint8 (H, W, C).

        Raises:
            ClassicsError: if it cannot be read.
        """
        return self._decoded(self.pictures[number][0])

    def label(self, number: int) -> int:
        """Its class."""
        return int(self.pictures[number][1])

    def examples_of(self, label: int, besides: int) -> list[np.ndarray]:
        """Some pictures of a class that can be read, never the one that is asked about."""
        asked = self.pictures[besides][0]
        found = (stored for stored, of in self.examples or self.pictures if of == label and stored is not asked)
        return list(itertools.islice(self._readable(found), EXAMPLES))

    def _readable(self, found: Iterable) -> Iterator[np.ndarray]:
        for stored in found:
            with contextlib.suppress(ClassicsError):
                yield self._decoded(stored)

    def _decoded(self, stored) -> np.ndarray:
        from keras_classics import datasets

        with datasets.reading():
            return np.asarray(self.decode(stored))


@functools.lru_cache(maxsize=2)
def deck(data: str, data_dir: str | None = None) -> Deck:
    """The pictures of a data set that `datasets.load` takes: at most 1,000 of those that errors are reported on, as
    many of each class; and as examples some of another split.

    Raises:
        ClassicsError: as `datasets.load` does, or if there are none, or their classes are not told.
    """
    from keras_classics import datasets

    opened = datasets.load(data, data_dir)
    asked = opened.judged_split
    others = next((split for split in opened.sizes if split != asked), None)
    limits = {asked: MOST} | ({others: EXAMPLES * len(opened.class_names)} if others else {})
    stored = {}
    with datasets.reading():
        for split, limit in limits.items():
            records = datasets.limited(opened, limit, [split]).records(split)
            stored[split] = [(image, int(label)) for image, label in records.as_numpy_iterator()]
    if any(label < 0 for _, label in stored[asked]):
        raise ClassicsError(f"{opened.name} does not tell the classes of its '{asked}' pictures; choose other data.")
    return Deck(opened.name, opened.class_names, stored[asked], stored[others] if others else [], opened.decode)


@dataclass(frozen=True)
class Session:
    """What one visitor has seen so far.

    Attributes:
        order: of the deck's pictures, a permutation of those that are not known to be damaged.
        seen: how many were judged.
        man, machine: how many of them each got wrong.
    """

    order: tuple[int, ...] = field(repr=False)
    seen: int = 0
    man: int = 0
    machine: int = 0

    @property
    def number(self) -> int:
        """Of the picture that is asked about; when all were seen they come again."""
        return self.order[self.seen % len(self.order)]


def begun(cards: Deck, seed: int | None = None) -> Session:
    """A visitor's session with the deck's pictures, in an order of their own.

    Raises:
        ClassicsError: if none of them can be read.
    """
    return _at_a_readable(Session(tuple(map(int, np.random.default_rng(seed).permutation(len(cards.pictures))))), cards)


def _at_a_readable(session: Session, cards: Deck) -> Session:
    """The session without the pictures that come next in it and cannot be read."""
    while True:
        try:
            cards.pixels(session.number)
            return session
        except ClassicsError:
            if len(session.order) == 1:
                raise
            session = replace(session, order=tuple(i for i in session.order if i != session.number))


def judged(session: Session, cards: Deck, guesses: Sequence[str], network: Network) -> tuple[Session, str]:
    """The session after the visitor's guesses at its picture, and what was right as HTML.

    Raises:
        ClassicsError: if there is no guess, too many, or one is no class; the network cannot be asked, or no picture
            be read.
    """
    guesses = _listed(guesses)
    if not guesses:
        raise ClassicsError("Name a class first: type a part of its name, and choose.")
    if len(guesses) > cards.guesses or not set(guesses) <= set(cards.class_names):
        raise ClassicsError(f"Name at most {cards.guesses} of the classes.")
    number = session.number
    truth, pixels = cards.label(number), cards.pixels(number)
    scores = networks.probabilities(network, pixels)
    best = [int(i) for i in np.argsort(-scores, kind="stable")[: cards.guesses]]
    man_right, machine_right = cards.class_names[truth] in guesses, truth in best
    after = replace(
        session,
        seen=session.seen + 1,
        man=session.man + (not man_right),
        machine=session.machine + (not machine_right),
    )
    told = (
        f'<div class="kc-verdict">{shown(pixels, "the last picture", "kc-small")}<p>It is <b>'
        f"{telling.escaped(cards.class_names[truth])}</b>.<br>You: {', '.join(map(telling.escaped, guesses))}, "
        f"{_verdict(man_right)}.<br>{telling.escaped(network.label)}: "
        f"{', '.join(telling.escaped(cards.class_names[i]) for i in best)}, {_verdict(machine_right)}.</p></div>"
    )
    return _at_a_readable(after, cards), told


def _listed(guesses: str | Sequence[str] | None) -> list[str]:
    """What gradio gives of a choice: one word, several or none."""
    return [guesses] if isinstance(guesses, str) else list(guesses or ())


def _verdict(right: bool) -> str:
    return '<span class="kc-right">right</span>' if right else '<span class="kc-wrong">wrong</span>'


def scores_told(session: Session, cards: Deck, network: Network) -> str:
    """Both counts, with Wilson's intervals of 95% confidence, as HTML."""
    from keras_classics.evaluation import wilson

    kind = "error" if cards.guesses == 1 else f"top-{cards.guesses} error"
    rows = []
    for name, wrong in (("You", session.man), (network.label, session.machine)):
        low, high = wilson(wrong, session.seen)
        error = f"{100 * wrong / session.seen:.1f}%" if session.seen else "-"
        bar = f'<span style="left:{low:.1f}%;width:{high - low:.1f}%"></span>'
        rows.append(
            f'<tr><th scope="row">{telling.escaped(name)}</th><td>{wrong} of {session.seen}</td><td>{error}</td>'
            f'<td>{low:.1f} to {high:.1f}%</td><td class="kc-range">{bar}</td></tr>'
        )
    return (
        f'<table class="kc-scores"><caption>{kind.capitalize()} so far, and where it lies with 95% confidence</caption>'
        f'<tr><th scope="col"></th><th scope="col">wrong</th><th scope="col">{kind}</th><th scope="col">interval</th>'
        f'<th scope="col" class="kc-range">0 to 100%</th></tr>{"".join(rows)}</table>'
    )


def shown(pixels: np.ndarray, label: str, classes: str = "kc-asked") -> str:
    """A picture, the pixels of a small one as squares."""
    return telling.picture(pixels, label, classes, sharp=min(pixels.shape[:2]) < LARGE)


def examples_told(cards: Deck, session: Session, guesses: Sequence[str]) -> str:
    """Examples of the class that was chosen last, as HTML."""
    guesses = _listed(guesses)
    if not guesses:
        return telling.note("Examples of the class that you choose are shown here.")
    name = guesses[-1]
    found = cards.examples_of(list(cards.class_names).index(name), session.number)
    images = "".join(shown(pixels, f"an example of {name}", "kc-small") for pixels in found)
    return telling.figure(f'<div class="kc-views">{images}</div>', f"Examples of {telling.escaped(name)}")


def rivals(cards: Deck, known: Sequence[Network]) -> list[Network]:
    """The networks that tell the deck's classes apart, in their order. Only those are opened that may do so by what is
    known of them."""
    from keras_classics.ensemble import same_classes

    return [
        network
        for network in known
        if _may_know(network, cards) and same_classes(networks.class_names(network), cards.class_names)
    ]


def _may_know(network: Network, cards: Deck) -> bool:
    """Not where a public checkpoint is of a data set whose classes are known to be others."""
    from keras_classics.datasets import known_class_names
    from keras_classics.ensemble import same_classes
    from keras_classics.spec import CLASSES
    from keras_classics.weights.entries import ENTRIES

    sets = [e.protocol.dataset for e in ENTRIES if (e.variant, e.tag) == (network.source, network.weights)]
    return all(
        CLASSES[name] == len(cards.class_names)
        and (not known_class_names(name) or same_classes(known_class_names(name), cards.class_names))
        for name in sets
    )


def tab(page, cards: Deck, known: Sequence[Network]) -> None:
    """The components of this page; inside gradio's `Blocks`, which is `page`."""
    import gradio as gr

    by_label = {network.label: network for network in known}
    many = cards.guesses > 1
    gr.Markdown(
        "## Man against machine\n"
        f"Name what is in the picture, out of the {len(cards.class_names)} classes of {cards.name}"
        f"{', with up to five guesses' if many else ''}. The network names it too, and both errors are kept for as "
        "long as this page is open. So did Karpathy with ImageNet: after 1,500 pictures he erred 5.1%, GoogLeNet 6.8% "
        "(Russakovsky et al. 2015, section 6.4)."
    )
    if not known:
        gr.HTML(
            telling.alert("No network here tells these classes apart; start the demo with one: --model <run folder>.")
        )
        return
    state = gr.State(lambda: begun(cards))
    with gr.Row():
        with gr.Column(min_width=260):
            asked = gr.HTML(elem_id="kc-asked", apply_default_css=False)
        with gr.Column(min_width=260):
            network = gr.Dropdown(list(by_label), label="Against", elem_id="kc-against", visible=len(by_label) > 1)
            guess = gr.Dropdown(
                list(cards.class_names),
                value=[] if many else None,
                multiselect=many,
                max_choices=cards.guesses if many else None,
                label="It is ... (type to search)",
                elem_id="kc-guess",
            )
            button = gr.Button("Answer", variant="primary", elem_id="kc-answer")
            examples = gr.HTML(elem_id="kc-examples", apply_default_css=False)
    last = gr.HTML(elem_id="kc-last", apply_default_css=False)
    scores = gr.HTML(elem_id="kc-scores", apply_default_css=False)

    def picture_and_scores(session, label):
        return (
            shown(cards.pixels(session.number), f"picture {session.seen + 1}, to be named"),
            scores_told(session, cards, by_label[label]),
        )

    def begin(session, label):
        return *picture_and_scores(session, label), examples_told(cards, session, ())

    def judge(session, guesses, label):
        try:
            after, verdict = judged(session, cards, guesses, by_label[label])
        except ClassicsError as error:
            return session, telling.alert(telling.in_words(error)), gr.skip(), gr.skip(), gr.skip(), gr.skip()
        return after, verdict, *picture_and_scores(after, label), [] if many else None, examples_told(cards, after, ())

    def restart(label):
        session = begun(cards)
        return session, "", *picture_and_scores(session, label), [] if many else None, examples_told(cards, session, ())

    private = {"api_visibility": "private"}
    page.load(begin, [state, network], [asked, scores, examples], **private)
    button.click(judge, [state, guess, network], [state, last, asked, scores, guess, examples], **private)
    guess.input(lambda session, guesses: examples_told(cards, session, guesses), [state, guess], examples, **private)
    # another rival, another match
    network.input(restart, network, [state, last, asked, scores, guess, examples], **private)
