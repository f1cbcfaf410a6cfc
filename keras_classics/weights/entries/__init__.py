"""The public checkpoints of the zoo's networks: one file a source, and the choice among them."""

from collections.abc import Iterable, Mapping
from typing import Any

from keras_classics.errors import ClassicsError, unknown
from keras_classics.spec import TRAINING_OPTIONS, InputProtocol
from keras_classics.weights.entries import (
    idelbayev,
    keras_applications,
    keras_classics,
    onnx_models,
    pytorchcv,
    timm,
    torchvision,
)
from keras_classics.weights.entries.entry import Entry

__all__ = ["DATASETS", "ENTRIES", "Entry", "entries_of", "find", "shares"]

ENTRIES: tuple[Entry, ...] = (
    *keras_applications.ENTRIES,
    *torchvision.ENTRIES,
    *timm.ENTRIES,
    *pytorchcv.ENTRIES,
    *onnx_models.ENTRIES,
    *idelbayev.ENTRIES,
    *keras_classics.ENTRIES,
)

# What `weights` may be instead of a source: the data set that the checkpoint was trained on.
DATASETS = {
    "imagenet": "imagenet2012",
    "cifar10": "cifar10",
    "cifar100": "cifar100",
    "svhn": "svhn_cropped",
    "mnist": "mnist",
}


def entries_of(variant: str) -> list[Entry]:
    """The checkpoints of a network, the best published accuracy first; after them those that may not be used
    commercially, which nobody gets who has not named them, and last our own."""
    found = (e for e in ENTRIES if e.variant == variant)
    own = "keras_classics"
    return sorted(found, key=lambda e: (e.source == own, e.noncommercial, e.top1 if e.top1 is not None else 100))


def find(
    variant: str, protocol: InputProtocol, weights: str, defaults: Mapping[str, Any], given: Mapping[str, Any]
) -> Entry:
    """The checkpoint that `weights` means.

    Args:
        variant: the network's name.
        protocol: what it was made for: a source means that data set where there are others, and of several checkpoints
            those go first whose errors were measured on images of that size, for which it is built.
        weights: a data set ("imagenet", "cifar10", "cifar100", "svhn", "mnist"): the best published accuracy that
            fits the network as it is, in the order of `entries_of`; a source ("torchvision") or one of its tags
            ("torchvision/IMAGENET1K_V2", or the part behind the stroke where no other source has it): the network then
            takes the form of the checkpoint.
        defaults: the network's options.
        given: those that the caller chose, which the checkpoint must share.

    Raises:
        ClassicsError: if there is none; the message lists those of the network.
    """
    entries = sorted(
        entries_of(variant),
        key=lambda e: (e.protocol.dataset != protocol.dataset, e.protocol.image_size != protocol.image_size),
    )
    tags = [e.tag for e in entries]
    full = [e.tag for e in entries if e.name == weights]
    if len(full) > 1:
        raise ClassicsError(f"'{weights}' is of several sources; write {' or '.join(map(repr, full))}.")
    weights = full[0] if full else weights
    words = {*(word for word, name in DATASETS.items() if any(e.protocol.dataset == name for e in entries))}
    fitting = [e for e in entries if shares(e, defaults, given)]
    exact = [e for e in fitting if shares(e, defaults, {**defaults, **given})]
    if weights in DATASETS:
        chosen = [e for e in exact if e.protocol.dataset == DATASETS[weights]]
        if not chosen and any(e.protocol.dataset == DATASETS[weights] for e in entries):
            raise ClassicsError(
                f"No public checkpoint for '{weights}' has this form of {variant}. A tag takes another form: "
                f"{_listed(entries)}."
            )
    else:
        chosen = [e for e in (*exact, *fitting) if weights in (e.tag, e.source)]
        if not chosen and any(weights in (e.tag, e.source) for e in entries):
            raise ClassicsError(f"The checkpoint '{weights}' has another form of {variant}: {_listed(entries)}.")
    if not chosen:
        known = sorted(words) + sorted({e.source for e in entries}) + [t for t in tags if "/" in t]
        if not known:
            raise ClassicsError(
                f"{variant} has no public checkpoint that fits it; give the path of a file, or leave `weights` None."
            )
        raise unknown(f"weights of {variant}", weights, known)
    return chosen[0]


def shares(entry: Entry, defaults: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    """Whether the network of an entry has the `options`."""
    form = {**defaults, **dict(entry.options)}
    return all(form.get(name) == value for name, value in options.items() if name not in TRAINING_OPTIONS)


def _listed(entries: Iterable[Entry]) -> str:
    return ", ".join(f"'{e.tag}'" + "".join(f" ({k}={v!r})" for k, v in e.options) for e in entries)
