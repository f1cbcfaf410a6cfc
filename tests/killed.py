"""Runs in processes of their own, killed as by `kill -9`; and whether a run ended as another did."""

import csv
import os
import subprocess
import sys
import time

import keras
import numpy as np

# Tells, in lines that begin with @, what a run does: as it begins with it and, but for steps, as it is done.
PROGRAM = """
def tell(moment):
    print("@" + moment, flush=True)

tell("starting")
import keras
from keras_classics import exporting
from training import get_recipe, train
from training.assign import assign
from training.run_folder import RunFolder

def tells(owner, name, moment, end=True):
    function = getattr(owner, name)
    def telling(*args, **kwargs):
        told = moment(*args) if callable(moment) else moment
        tell(told)
        result = function(*args, **kwargs)
        if end:
            tell("after " + told)
        return result
    setattr(owner, name, telling)

tells(train, "network", "building")
tells(keras.Model, "fit", "compiling", end=False)

def step(self, batch, *_):
    return f"epoch {len(self.history) + 1}, step {batch + 1}"

tells(train.EpochWriter, "on_train_batch_end", step, end=False)
tells(RunFolder, "save_model", lambda self, model, path, *_: f"writing {path.name}")
tells(keras.Model, "evaluate", "validating")
tells(train, "judge", "judging")
tells(exporting, "export", lambda model, path, *_: f"exporting {path.name}")
"""


def live(command, backend, kill_at=None, delay=0.0):
    """Runs the command, Python text to follow `PROGRAM`, and kills it `delay` seconds after the `kill_at`-th moment
    that it tells.

    Returns:
        The moments that it told, and whether it was killed before its end.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM + command],
        env={**os.environ, "KERAS_BACKEND": backend},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    moments, said = [], []
    for line in process.stdout:
        said.append(line)
        if line.startswith("@"):
            moments.append(line[1:].strip())
            if len(moments) == kill_at:
                time.sleep(delay)
                process.kill()
    status = process.wait()
    assert status in (0, -9), "".join(said[-40:])
    return moments, status != 0


def rows(folder):
    """history.csv without the time it took."""
    with open(folder.history, newline="") as file:
        return [{k: float(v) for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def same_end(folder, straight):
    """Whether the run ended with the history and the weights of the one that was never stopped."""
    assert rows(folder) == rows(straight)
    for name in ("last", "best"):
        ours, theirs = (keras.saving.load_model(getattr(f, name), compile=False) for f in (folder, straight))
        for got, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_array_equal(got, expected)
    return True
