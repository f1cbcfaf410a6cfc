"""The networks that the page can ask: those whose weights are on this machine, each opened when it is first asked."""

import functools
import pathlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from keras_classics import catalogue
from keras_classics.errors import ClassicsError
from keras_classics.opening import check_source, open_source
from keras_classics.spec import ONE_CROP

BATCH = 32  # views a step
ONE_VIEW = "1"
OWN = "keras_classics"  # the source of the weights in the package
_ONE_AT_A_TIME = threading.RLock()  # networks are opened and answer one after another: two would take the same cores


@dataclass(frozen=True)
class Network:
    """A network with weights.

    Attributes:
        label: what the page calls it, no path.
        source: what `open_source` takes: a network's name, a run folder, a file, a repository of the hub.
        weights: of a network's name.
    """

    label: str
    source: str
    weights: str | None = None


def shipped() -> list[Network]:
    """Those whose weights lie in the package, and those of public weights that were downloaded before."""
    from keras_classics.weights.entries import ENTRIES
    from keras_classics.weights.fetch import on_this_machine

    rank = ["imagenet2012", "cifar10", "cifar100", "svhn_cropped", "mnist"]  # what knows photographs comes first
    here = [entry for entry in ENTRIES if on_this_machine(entry)]
    here.sort(key=lambda entry: (rank.index(entry.protocol.dataset), entry.source != OWN, entry.top1 or 100))
    return [
        Network(
            entry.tag.removeprefix(f"{OWN}/") if entry.source == OWN else f"{entry.variant} ({entry.tag})",
            entry.variant,
            entry.tag,
        )
        for entry in here
    ]


def named(text: str) -> Network:
    """What a user calls a network: a run folder, a file, hf-hub:user/name, or "name=weights" of one of the zoo, such as
    "resnet50=imagenet" or "resnet50=torchvision/IMAGENET1K_V2".

    Raises:
        ClassicsError: if nothing can be there; no Keras is imported to tell that.
    """
    name, _, weights = text.partition("=")
    if weights and not pathlib.Path(text).exists():
        catalogue.find(name)
        return Network(f"{name} ({pathlib.PurePath(weights).name if '/' in weights[:1] else weights})", name, weights)
    if not pathlib.Path(text).exists() and text in (known := catalogue.read()):
        tags = [entry["tag"] for entry in known[text]["weights"]]
        hint = f"{text}={tags[0]}" if tags else "a run folder or a .keras file"
        raise ClassicsError(f"{text} has no weights by its name alone; give {hint}.")
    check_source(text, None)
    return Network(pathlib.PurePath(text).name, text)


def distinct(known: Sequence[Network]) -> list[Network]:
    """The same networks, those after the first of a label with a number behind it."""
    counts: dict[str, int] = {}
    found = []
    for network in known:
        count = counts[network.label] = counts.get(network.label, 0) + 1
        found.append(replace(network, label=f"{network.label} ({count})") if count > 1 else network)
    return found


def opened(network: Network):
    """The model, its record and the names of its classes, as `open_source` has them."""
    with _ONE_AT_A_TIME:
        return _opened(network)


def asked(network: Network, views: str = ONE_VIEW):
    """The network as an ensemble of one, with those views of a picture."""
    with _ONE_AT_A_TIME:
        return _asked(network, views)


@functools.lru_cache(maxsize=8)
def _opened(network):
    return open_source(network.source, network.weights, exports=True)


@functools.lru_cache(maxsize=16)
def _asked(network, views):
    from keras_classics import crops
    from keras_classics.ensemble import ensemble

    return ensemble(opened(network).model, crops.find(views))


def class_names(network: Network) -> Sequence[str]:
    """Of its answers, in order."""
    from keras_classics.prediction import names_of
    from keras_classics.preprocessing import imagenet_classes

    return names_of(asked(network).members[0], opened(network).class_names) or imagenet_classes()[1]


def probabilities(network: Network, pixels: np.ndarray, views: str = ONE_VIEW) -> np.ndarray:
    """The network's answer (classes,) to a picture (H, W, C) of 0..255, the mean over its views: probabilities, or of
    one view the scores where the network does not end in any.

    Raises:
        ClassicsError: as `predict` does.
    """
    from keras_classics.ensemble import check_answers
    from keras_classics.prediction import batches_of

    judges = asked(network, views)
    size = judges.batch_size(BATCH, 1)
    with _ONE_AT_A_TIME:
        batches = batches_of([pixels], judges, size)
        scores = [part for _, part in judges.answers(batches, size, probabilities=judges.averages)]
    (answer,) = (part[:, 0] for part in scores if part.shape[1])
    check_answers(judges.members, (~np.isfinite(answer)).any(1).astype(int), 1)
    return answer[0]


def protocol_in_words(network: Network, views: str) -> str:
    """How a picture is prepared for the network."""
    judges = asked(network, views)
    count = judges.views.count
    return f"{ONE_CROP if count == 1 else f'{count} views'}: {judges.members[0].feed.described(judges.views)}"
