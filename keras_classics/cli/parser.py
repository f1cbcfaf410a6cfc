"""What is typed: options and values with hints, and errors of one line."""

import argparse
import os
import re
import sys
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from keras_classics.errors import ClassicsError, one_line, unknown


class Parser(argparse.ArgumentParser):
    """An argument parser that suggests the nearest option, command or value, and says in one line what is wrong.

    What it parses has `debug`, for `run`.
    """

    def __init__(self, *args, **kwargs):
        self.options: list[str] = []
        self.commands: Mapping[str, Parser] = {}
        self.kind: str = "command"
        self.signed: list[str] = []
        super().__init__(*args, **kwargs)
        # without a default, for that of a command would stand in the place of what came before the command
        self.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help="show the whole trace of an error"
        )

    def add_argument(
        self,
        *names: str,
        signed: bool = False,
        completes: Callable[[], Iterable[str]] | None = None,
        **kwargs: Any,
    ):
        """As of argparse; but a value that is none of the `choices` gets the nearest suggested, and with `signed` it
        may begin with a minus. A shell that completes words offers the `choices`, or what `completes` gives besides
        the names of files."""
        self.signed += names if signed else ()
        self.options += [name for name in names if name.startswith("--")]
        choices = kwargs.pop("choices", None)
        if choices is not None:
            kwargs["type"] = one_of(kwargs.get("metavar") or names[0].lstrip("-"), choices)
        action: Any = super().add_argument(*names, **kwargs)
        if choices is not None:
            action.completer = lambda **_: choices
        elif completes is not None:
            action.completer = lambda prefix, **_: [*completes(), *_files(prefix)]
        return action

    def add_subparsers(self, **kwargs) -> Any:
        """As of argparse; but a command, or whatever `metavar` says, that is none gets the nearest suggested."""
        action = super().add_subparsers(**kwargs)
        self.commands, self.kind = action.choices, str(action.metavar)
        return action

    def error(self, message):
        print(f"{self.prog}: {message}", file=sys.stderr)
        sys.exit(2)

    def parse_args(self, args=None, namespace=None):
        if "_ARGCOMPLETE" in os.environ:  # a shell asks how the line may go on
            import argcomplete

            argcomplete.autocomplete(self)
        args = sys.argv[1:] if args is None else list(args)
        parser = self
        for word in (arg for arg in args if not arg.startswith("-")):
            if not parser.commands:
                break
            if word not in parser.commands:
                parser.error(str(unknown(parser.kind, word, parser.commands)))
            parser = parser.commands[word]
        known, rest = self.parse_known_args(list(_joined(args, parser.signed)), namespace)
        if rest:
            parser.error(str(unknown("argument", rest[0], parser.options)))
        known.debug = getattr(known, "debug", False)
        return known


def add_commands(parser: Parser, modules: Mapping[str, Any], metavar: str = "command", at: str = "function") -> None:
    """Gives a parser a command for each module, which has `add_arguments` and `run`, and tells in its docstring what it
    does. What is parsed has `run` under the name `at`."""
    commands = parser.add_subparsers(required=True, metavar=metavar)
    for name, module in modules.items():
        command = commands.add_parser(name, help=module.__doc__, description=module.__doc__)
        command.set_defaults(**{at: module.run})
        module.add_arguments(command)


def _files(prefix: str) -> Iterable[str]:
    from argcomplete.completers import FilesCompleter

    return FilesCompleter()(prefix)


def _joined(args: Sequence[str], signed: Collection[str]) -> Iterator[str]:
    """The words, with `--option=value` for an option that is `signed` and its value: argparse takes a word that begins
    with a minus for an option."""
    before = None
    for word in args:
        if before in signed and word.startswith("-") and not word.startswith("--"):
            yield f"{before}={word}"
            before = None
            continue
        if before is not None:
            yield before
        before = word
    if before is not None:
        yield before


def one_of(kind: str, known: Collection[str]) -> Callable[[str], str]:
    """An argument's type: one of the `known` values."""

    def value(text: str) -> str:
        if text not in known:
            raise argparse.ArgumentTypeError(str(unknown(kind, text, known)))
        return text

    return value


def positive(text: str) -> int:
    """An argument's type: a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"it must be a whole number of at least 1, not '{text}'")
    return int(text)


def quantity(text: str) -> int:
    """An argument's type: a number of things, such as 300k, 5M, 1.5G (or 1.5B) or 25,557,032."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kmgb]?)", text.replace(",", "").lower())
    if not found:
        raise argparse.ArgumentTypeError(f"it must be a number such as 300k, 5M or 1.5G, not '{text}'")
    return round(float(found[1]) * {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9}[found[2]])


def years(text: str) -> range:
    """An argument's type: the years of 2015, 2012..2015, 2012.. or ..2015."""
    found = re.fullmatch(r"(\d{4})|(\d{4})?\.\.(\d{4})?", text)
    if not found or text == "..":
        raise argparse.ArgumentTypeError(f"it must be a year, 2015, or years, 2012..2015, not '{text}'")
    first, last = int(found[1] or found[2] or 0), int(found[1] or found[3] or 9999)
    if first > last:
        raise argparse.ArgumentTypeError(f"the earlier year comes first, not {text}")
    return range(first, last + 1)


def run(main: Callable[[], None], debug: bool = False) -> None:
    """Runs a command. A mistake that the user can mend ends it with one line and status 2, any other error with one
    line and status 1; with `debug` the trace comes before."""
    try:
        main()
        sys.stdout.flush()
    except BrokenPipeError:  # who reads, such as `head`, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would fail to write the rest
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if debug:
            traceback.print_exc()
        if isinstance(error, ClassicsError):
            print(_line(error), file=sys.stderr)
            sys.exit(2)
        where = "" if debug else "; --debug shows the trace"
        print(f"error: {_line(error)} ({type(error).__name__}{where})", file=sys.stderr)
        sys.exit(1)


def _line(error: Exception) -> str:
    """The error's message as a line, of which more than a screen's width or two says nothing more."""
    text = one_line(error)
    return text if isinstance(error, ClassicsError) or len(text) <= 300 else text[:300] + "..."
