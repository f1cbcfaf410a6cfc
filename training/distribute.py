"""Training on several devices, of one machine or of many, by data parallelism: each device holds the whole network and
takes its part of every batch, and all of them make the step that one device would make.

On jax it is Keras' `DataParallel`, over jax's distributed runtime where there are several processes; a batch norm sees
the whole batch. On tensorflow it is `tf.distribute.MirroredStrategy`, for the devices of one process; a batch norm sees
the whole batch there as well, unless it is asked to see its device's part alone, as the networks of the papers did.
"""

import contextlib
import hashlib
import json
import math
import os
import pathlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_classics.choices import DISTRIBUTIONS
from keras_classics.errors import ClassicsError, first_line, unknown
from training.progress import say


@dataclass(frozen=True)
class Distribution:
    """How a training is asked to be distributed.

    kind: one of `DISTRIBUTIONS`.
    coordinator: "host:port" of process 0, which the others find it by; by default as jax finds it from Slurm, Open MPI,
        Kubernetes or a TPU, and one process where there is nothing of the kind.
    processes: how many there are.
    process: this one's number, from 0.
    sync_batch_norm: whether a batch norm sees the whole batch, not its device's part.
    """

    kind: str = "data"
    coordinator: str | None = None
    processes: int | None = None
    process: int | None = None
    sync_batch_norm: bool = True

    def check(self) -> None:
        """Raises a ClassicsError unless all that was said goes together, and the backend can do it."""
        if self.kind not in DISTRIBUTIONS:
            raise unknown("kind of distribution", self.kind, DISTRIBUTIONS)
        backend = keras.config.backend()
        if backend not in ("jax", "tensorflow"):
            raise ClassicsError(f"{backend} trains on one device here; choose --backend jax or tensorflow.")
        said = [value is not None for value in (self.coordinator, self.processes, self.process)]
        if any(said) and not all(said):
            raise ClassicsError("A coordinator, the count of processes and this one's number are given together.")
        if backend == "tensorflow" and any(said):
            raise ClassicsError("tensorflow trains in one process here; choose --backend jax for several.")
        if backend == "jax" and not self.sync_batch_norm:
            raise ClassicsError("On jax a batch norm always sees the whole batch; leave out that it should not.")
        if self.processes is not None and self.process is not None and not 0 <= self.process < self.processes:
            raise ClassicsError(
                f"The processes are numbered from 0 to {self.processes - 1}; there is no {self.process}."
            )
        if self.coordinator is not None and not self.coordinator.rpartition(":")[2].isdigit():
            raise ClassicsError(f"A coordinator is host:port, such as 10.0.0.1:1234, not '{self.coordinator}'.")


@dataclass(frozen=True)
class Team:
    """The processes that train together: this one's number, from 0, how many they are, and the devices of all."""

    process: int = 0
    processes: int = 1
    devices: int = 1
    strategy: Any = None  # Keras' or TensorFlow's
    sync_batch_norm: bool = True

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes, judges and exports."""
        return self.process == 0

    def as_dict(self) -> dict[str, Any] | None:
        """What recipe.json tells of how a training is distributed; None for one that is not."""
        if self.strategy is None:
            return None
        names = ("devices", "processes", "sync_batch_norm")
        return {name: getattr(self, name) for name in names}

    def say(self, line: str) -> None:
        """Prints a line, of the first process alone."""
        if self.is_first:
            say(line)

    def check_batch(self, images: int) -> None:
        """Raises a ClassicsError unless a step's batch can be divided among the devices."""
        if images % self.devices:
            raise ClassicsError(
                f"A batch of {images} cannot be divided among {self.devices} devices; choose a --batch-size that is a "
                f"multiple of {self.devices}."
            )

    def agree(self, **facts: Any) -> None:
        """Waits until all processes have come here, and compares what they are about to do.

        Args:
            facts: what must be the same, in words that JSON can hold, by what it is called.

        Raises:
            ClassicsError: that names what differs, and in which process.
        """
        from jax.experimental import multihost_utils

        sums = np.stack([_sum(json.dumps(fact, sort_keys=True).encode()) for fact in facts.values()])
        of_all = multihost_utils.process_allgather(sums)
        for process, of_process in enumerate(of_all):
            differ = [name for name, same in zip(facts, (of_process == of_all[0]).all(axis=1), strict=True) if not same]
            if differ:
                raise ClassicsError(
                    f"Process {process} has another {' and another '.join(differ)} than process 0. All have to run the "
                    "same command with the same version, on the same data, and a run folder that is resumed must be on "
                    "storage that all of them see."
                )

    def wait(self) -> None:
        """Returns once all processes have come here."""
        if self.processes > 1:
            from jax.experimental import multihost_utils

            multihost_utils.sync_global_devices("keras_classics")

    def disconnect(self) -> None:
        """Waits until all processes have come here, and ends their connection, for the first has the rest to do."""
        if self.processes > 1:
            import jax

            jax.distributed.shutdown()

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Networks that are made inside live on all devices, and are trained on all inside."""
        if self.strategy is None:
            yield
        else:
            with self.strategy.scope():
                yield

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Inside a scope, what is made inside this is the process's own; for what not all of them do."""
        if keras.config.backend() != "jax":
            yield
            return
        keras.distribution.set_distribution(None)
        try:
            yield
        finally:
            keras.distribution.set_distribution(self.strategy)

    def synchronized(self, model: keras.Model) -> keras.Model:
        """The model, whose batch norms see the whole batch if they are to, whatever it was saved with."""
        if keras.config.backend() == "tensorflow":
            for layer in model._flatten_layers():
                if isinstance(layer, keras.layers.BatchNormalization):
                    layer.synchronized = self.devices > 1 and self.sync_batch_norm
        return model

    def batch_to_judge(self, images: int, batch: int) -> int:
        """How many of so many validation images to judge at once, at most a `batch`. On several devices of tensorflow
        each takes as many of the first batch as another, and at least an image of the last, of which they take
        ceil(images / devices) in turn.

        Raises:
            ClassicsError: if they cannot be divided so.
        """
        if keras.config.backend() != "tensorflow" or self.devices == 1:
            return batch
        for size in range(batch, 0, -self.devices):
            last = images % size
            if size <= images and math.ceil(last / self.devices) * (self.devices - 1) <= max(last - 1, 0):
                return size
        raise ClassicsError(
            f"{images} validation images cannot be divided among {self.devices} devices; hold out more of them, or "
            "train on fewer devices."
        )

    def judged_by_each(self, stream, batch: int):
        """The stream of validation batches, as each device of jax judges them whole, so that no image counts twice,
        however many there are; tensorflow divides them, which are then of this size."""
        local = self.devices // self.processes
        if local == 1:
            return stream
        if keras.config.backend() == "tensorflow":
            return stream.rebatch(batch)
        import tensorflow as tf

        return stream.map(lambda *batch: tf.nest.map_structure(lambda part: tf.concat([part] * local, 0), batch))


@contextlib.contextmanager
def connected(distribution: Distribution | None) -> Iterator[Team]:
    """Inside, the processes of a training are connected. Where one of several fails, it ends at once, so that the
    others, who cannot go on without it, end too.

    Raises:
        ClassicsError: if they cannot be connected, or the backend cannot do it.
    """
    if distribution is None:
        yield Team()
        return
    distribution.check()
    if keras.config.backend() == "tensorflow":
        yield _mirrored(distribution)
        return
    made = _parallel(distribution)
    try:
        yield made
    except BaseException as error:
        if made.processes == 1:
            raise
        say(f"error: {_told(error, made)}")
        # jax would wait for the others at the end of this process, and they for it.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)


def _told(error: BaseException, made: Team) -> str:
    if isinstance(error, ClassicsError):
        return f"Process {made.process}: {error}"
    if isinstance(error, KeyboardInterrupt):
        return f"Process {made.process} was stopped."
    return (
        f"Process {made.process} of {made.processes} cannot go on ({first_line(error)}). If another has ended, see "
        "what it said; then resume the run, with as many processes as you like."
    )


def _parallel(distribution: Distribution) -> Team:
    import jax

    if distribution.coordinator is not None:
        keras.distribution.initialize(distribution.coordinator, distribution.processes, distribution.process)
    else:
        try:
            keras.distribution.initialize()
        except ValueError as error:
            if "coordinator_address" not in str(error):  # nothing tells of other processes: there are none
                raise
    parallel = keras.distribution.DataParallel(auto_shard_dataset=False)  # each process reads its own part
    return Team(jax.process_index(), jax.process_count(), jax.device_count(), parallel)


def _mirrored(distribution: Distribution) -> Team:
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
    return Team(devices=strategy.num_replicas_in_sync, strategy=strategy, sync_batch_norm=distribution.sync_batch_norm)


def code() -> str:
    """A sum over the code of the library and of the training."""
    root = pathlib.Path(__file__).parents[1]
    files = sorted(path for package in ("keras_classics", "training") for path in (root / package).rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def _sum(contents: bytes) -> np.ndarray:
    return np.frombuffer(hashlib.sha256(contents).digest(), np.uint8)
