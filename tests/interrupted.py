"""Runs that are stopped in the middle, as by Ctrl-C."""

from contextlib import contextmanager

import pytest

from training import train


@contextmanager
def stopped_in_epoch(number):
    """Inside, a run is stopped at the end of that epoch, counted from 0, before anything is written of it."""
    write = train.EpochWriter.on_epoch_end

    def write_or_stop(self, epoch, logs=None):
        if epoch == number:
            raise KeyboardInterrupt
        write(self, epoch, logs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train.EpochWriter, "on_epoch_end", write_or_stop)
        yield
