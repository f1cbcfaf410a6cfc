"""Both sides are counted, with their uncertainty, and nobody sees the answer before."""

import dataclasses
import itertools
import pathlib

import numpy as np
import PIL.Image
import pytest

from keras_classics import datasets
from keras_classics.demo import contest, networks
from keras_classics.demo.networks import Network
from keras_classics.errors import ClassicsError
from keras_classics.evaluation import wilson

LENET5 = Network("lenet5-mnist", "lenet5", "mnist")


@pytest.fixture(scope="module")
def cards():
    return contest.deck("mnist_sample")


def test_pictures_whose_classes_are_not_told_are_no_deck(monkeypatch):
    """-1 would be taken for the last class."""
    known = datasets.load("mnist_sample")
    hidden = dataclasses.replace(known, stored=lambda split: known.stored(split).map(lambda image, label: (image, -1)))
    monkeypatch.setattr(datasets, "load", lambda *_: hidden)
    with pytest.raises(ClassicsError, match="does not tell the classes of its 'test' pictures"):
        contest.deck.__wrapped__("hidden")


def test_both_are_counted(cards):
    session = contest.begun(cards, seed=0)
    man = machine = 0
    for turn in range(6):
        truth = cards.label(session.number)
        answered = int(networks.probabilities(LENET5, cards.pixels(session.number)).argmax())
        guess = str(truth if turn % 2 else (truth + 1) % 10)
        session, verdict = contest.judged(session, cards, guess, LENET5)
        man, machine = man + (guess != str(truth)), machine + (answered != truth)
        assert f"It is <b>{truth}</b>" in verdict
        assert (session.seen, session.man, session.machine) == (turn + 1, man, machine)
    told = contest.scores_told(session, cards, LENET5)
    low, high = wilson(3, 6)
    assert "3 of 6" in told
    assert f"{low:.1f} to {high:.1f}%" in told
    assert "50.0%" in told


def test_a_network_that_errs_is_counted_too(cards, monkeypatch):
    session = contest.begun(cards, seed=1)
    truth = cards.label(session.number)
    monkeypatch.setattr(contest.networks, "probabilities", lambda *_: np.eye(10)[(truth + 1) % 10])
    session, verdict = contest.judged(session, cards, str(truth), LENET5)
    assert (session.man, session.machine) == (0, 1)
    assert verdict.index("right") < verdict.index("wrong")


def test_a_deck_is_of_test_pictures_in_an_order_of_the_visitor(cards):
    assert len(cards.pictures) == 1000
    assert cards.guesses == 1
    first, second = (contest.begun(cards) for _ in range(2))
    assert sorted(first.order) == list(range(1000))
    assert first.order != second.order
    assert "order" not in repr(first)


def test_examples_are_of_the_class_and_never_what_is_asked(cards):
    session = contest.begun(cards, seed=2)
    html = contest.examples_told(cards, session, "4")
    assert html.count("<img") == contest.EXAMPLES
    alone = dataclasses.replace(cards, examples=())  # a data set of one split shows its own pictures
    label = alone.label(session.number)
    shown = alone.examples_of(label, session.number)
    assert len(shown) == contest.EXAMPLES
    asked = alone.pixels(session.number)
    assert not any(np.array_equal(asked, pixels) for pixels in shown)


def test_pictures_that_cannot_be_read_are_left_out(tmp_path):
    """From beginning to end, and among the examples; as when a disk fails while the demo runs."""
    for split, place in itertools.product(("train", "test"), range(4)):
        picture = tmp_path / split / "ab"[place % 2] / f"{place}.png"
        picture.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(np.full((28, 28, 3), place, "uint8")).save(picture)
    cards = contest.deck.__wrapped__(str(tmp_path))
    whole = contest.begun(cards, seed=0)
    first, last = (cards.pictures[whole.order[at]][0].decode() for at in (0, 3))
    pathlib.Path(first).write_bytes(b"no picture")
    head, pixels = pathlib.Path(last).read_bytes().split(b"IDAT")
    pathlib.Path(last).write_bytes(head + b"IDAT" + bytes(8) + pixels[8:])  # damaged within, which TensorFlow tells
    (tmp_path / "train" / "a" / "0.png").write_bytes(b"no picture")
    session = contest.begun(cards, seed=0)
    assert session.order == whole.order[1:]
    assert len(cards.examples_of(0, session.number)) == 1
    network, asked = Network("either", "lenet5", "mnist"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contest.networks, "probabilities", lambda *_: np.array([0.6, 0.4]))
        for _ in range(3):
            asked.append(session.number)
            session, _ = contest.judged(session, cards, "a", network)
    assert (session.seen, set(asked)) == (3, set(whole.order[1:3]))


@pytest.mark.parametrize("guesses", [None, [], "ten", ["1", "2"]])
def test_what_is_no_guess_counts_for_nothing(cards, guesses):
    with pytest.raises(ClassicsError, match="Name"):
        contest.judged(contest.begun(cards), cards, guesses, LENET5)


def test_many_classes_allow_five_guesses(cards, monkeypatch):
    names = tuple(map(str, range(10))) + tuple(f"never {i}" for i in range(20))
    many = dataclasses.replace(cards, class_names=names)
    assert many.guesses == 5
    session = contest.begun(cards, seed=3)
    truth = many.label(session.number)
    scores = np.zeros(30)
    scores[[truth, 20, 21, 22, 23]] = [0.01, 0.3, 0.3, 0.2, 0.1]  # it comes fifth
    monkeypatch.setattr(contest.networks, "probabilities", lambda *_: scores)
    session, _ = contest.judged(session, many, ["never 3", str(truth)], LENET5)
    assert (session.man, session.machine) == (0, 0)
    assert "Top-5 error" in contest.scores_told(session, many, LENET5)


def test_rivals_know_the_same_classes(cards, picture_folder):
    known = networks.shipped()
    labels = [network.label for network in contest.rivals(cards, known)]
    assert labels == ["lenet5_distorted-mnist", "lenet5-mnist", "lecun1989-mnist"]
    folder = contest.deck(str(picture_folder))
    assert folder.class_names[0] == "digit_0"
    assert len(folder.pictures) == 40
    assert folder.pixels(0).shape == (28, 28, 3)
    assert contest.rivals(folder, known) == []
