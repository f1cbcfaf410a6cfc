"""`kill -9` at random moments, of which a seed makes the same ones again: the run ends as one that was never killed.

`python -m pytest -m heavy -k kill -s` prints the moments.
"""

import json
import shutil

import numpy as np
import pytest
from killed import live, same_end

from training.run_folder import RunFolder

# Of 33 batches of two parts each; a checkpoint about every third part.
SETTINGS = ["batch_size=50", "accumulate=2", "average=0.9", "epochs=3"]


def begin(folder):
    return (
        f"train.run(assign(get_recipe('lenet5-mnist'), {SETTINGS}), 'mnist_sample', out={str(folder.path)!r}, seed=1,"
        " limit=600, checkpoint_minutes=0.002)"
    )


@pytest.mark.heavy
@pytest.mark.parametrize(("backend", "kills"), [("tensorflow", 20), ("jax", 4), ("torch", 4)])
def test_killed_at_random_moments_a_run_ends_bit_for_bit_as_if_it_had_not_been(backend, kills, tmp_path):
    """Again and again from where it is, and the next run when it is through, until there are so many kills."""
    rng = np.random.default_rng(13)
    straight = RunFolder(tmp_path / "straight")
    moments, killed = live(begin(straight), backend)
    assert not killed
    done = runs = 0
    while done < kills:
        runs += 1
        folder, left, killed = RunFolder(tmp_path / f"run-{runs}"), len(moments), True
        while killed:
            kill_at = int(rng.integers(1, left // 2 + 1)) if done < kills and left > 3 else None
            command = f"train.resume({str(folder.path)!r})"
            if not folder.recipe.exists():  # killed before it began
                shutil.rmtree(folder.path, ignore_errors=True)
                command = begin(folder)
            told, killed = live(command, backend, kill_at, rng.uniform(0, 0.1))
            if killed:
                done, left = done + 1, left - kill_at
                print(f"{backend}, run {runs}, kill {done}: {told[-1]}", flush=True)
        assert same_end(folder, straight)
        ours, theirs = (json.loads(f.metrics.read_text()) for f in (folder, straight))
        assert [ours[which] for which in ("last", "best")] == [theirs[which] for which in ("last", "best")]
        print(f"{backend}, run {runs}: bit for bit the weights, the history and the errors of a run never killed")
