"""Draws the kernels of a convolution, by default the first, as AlexNet's figure 3 does."""

from keras_classics.cli.arguments import add_model, add_out
from keras_classics.cli.backend import start
from keras_classics.cli.output import console, working
from keras_classics.errors import ClassicsError, unknown
from keras_classics.opening import check_source, open_source


def add_arguments(parser):
    add_model(parser)
    parser.add_argument("--layer", help="the convolution (default the first)")
    add_out(parser, "filters.png")


def run(args):
    check_source(args.model, args.weights)
    start(args.backend)
    with working(f"Opening {args.model}"):
        import keras

        from keras_classics.plots import filters

        opened = open_source(args.model, args.weights)
    layer, kernel = convolution(opened.model, args.layer)
    height, width, *_ = kernel.shape
    title = f"{opened.variant.name}: {layer}, {height}x{width}"
    filters.draw(keras.ops.convert_to_numpy(kernel).astype("float32"), args.out, title)
    console.print(f"{args.out}: {title}, {kernel.shape[-1]} kernels", markup=False)


def convolution(model, name=None):
    """The name and the kernel (height, width, input channels, kernels) of a convolution.

    Their channels are in the order in which the model reads them, which is red, green and blue: weights of networks
    that read BGR were turned when they were loaded.

    Raises:
        ClassicsError: if the model has no convolution, or none of that name.
    """
    kernels = {layer.name: kernel for layer in model.layers if (kernel := getattr(layer, "kernel", None)) is not None}
    kernels = {name: kernel for name, kernel in kernels.items() if len(kernel.shape) == 4}
    if not kernels:
        raise ClassicsError(f"{model.name} has no convolution whose kernels could be drawn.")
    if name is None:
        name = next(iter(kernels))
    if name not in kernels:
        raise unknown(f"convolution of {model.name}", name, kernels)
    return name, kernels[name]
