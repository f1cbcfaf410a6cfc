"""In which order images are trained on, and what is done about a picture that cannot be read when its turn comes."""

import os
from collections.abc import Callable

from keras_classics import pictures
from keras_classics.datasets import Dataset
from keras_classics.errors import ClassicsError

# Called with the picture's path, why it cannot be read, and its split.
Skip = Callable[[str, str, str], None]


def permutation(count: int, key: int):
    """The numbers below `count` in a random order that follows from `key` alone, as a tensor."""
    import tensorflow as tf

    return tf.random.experimental.stateless_shuffle(tf.range(count), seed=tf.stack([key, count]))


def shuffled(data: Dataset, stored, key: int):
    """The `stored` training images in a random order that follows from `key` alone; called in a `tf.data` function.

    Paths are shuffled as a whole, stored images through `Dataset.shuffle_buffer`.
    """
    import tensorflow as tf

    count = data.sizes["train"]
    if data.files is not None:
        order = permutation(count, key)
        return tf.data.Dataset.from_tensor_slices(tuple(tf.gather(of_all, order) for of_all in data.files["train"]))
    tf.compat.v1.set_random_seed(1)  # of this function's graph: the order then follows from `key` alone
    # In the same order also where it is read again, to fill a batch.
    return stored.shuffle(data.shuffle_buffer("train"), key, reshuffle_each_iteration=False)


def readable(stream, prepare, places: range, blank, missed, epoch=0):
    """A stream of (place, example) as one of `prepare(place, example)`, without those that fail.

    Args:
        stream: the examples, with the `places` by which they are known, in order.
        prepare: what to do with each, in parallel.
        places: of all that should come.
        blank: an example as `prepare` gives it; it is not put out.
        missed: is called, in Python, with the epoch, the first place at which none came, and that of the next that did.
        epoch: for `missed`.
    """
    import tensorflow as tf

    end, step = places[-1] + places.step, places.step

    def look_back(previous, example):
        place = example[0]
        gap = place > previous + step
        told = tf.cond(gap, lambda: tf.numpy_function(missed, [epoch, previous + step, place], tf.int64), lambda: place)
        with tf.control_dependencies([told]):
            return tf.identity(place), example

    made = stream.map(lambda place, example: (place, prepare(place, example)), os.cpu_count(), deterministic=True)
    last = tf.data.Dataset.from_tensors((tf.constant(end, tf.int64), blank))
    made = made.ignore_errors().concatenate(last).scan(tf.constant(places[0] - step, tf.int64), look_back)
    return made.filter(lambda place, _: place < end).map(lambda _, example: example)


def fault(data: Dataset, path: bytes, prepare: Callable, *example) -> str:
    """Why a picture failed in `prepare(*example)`. What is no fault of the picture's is raised."""
    name = os.fsdecode(path)
    try:
        pictures.read_image(name)
    except ClassicsError as error:
        return str(error)
    try:
        _once(data.decode, path)
    except Exception as error:  # TensorFlow's decoders refuse what Pillow takes
        reason = " ".join(str(getattr(error, "message", error)).split())
        return f"'{pictures.printable(path)}' cannot be decoded ({reason[:200]}). Replace or remove it."
    _once(prepare, *example)
    return f"'{pictures.printable(path)}' could not be read at first, though now it can."


def _once(function, *arguments):
    """What a stream's function gives for one element."""
    import tensorflow as tf

    return next(iter(tf.data.Dataset.from_tensors(arguments).map(function)))
