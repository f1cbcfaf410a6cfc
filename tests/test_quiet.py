"""What a command's standard error lets through, and what not."""

import os
import signal
import subprocess
import sys

import pytest

from keras_classics import quiet

NOTICES = b"""\
fully_quantize: 0, inference_type: 6, input_inference_type: FLOAT32, output_inference_type: FLOAT32
WARNING:absl:`FeatureConnector.dtype` is deprecated. Please change your code to use NumPy with the field `FeatureConnector.np_dtype` or use TensorFlow with the field `FeatureConnector.tf_dtype`.
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795595279.688240    5514 port.cc:153] oneDNN custom operations are on. You may see slightly different
I0000 00:00:1795595279.740712    5514 cpu_feature_guard.cc:227] This TensorFlow binary is optimized to use available CPU
To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow with the appropriate compiler flags.
E0000 00:00:1795595337.342876    5658 cuda_platform.cc:52] failed call to cuInit: INTERNAL: CUDA error: UNKNOWN ERROR (303)
E0000 00:00:1795600793.885391   10658 util.cc:131] oneDNN supports DT_UINT8 only on platforms with AVX-512. Falling back to the default Eigen-based implementation if present.
W0000 00:00:1795595358.141505    5828 tf_tfl_flatbuffer_helpers.cc:364] Ignored output_format.
2025-08-01 12:00:00.123456: I tensorflow/core/util/port.cc:153] oneDNN custom operations are on.
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
"""  # noqa: E501
OTHERS = b"""\
Traceback (most recent call last):
  File "<string>", line 1, in <module>
ValueError: I0000 is no class
E0000 00:00:1795595337.342876    5658 allocator.cc:52] Out of memory
F0000 00:00:1795595337.342876    5658 tensor.cc:52] Check failed: shape
2025-08-01 12:00:00.123456: E tensorflow/core/kernels/conv.cc:153] No algorithm worked!
warning: 2025 images are grey
"""


def test_notices_alone_are_left_out():
    assert quiet.without_notices(NOTICES) == b""
    assert quiet.without_notices(OTHERS) == OTHERS
    mixed = b"".join(a + b for a, b in zip(NOTICES.splitlines(True), OTHERS.splitlines(True), strict=False))
    assert quiet.without_notices(mixed) == OTHERS
    assert quiet.last_line(OTHERS + NOTICES + b"\n") == "warning: 2025 images are grey"
    assert quiet.last_line(NOTICES) == ""


CHILD = r"import os; os.write(2, b'I0000 00:00:1 7 a.cc:1] b\nchild\n')"


@pytest.mark.parametrize(
    ("ending", "code", "last"),
    [
        ("sys.exit(3)", 3, b""),
        ("raise ValueError('why')", 1, b"ValueError: why\n"),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, b""),
        ("os.abort()", -signal.SIGABRT, b""),
    ],
)
def test_all_else_gets_through_however_the_process_ends(ending, code, last):
    program = (
        "import os, signal, sys, subprocess\n"
        "from keras_classics import quiet\n"
        "quiet.quiet()\n"
        f"os.write(2, {NOTICES!r})\n"
        f"subprocess.run([sys.executable, '-S', '-c', {CHILD!r}])\n"
        f"os.write(2, {OTHERS!r})\n"
        "os.write(2, b'half a line')\n"
        f"{ending}\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, env=os.environ)
    assert done.returncode == code
    assert done.stderr.startswith(b"child\n" + OTHERS + b"half a line")
    assert done.stderr.endswith(last)
    assert done.stdout == b""


def test_half_a_line_shows_at_once():
    """Such as a progress bar, which ends no line until the end."""
    reader = subprocess.Popen([sys.executable, quiet.__file__], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    reader.stdin.write(b"\rloading 1 of 2")
    reader.stdin.flush()
    assert os.read(reader.stderr.fileno(), 100) == b"\rloading 1 of 2"
    assert reader.communicate(b"\nI0000 00:00:1 7 a.cc:1] b")[1] == b"\n"
