"""The processes in which the sides of a benchmark run."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from typing import IO, Any, cast

from keras_classics.benchmark.sides import Side
from keras_classics.choices import BACKENDS
from keras_classics.errors import ClassicsError
from keras_classics.quiet import last_line

SCRIPT = pathlib.Path(__file__).with_name("worker.py")


class Worker:
    """The process of a side, which runs worker.py; a context that ends it.

    Args:
        facts: what the script needs to know beside the side: the mode, the batch, the image size.
        peer_python: the Python in which a torch peer is installed.
    """

    def __init__(self, side: Side, facts: dict[str, Any], peer_python: str | pathlib.Path):
        self.side, self.steps = side, 1
        outside = side.who in ("pytorchcv", "torchvision")
        environment = {**os.environ, **({"KERAS_BACKEND": side.backend} if side.backend in BACKENDS else {})}
        if not outside:  # this package, wherever it is
            paths = [str(SCRIPT.parents[2]), os.environ.get("PYTHONPATH", "")]
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        python = peer_python if outside else sys.executable
        # -P: the script's folder has modules of ours that must not hide others of the same names.
        command = [python, "-P", SCRIPT, json.dumps({"who": side.who, "network": side.network, **facts})]
        with ExitStack() as stack:
            self._errors = stack.enter_context(tempfile.TemporaryFile())
            try:
                self._process = subprocess.Popen(
                    command,
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._errors,
                    text=True,
                )
            except OSError as error:
                raise ClassicsError(f"There is no Python '{python}' that can be run: {error.strerror}.") from error
            self._stack = stack.pop_all()
        self._into, self._out = (cast(IO[str], f) for f in (self._process.stdin, self._process.stdout))

    def run(self, steps: int) -> dict[str, Any]:
        """Lets the side do `steps` steps: the seconds that one took, and the most memory so far."""
        with suppress(BrokenPipeError):
            self._into.write(f"{steps}\n")
            self._into.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """The next answer of the script; the first is what the parts of its start took.

        Raises:
            ClassicsError: if the process has failed, with the last line that it wrote.
        """
        if line := self._out.readline():
            return json.loads(line)
        self._process.wait()
        self._errors.seek(0)
        reason = last_line(self._errors.read()) or "it says nothing"
        raise ClassicsError(f"{self.side.who} on {self.side.backend} failed: {reason}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        with suppress(BrokenPipeError):
            self._into.close()
        self._out.close()
        self._stack.close()
