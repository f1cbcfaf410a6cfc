"""Draws where a network looks when it names a picture (Grad-CAM)."""

from keras_classics.cli.arguments import add_model, add_out
from keras_classics.cli.backend import start
from keras_classics.cli.output import console, working
from keras_classics.errors import ClassicsError, unknown
from keras_classics.opening import check_source, open_source


def add_arguments(parser):
    add_model(parser)
    parser.add_argument("image", help="an image file")
    parser.add_argument(
        "--class", dest="asked", metavar="class", help="name or number of the class to ask about (default the answer)"
    )
    parser.add_argument("--layer", help="whose maps are taken (default that of the last convolution)")
    add_out(parser, "gradcam.png")


def run(args):
    from keras_classics.pictures import check_image

    check_image(args.image)
    check_source(args.model, args.weights)
    start(args.backend)
    with working(f"Opening {args.model}"):
        import numpy as np

        from keras_classics import complexity, crops
        from keras_classics.ensemble import ensemble
        from keras_classics.gradcam import grad_cam
        from keras_classics.gradients import check_gradients
        from keras_classics.plots import gradcam
        from keras_classics.prediction import names_of, view_and_input
        from keras_classics.preprocessing import imagenet_classes

        check_gradients()
        opened = open_source(args.model, args.weights)
        model, asked = opened.model, ensemble(opened.model, crops.find("1"))
        names = names_of(asked.members[0], opened.class_names) or imagenet_classes()[1]
        layer = args.layer or complexity.last_maps(model)
        wanted = None if args.asked is None else class_number(args.asked, names, opened.variant.name)
    view, read = view_and_input(args.image, asked)
    ((_, ((probabilities,),)),) = asked.answers([((read,), np.zeros(1, "int64"))], 1)
    answered = int(probabilities.argmax())
    shown = answered if wanted is None else wanted
    (heat,) = grad_cam(model, read, shown, layer)
    title = f"{opened.variant.name}: {names[shown]}, {100 * probabilities[shown]:.1f}%"
    if shown != answered:
        title += f" (its answer: {names[answered]}, {100 * probabilities[answered]:.1f}%)"
    gradcam.draw(view, heat, *complexity.grid(model, layer), args.out, title, layer)
    console.print(f"{args.out}: {title}", markup=False)


def class_number(text, names, model):
    """The number of the class of that name, or else of that number; "_" and " " are the same, case does not count.

    Raises:
        ClassicsError: if there is none, or several have the name.
    """
    found = [i for i, name in enumerate(names) if _plain(name) == _plain(text)]
    if len(found) > 1:
        raise ClassicsError(f"{model} has several classes '{text}'; give a number: {', '.join(map(str, found))}.")
    if found:
        return found[0]
    if text.isdecimal() and int(text) < len(names):
        return int(text)
    raise unknown(f"class of {model}", text, names)


def _plain(name):
    return name.casefold().replace("_", " ")
