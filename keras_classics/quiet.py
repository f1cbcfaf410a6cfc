"""A command's standard error without TensorFlow's notices. Nothing else is held back.

TensorFlow writes its notices from C++, many of them before its own log levels hold. So standard error goes through a
process of its own, which leaves out the lines that are known to be notices. It lives until the last writer is gone, so
what a process says as it dies gets through as well.
"""

import atexit
import os
import re
import subprocess
import sys
import warnings
from contextlib import suppress

NOTICE = re.compile(
    rb"[IW]\d{4} [\d:.]+ .*"  # I0000 00:00:1795595279.688240    5514 port.cc:153] oneDNN custom operations are on.
    rb"|\d{4}-\d\d-\d\d [\d:.]+ [IW] .*"  # the same of an older TensorFlow
    rb"|WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR"
    rb"|To enable the following instructions: .* rebuild TensorFlow with the appropriate compiler flags\."
    rb"|E\d{4} .*(failed call to cuInit|Unable to register cu).*"  # that is, there is no graphics card
    rb"|E\d{4} .* Falling back to the default Eigen-based implementation if present\."
    rb"|INFO: Created TensorFlow Lite XNNPACK delegate for CPU\."
    rb"|fully_quantize: \d, inference_type: .*"  # that is, int8 was asked for
    rb"|WARNING:absl:`FeatureConnector\.dtype` is deprecated\. .*"  # to tensorflow-datasets, of itself
)
FIRST_BYTES = b"0123456789EITWf"  # of a notice


def quiet() -> None:
    """Sends standard error, also that of processes to come, through `main`, and makes each of Python's warnings a line.

    Where Keras is imported already it is too late, and nothing happens.
    """
    if "keras" in sys.modules:
        return
    warnings.formatwarning = lambda message, *_, **__: f"warning: {' '.join(str(message).split())}\n"
    reader = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__],  # which starts in a hundredth of a second
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is not for it
    )
    assert reader.stdin
    sys.stderr.flush()
    before = os.dup(2)
    os.dup2(reader.stdin.fileno(), 2)
    reader.stdin.close()

    def end():
        sys.stderr.flush()
        os.dup2(before, 2)
        with suppress(subprocess.TimeoutExpired):
            reader.wait(1)  # a process that goes on writing is not waited for

    atexit.register(end)


def without_notices(text: bytes) -> bytes:
    """What is left of a process' standard error without TensorFlow's notices."""
    return b"".join(line for line in text.splitlines(keepends=True) if not NOTICE.fullmatch(line.rstrip()))


def last_line(errors: bytes) -> str:
    """Of a process' standard error without TensorFlow's notices, where it tells why it failed; "" if there is none."""
    told = without_notices(errors).decode(errors="replace").strip()
    return told.splitlines()[-1] if told else ""


def main() -> None:
    """Copies standard input to standard error as it comes, without the notices."""
    out = sys.stderr.buffer
    held = b""
    while chunk := os.read(0, 1 << 16):
        *lines, held = (held + chunk).split(b"\n")
        out.write(without_notices(b"".join(line + b"\n" for line in lines)))
        if held[:1] not in FIRST_BYTES:  # half a line that is no notice, such as a progress bar
            out.write(held)
            held = b""
        out.flush()
    out.write(without_notices(held))


if __name__ == "__main__":
    main()
