"""One side of a benchmark, in a process of its own: builds a network, then runs it as often as it is told.

The script stands alone, since a torch peer may live in another Python than ours. Its argument is the side as JSON; it
answers in lines of JSON, first the seconds of its start, part by part, then each run that a line of its input asks for.
"""

import contextlib
import gc
import json
import os
import sys
import time

KERAS = ("keras_classics", "keras.applications", "native-groups", "no-remat")
TORCH = ("pytorchcv", "torchvision")  # any other name is an export's path


class Laps:
    """The seconds of each part of a start, by its name. What a part leaves to Python's garbage collector is collected
    between two, for else it is found in the time of whichever part comes next: 0.1 s after jax's import."""

    def __init__(self):
        self.seconds, self._since = {}, time.perf_counter()

    def end(self, part):
        self.seconds[part] = time.perf_counter() - self._since
        gc.collect()
        self._since = time.perf_counter()


def keras_side(side):
    """A network of ours or of keras.applications: the seconds of its start, and one step of it."""
    laps = Laps()
    import keras

    laps.end("framework")
    form = {"classes": side["classes"], "input_shape": tuple(side["input_shape"])} if "classes" in side else {}
    ours, fuse = side["who"] == "keras_classics", None
    if side["who"] == "keras.applications":
        build, form = getattr(keras.applications, side["network"]), {"weights": None, **form}
    else:
        import keras_classics

        build = keras_classics.get_model(side["network"])
        form |= {"remat": True} if ours and side.get("remat") else {}
        if ours and side["fuse"]:
            fuse = keras_classics.fuse
    laps.end("library")
    model = build(**form)
    if fuse:
        model = fuse(model)
    laps.end("build")
    if side["who"] == "native-groups":
        model = with_native_groups(model)
    import numpy as np

    images = np.random.default_rng(0).standard_normal((side["batch"], *model.input_shape[1:])).astype("float32")
    if side["mode"] == "first":
        return laps.seconds, lambda: model.predict(images, verbose=0)
    if side["mode"] == "predict":
        return laps.seconds, lambda: model.predict_on_batch(images)
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), "sparse_categorical_crossentropy")
    labels = np.zeros(side["batch"], "int32")
    return laps.seconds, lambda: model.train_on_batch(images, labels)


def with_native_groups(model):
    """The network with Keras' own Conv2D in the place of ours with groups."""
    import keras

    from keras_classics.layers import Conv2D

    def copy(layer):
        grouped = isinstance(layer, Conv2D) and layer.groups > 1
        kind = keras.layers.Conv2D if grouped else type(layer)
        return kind.from_config(layer.get_config())

    return keras.models.clone_model(model, clone_function=copy)


def torch_side(side):
    """A network of a torch package, channels last, which is the faster of its layouts on a CPU."""
    import importlib

    laps = Laps()
    import torch

    laps.end("framework")
    module, name = side["network"].rsplit(".", 1)
    build = getattr(importlib.import_module(module), name)
    laps.end("library")
    net = build(**({"num_classes": side["classes"]} if "classes" in side else {}))
    net = net.to(memory_format=torch.channels_last).train(side["mode"] == "train")
    laps.end("build")
    size = side["image_size"]
    images = torch.randn(side["batch"], 3, size, size).to(memory_format=torch.channels_last)
    if side["mode"] != "train":
        return laps.seconds, torch.no_grad()(lambda: net(images).numpy())
    labels = torch.zeros(side["batch"], dtype=torch.long)
    optimizer = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9)

    def step():
        optimizer.zero_grad()
        outputs = net(images)
        loss = torch.nn.functional.cross_entropy(getattr(outputs, "logits", outputs), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return laps.seconds, step


def export_side(side):
    """A SavedModel folder, TFLite or ONNX file, in its own runtime."""
    from keras_classics import runtimes

    laps = Laps()
    with in_one_line():
        step = runtimes.step(side["who"], (side["batch"], *side["input_shape"]), side["threads"])
        step()
    laps.end("build")
    return laps.seconds, step


def inspected(side):
    """What a file says of itself."""
    from keras_classics import runtimes

    with in_one_line():
        return runtimes.inspect(side["who"])


@contextlib.contextmanager
def in_one_line():
    """Ends the process by the first line of an error."""
    from keras_classics.errors import first_line

    try:
        yield
    except Exception as error:
        sys.exit(first_line(error))


def peak_bytes() -> int | None:
    """The most memory that this process has had; None on a system that does not tell."""
    try:
        with open("/proc/self/status") as file:  # what resource tells there is never less than the parent had
            return next(1024 * int(line.split()[1]) for line in file if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def main():
    side = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what else prints, prints among the errors

    def answer(**seconds):
        print(json.dumps({**seconds, "peak_bytes": peak_bytes()}), file=answers, flush=True)

    if side["mode"] == "inspect":
        print(json.dumps(inspected(side)), file=answers, flush=True)
        return
    parts, step = (torch_side if side["who"] in TORCH else keras_side if side["who"] in KERAS else export_side)(side)
    answer(parts=parts)
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            step()
        answer(seconds=(time.perf_counter() - start) / int(line))


if __name__ == "__main__":
    main()
