"""Draws a network's blocks, with their branches, shapes, parameters and multiply-adds."""

import pathlib

from keras_classics import catalogue, places
from keras_classics.cli.arguments import add_backend, add_out
from keras_classics.cli.backend import start
from keras_classics.cli.output import console, working
from keras_classics.opening import check_source


def add_arguments(parser):
    parser.add_argument(
        "model",
        completes=catalogue.read,
        help="a network's name, a run folder, a .keras file or hf-hub:user/name",
    )
    parser.add_argument("--aux-heads", action="store_true", help="with its auxiliary heads; of a network's name")
    add_backend(parser)
    add_out(parser, "model.png")


def run(args):
    path = pathlib.Path(args.model)
    is_file = path.exists() or path.suffix == ".keras" or places.hub_name(args.model) is not None
    if is_file:
        check_source(args.model, None)
    else:
        catalogue.find(args.model)
    start(args.backend)
    with working(f"Opening {args.model}"):
        from keras_classics import architecture, complexity
        from keras_classics.loading import load
        from keras_classics.plots import model as picture
        from keras_classics.zoo import get_model

        name = args.model
        model = load(name) if is_file else get_model(name)(aux_heads=args.aux_heads, seed=0)
        blocks = architecture.blocks(model)
        counts = (
            f"{complexity.count_params(model):,} parameters, {complexity.count_macs(model) / 1e6:,.0f}M multiply-adds"
        )
        picture.draw(blocks, args.out, f"{model.name}: {counts}, depth {complexity.depth(model)}")
    console.print(f"{args.out}: {len(blocks)} boxes for {len(model.layers)} layers")
