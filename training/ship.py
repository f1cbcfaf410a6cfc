"""From a finished run to the folder that ships: the weights, the TFLite file if it is small, the curves and a card."""

import pathlib
import shutil

from keras_classics.errors import ClassicsError
from keras_classics.feed import feed_of
from keras_classics.files import atomic_write
from keras_classics.loading import load
from keras_classics.model_card import LICENCE, model_card, public, told_command
from keras_classics.places import BEST, CARD
from keras_classics.weights.fetch import digest
from keras_classics.zoo import variant_of
from training.run_folder import RunFolder

SMALL = 3_000_000  # bytes of a file that ships


def ship(run: str | pathlib.Path, out: str | pathlib.Path | None = None) -> pathlib.Path:
    """Makes a folder of what ships of a run, by default saved_models/<recipe>.

    In it are best.keras, model.tflite where that is small, curves.png and README.md, the model card. The weights have
    the package's licence; those of a fine-tuning, which began with others', one that is not told.

    Returns:
        The folder.

    Raises:
        ClassicsError: if the run is not finished, its best network is damaged, or the folder exists.
    """
    folder = RunFolder(pathlib.Path(run))
    try:
        metrics = public(folder.read_metrics())
    except (OSError, ValueError):
        folder.read_settings()  # or it is no run folder
        raise ClassicsError(f"'{run}' is not finished; go on with it: {folder.resume_command}") from None
    settings = metrics["settings"]
    if not folder.holds(folder.best, metrics["best_epoch"]):
        raise ClassicsError(f"'{folder.best}' is missing or damaged. Start a new run.")
    path = pathlib.Path(out or pathlib.Path("saved_models", settings["recipe"]["name"]))
    if path.exists():
        raise ClassicsError(f"'{path}' exists and is not overwritten; remove it, or choose another --out.")
    with atomic_write(path) as temporary:
        temporary.mkdir()
        for file in (folder.best, folder.curves, folder.exports["tflite"]):
            if file.suffix != ".tflite" or file.stat().st_size <= SMALL:
                shutil.copyfile(file, temporary / file.name)
        model = load(folder.best)
        read, licence = feed_of(model, variant_of(model)), None if settings["recipe"].get("tuning") else LICENCE
        card = model_card(temporary / folder.best.name, metrics, told_command(settings), read, licence)
        (temporary / CARD).write_text(card, "utf-8")
    return path


def entry_line(run: str | pathlib.Path, path: pathlib.Path) -> str:
    """The line of a shipped folder in the table of keras_classics/weights/entries/keras_classics.py."""
    metrics = RunFolder(pathlib.Path(run)).read_metrics()
    top1, top5 = (metrics["best"][f"top{n}_error"] for n in (1, 5))
    return f'"{path.name}": ("{metrics["model"]}", {top1}, {top5}, "{digest(path / BEST, "sha256")}"),'
