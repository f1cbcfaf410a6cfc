"""One run of pytest is one backend. On tensorflow, the default, it starts the others beside it (test_backends.py), and
after those a second process of tensorflow, which takes half of what is left."""

import concurrent.futures
import contextlib
import gc
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
# Torch's threads otherwise spin while they wait, and take the cores from the process beside.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.pop("COLUMNS", None)  # by which the commands' tables are as wide as the terminal that the tests run in
if os.environ["KERAS_BACKEND"] == "jax":  # which compiles far longer than it computes: briefly, and the same once
    os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_backend_optimization_level=0"
    COMPILED = tempfile.TemporaryDirectory()
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", COMPILED.name)
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"

import keras
import pytest

gc.freeze()  # what the backends made as they were imported is not looked through again and again
gc.set_threshold(20_000, 10, 20)

BACKEND = keras.config.backend()
MARKER = {"tensorflow": None, "numpy": "structure"}.get(BACKEND, "every_backend")

# Real data that a machine may hold: folders of tensorflow-datasets, and public checkpoints.
SHARED = pathlib.Path(os.environ.get("KERAS_CLASSICS_SHARED", pathlib.Path(__file__).parents[2] / "shared"))


def pytest_collection_modifyitems(config, items):
    """Keeps the tests of this backend: on tensorflow all that are not marked for numpy, elsewhere the marked ones."""
    beside = [item for item in items if item.path.name == "test_backends.py"]

    def kept(item):
        if item in beside:
            return MARKER is None and CLAIMS is None
        return (item.get_closest_marker(MARKER) is not None) if MARKER else not item.get_closest_marker("structure")

    config.hook.pytest_deselected(items=[item for item in items if not kept(item)])
    items[:] = sorted(filter(kept, items), key=beside.__contains__)  # last, for they run beside all the rest


QUEUE = concurrent.futures.ThreadPoolExecutor(max_workers=1)
BESIDE: dict[str, concurrent.futures.Future] = {}
RUNNING: list[subprocess.Popen] = []
# A folder in which two processes of this backend claim modules: one from the first on, the other from the last.
CLAIMS = os.environ.pop("KERAS_CLASSICS_CLAIMS", None)
SHARED_OUT = tempfile.TemporaryDirectory()


def pytest_runtestloop(session):
    """Starts the processes beside, and where the suite is shared, runs what this one is the first to claim."""
    if session.testsfailed or session.config.option.collectonly:
        return None  # as pytest does
    for item in session.items:  # by now those that -m and -k leave
        if item.path.name == "test_backends.py":
            backend = item.callspec.params["backend"]
            BESIDE[backend] = QUEUE.submit(run_beside, backend, session.config.option)
    if not (CLAIMS or BACKEND in BESIDE):
        return None
    tests = claimed(session.items)
    item = next(tests, None)
    while item:
        following = next(tests, None)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        item = following
    return True


def claimed(items):
    """The tests of the modules that no other process has begun, and of those that none shares."""
    modules = {}
    for item in items:
        modules.setdefault(item.path, []).append(item)
    for path in reversed(modules) if CLAIMS else modules:
        mark = pathlib.Path(CLAIMS or SHARED_OUT.name, "-".join(path.parts[-2:]))
        with contextlib.suppress(FileExistsError):
            mark.touch(exist_ok=False)
            yield from modules[path]


def run_beside(backend, option):
    """Runs the part of the suite that is another backend's, or a share of this one's, in a process of its own: its
    status and what it printed."""
    shared, chosen = {}, []
    if backend == BACKEND:
        shared, chosen = {"KERAS_CLASSICS_CLAIMS": SHARED_OUT.name}, ["-m", option.markexpr, "-k", option.keyword]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--durations=10",
            *chosen,
            pathlib.Path(__file__).parent,
        ],
        env={**os.environ, "KERAS_BACKEND": backend, **shared},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    RUNNING.append(process)
    output, _ = process.communicate()
    return process.returncode, output


def pytest_terminal_summary(terminalreporter):
    """What the processes beside have to say of themselves."""
    for backend, run in BESIDE.items():
        if run.done() and not run.cancelled() and run.exception() is None:
            last = run.result()[1].splitlines()[-1:] or ["nothing"]
            terminalreporter.write_line(f"beside, on {backend}: {last[0]}")


def pytest_unconfigure():
    """An interrupted run takes the others with it."""
    QUEUE.shutdown(wait=False, cancel_futures=True)
    for process in RUNNING:
        process.kill()


@pytest.fixture(scope="session", autouse=True)
def hasty_reports():
    """What exports cost is not what the tests of them are about."""
    from keras_classics.exporting import report

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "SECONDS", 0.01)
        yield


@pytest.fixture
def tfds_dir():
    """The folder of tensorflow-datasets with real MNIST and CIFAR-10."""
    folder = SHARED / "data" / "tfds"
    if not (folder / "mnist").is_dir() or not (folder / "cifar10").is_dir():
        pytest.skip("no prepared MNIST and CIFAR-10 on this machine (KERAS_CLASSICS_SHARED names their place)")
    return folder


@pytest.fixture
def channels_first():
    """The other image data format, where the backend can run it."""
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


@pytest.fixture(scope="session")
def picture_folder(tmp_path_factory):
    """A data set of 10 classes as folders of pictures: 8 digits a class to train on and 4 to test."""
    import numpy as np
    import PIL.Image

    from keras_classics import datasets

    root = tmp_path_factory.mktemp("pictures")
    sample = datasets.load("mnist_sample")
    for split, count in (("train", 8), ("test", 4)):
        seen = dict.fromkeys(range(10), 0)
        for image, label in sample.split(split).as_numpy_iterator():
            if seen[int(label)] < count:
                path = root / split / f"digit_{label}" / f"{seen[int(label)]}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                PIL.Image.fromarray(np.asarray(image)[..., 0]).save(path)
                seen[int(label)] += 1
    return root


@pytest.fixture(scope="session")
def demo_page():
    """The demo as it is served: its address, and the hosts that were looked up or connected to while it was built and
    launched."""
    import socket

    from keras_classics import demo

    asked = []
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def connected(self, address):
        asked.append(address[0] if isinstance(address, tuple) else "a local socket")
        return connect(self, address)

    def looked_up(host, *arguments, **options):
        asked.append(host)
        return look_up(host, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connected)
        patch.setattr(socket, "getaddrinfo", looked_up)
        page = demo.build()
        _, address, public = page.launch(prevent_thread_lock=True, quiet=True, share=True)
    assert public is None
    yield address, asked
    page.close()
