"""torch's convolution by oneDNN on a CPU, with the bias, a sum and the ReLU in the same pass over memory.

torch's compiler calls these operations and documents them nowhere, so they are tried before they are used.
"""

import functools


def takes(x, kernel) -> bool:
    """Whether maps (N, C, H, W) can be convolved here: float32 on a CPU, without gradients, and nobody records what
    torch does to make a graph of it."""
    import torch

    return (
        x.device.type == kernel.device.type == "cpu"
        and x.dtype == kernel.dtype == torch.float32
        and not torch.is_grad_enabled()
        and not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()
        and _works()
    )


def packed(kernel, x, padding, strides, dilations, groups):
    """A kernel (out, in, k, k) as oneDNN wants it in memory for maps of the shape of `x`."""
    import torch

    operation = torch.ops.mkldnn._reorder_convolution_weight
    return operation(kernel.contiguous(), padding, strides, dilations, groups, list(x.shape))


def convolution(x, kernel, bias, padding, strides, dilations, groups, added=None, relu=False):
    """Maps (N, C, H, W), with the channels last in memory, to new ones (N, C', H', W')."""
    import torch

    operation, arguments = torch.ops.mkldnn._convolution_pointwise, (bias, padding, strides, dilations, groups)
    if added is None:
        return operation(x, kernel, *arguments, "relu" if relu else "none", [], "")
    return operation.binary(x, added, kernel, *arguments, "add", 1.0, "relu" if relu else None, [], "")


@functools.cache
def _works() -> bool:
    """Whether this torch has the operations, as we call them; told by trying small ones."""
    import torch

    if not torch.backends.mkldnn.is_available():
        return False
    x, kernel, bias = (
        torch.linspace(-1, 1, 72).reshape(1, 2, 6, 6),
        torch.linspace(-1, 1, 8).reshape(2, 2, 1, 2),
        torch.ones(2),
    )
    options = (0, 1), (2, 1), (1, 1), 1
    expected = torch.nn.functional.conv2d(x, kernel, bias, (2, 1), (0, 1))
    try:
        small = packed(kernel, x, *options)
        plain = convolution(x, small, bias, *options)
        both = convolution(x, small, bias, *options, expected, True)
    except (AttributeError, RuntimeError, NotImplementedError, TypeError):
        return False
    return torch.allclose(plain, expected, atol=1e-5) and torch.allclose(both, torch.relu(2 * expected), atol=1e-5)
