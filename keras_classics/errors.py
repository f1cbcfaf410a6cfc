"""The errors that tell a user what to do, and the nearest-name hint that it carries."""

import difflib
from collections.abc import Iterable


class ClassicsError(ValueError):
    """A mistake that the caller can mend. Its message is one line that says how; the commands print it alone."""


class KeptClassifier(UserWarning):
    """A network kept the classifier of its weights' file because the number of classes is the same; the classes may be
    different ones."""


class ExportError(ClassicsError):
    """An export that failed, and how far it came: whether it `converts`, `runs` and `agrees` with its model, each None
    where it did not come to that. Of one that does not agree, `agreement` is its `exporting.Agreement`."""

    def __init__(self, message, converts=None, runs=None, agrees=None, agreement=None):
        super().__init__(message)
        self.converts, self.runs, self.agrees, self.agreement = converts, runs, agrees, agreement


def first_line(error: BaseException) -> str:
    """Of a message of TensorFlow or of another runtime, whose messages run to pages."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


def one_line(text: object) -> str:
    """A text, such as a message or a class's name, whose white space is single blanks."""
    return " ".join(str(text).split())


def unknown(kind: str, name: object, known: Iterable[str]) -> ClassicsError:
    """The error for a `name` that is none of the `known` ones, with the nearest suggested."""
    known = list(known)
    nearest = difflib.get_close_matches(str(name).lower(), [k.lower() for k in known], n=1, cutoff=0.5)
    hint = ""
    if nearest:
        hint = f" Did you mean '{next(k for k in known if k.lower() == nearest[0])}'?"
    listing = ", ".join(known) if len(known) <= 12 else ", ".join(known[:10]) + f" and {len(known) - 10} more"
    return ClassicsError(f"Unknown {kind} '{name}'.{hint} Known: {listing or 'none'}.")
