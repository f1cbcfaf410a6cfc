"""Experiments whose arms train nothing: their results are known beforehand."""

import functools
import os
import random
import time

from training.experiments.design import Arm, Comparison, Experiment
from training.experiments.measures import TEST_ERROR


def drawn(seed, data, error, spread):
    """An error with a part that both arms of a seed have in common and a part of its own."""
    common, own = random.Random(f"{seed}"), random.Random(f"{seed} {error}")
    if path := os.environ.get("MADE_UP_LOG"):
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{error} {seed}\n")
        time.sleep(float(os.environ.get("MADE_UP_SECONDS", "0")))
    return {"test_error": error + 5 * common.gauss(0, 1) + spread * own.gauss(0, 1), "train_loss": 0.0}


def arm(name, error, spread=0.3):
    return Arm(name, carry_out=functools.partial(drawn, error=error, spread=spread))


def made_up(*arms, seeds=5, least=0.0, comparisons=None, **changes):
    """That the first of the arms errs more than the last."""
    compared = (Comparison(arms[0].name, arms[-1].name, TEST_ERROR, least=least),)
    options = {
        **{
            "name": "made_up",
            "claim": "The new arm errs less.",
            "source": "Nobody, figure 0",
            "paper_figure": "2 points",
        },
        **{"design": "Errors are drawn. Nothing is trained.", "varies": ("carried_out.error", "carried_out.spread")},
        **{"data": "mnist_sample", "limit": 100, "seeds": seeds, "curve": ""},
    }
    return Experiment(arms=arms, comparisons=comparisons or compared, **{**options, **changes})


DIFFERENT = made_up(arm("old", 12.0), arm("new", 10.0))
ALIKE = made_up(arm("old", 10.0), arm("new", 10.0 + 1e-9))
WORSE = made_up(arm("old", 10.0), arm("new", 12.0))
