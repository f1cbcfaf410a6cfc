"""Serves a local page to try the networks on, in a browser."""

from keras_classics.cli.arguments import add_backend, add_data_dir, data_set
from keras_classics.cli.backend import start
from keras_classics.cli.output import console, working
from keras_classics.cli.parser import positive

LOOPBACK, PORT = "127.0.0.1", 7860


def add_arguments(parser):
    parser.add_argument(
        "--model",
        nargs="+",
        default=[],
        metavar="model",
        help="networks beside those whose weights are here: run folders, .keras files, exports, hf-hub:user/name, or a "
        "network's name and its weights, as in resnet50=imagenet",
    )
    parser.add_argument(
        "--data",
        type=data_set,
        default="mnist_sample",
        metavar="data",
        help="for man against machine: a folder of class folders, a CSV file or a name (default the embedded digits)",
    )
    add_data_dir(parser)
    parser.add_argument(
        "--host", default=LOOPBACK, help=f"address to listen at (default {LOOPBACK}, this machine alone)"
    )
    parser.add_argument("--port", type=positive, default=PORT, help=f"port to listen at (default {PORT})")
    add_backend(parser)


def run(args):
    from keras_classics import demo
    from keras_classics.demo import networks

    demo.check_installed()
    for name in args.model:
        networks.named(name)
    check_free(args.host, args.port)
    start(args.backend)
    with working("Opening the networks"):
        page = demo.build(args.model, args.data, args.data_dir)
    page.launch(server_name=args.host, server_port=args.port, quiet=True, prevent_thread_lock=True)
    console.print(
        f"http://{'localhost' if args.host == LOOPBACK else args.host}:{args.port} (Ctrl-C ends it)", markup=False
    )
    page.block_thread()


def check_free(host, port):
    """Raises a ClassicsError if nothing can listen at the address."""
    import socket

    from keras_classics.errors import ClassicsError

    try:
        with socket.create_server((host, port)):
            pass
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ClassicsError(f"Nothing can listen at {host}:{port} ({reason}); give another --port or --host.") from None
