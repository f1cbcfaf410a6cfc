"""What an export is like on this machine, as the file beside it tells."""

import json
import pathlib
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from keras_classics import exported, runtimes
from keras_classics.choices import EXPORT_SUFFIXES
from keras_classics.environment import environment
from keras_classics.exporting.agreement import Agreement

SECONDS = 0.3  # that a latency is measured for, unless three answers take longer
THREADS = (1, 2)


@dataclass(frozen=True)
class Report(Agreement):
    """How an export agrees with its model, and what it costs.

    Attributes:
        path: of the export.
        network: the model's name.
        quantize: what its numbers are, where not of 32 bits.
        input_shape: with None for what is open.
        input_dtype: of the images.
        bytes: of the file, or of all files of the folder.
        operations: their kinds and how many there are of each; of TFLite and ONNX.
        partitions: of TFLite: into how many parts XNNPACK, which runs what it can, cuts the network.
        outside: the kinds of operations that XNNPACK leaves to TFLite's own kernels.
        milliseconds: median time of an answer to one picture, by the number of threads; of a SavedModel, for which
            TensorFlow chooses them, by "any".
    """

    path: str
    network: str
    quantize: str | None
    input_shape: tuple[int | None, ...]
    input_dtype: str
    bytes: int
    operations: Mapping[str, int] | None
    partitions: int | None
    outside: Mapping[str, int] | None
    milliseconds: Mapping[str, float]


def beside(path: pathlib.Path) -> pathlib.Path:
    """The report's place: beside the export, with ".json" behind its name."""
    return path.with_name(path.name + ".json")


def written(report: Report) -> str:
    """The report and what it was measured on, as JSON."""
    return json.dumps({**asdict(report), "path": pathlib.Path(report.path).name, **environment()}, indent=1) + "\n"


def costs(path: pathlib.Path, images: np.ndarray) -> dict:
    """The fields of a report that are of the file alone, measured with the images (N, ...) of a step."""
    operations = partitions = outside = None
    if path.suffix == EXPORT_SUFFIXES["tflite"]:
        operations, partitions, outside = _tflite_operations(path)
    elif path.suffix == EXPORT_SUFFIXES["onnx"]:
        operations = _onnx_operations(path)
    runners = {"any": exported.runner(path)} if path.is_dir() else {str(n): exported.runner(path, n) for n in THREADS}
    return {
        "bytes": runtimes.size(path),
        "operations": operations,
        "partitions": partitions,
        "outside": outside,
        "milliseconds": {threads: _latency(run, images) for threads, run in runners.items()},
    }


def _latency(run: exported.Run, images: np.ndarray) -> float:
    """Milliseconds an image."""
    run(images)
    times: list[float] = []
    while len(times) < 3 or sum(times) < SECONDS:
        start = time.perf_counter()
        run(images)
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times)) / len(images)


def _sorted(names) -> dict[str, int]:
    return dict(Counter(names).most_common())


def _onnx_operations(path: pathlib.Path) -> dict[str, int]:
    import onnx

    return _sorted(node.op_type for node in onnx.load(path, load_external_data=False).graph.node)


def _tflite_operations(path: pathlib.Path) -> tuple[dict[str, int], int, dict[str, int]]:
    """The operations, the number of XNNPACK's partitions, and the operations outside of them."""
    interpreter = runtimes.tflite_interpreter(path)
    interpreter.allocate_tensors()
    nodes = interpreter._get_ops_details()  # the delegates stand behind the operations that they run
    delegates = [node for node in nodes if node["op_name"] == "DELEGATE"]
    nodes = [node for node in nodes if node["op_name"] != "DELEGATE"]
    maker = {tensor: node["index"] for node in nodes for tensor in node["outputs"]}
    inputs = {node["index"]: node["inputs"] for node in nodes}
    inside: set[int] = set()
    for delegate in delegates:
        taken, wanted = set(delegate["inputs"]), list(delegate["outputs"])
        while wanted:
            tensor = wanted.pop()
            if tensor in maker and tensor not in taken and maker[tensor] not in inside:
                inside.add(maker[tensor])
                wanted += list(inputs[maker[tensor]])
    outside = _sorted(node["op_name"] for node in nodes if node["index"] not in inside)
    return _sorted(node["op_name"] for node in nodes), len(delegates), outside
