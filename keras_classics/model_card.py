"""The model card of a network, in the format of the Hugging Face hub: of a run, or of a file and what it tells."""

import pathlib
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from keras_classics.choices import DATA_SETS, LICENCES, perhaps_of_tfds
from keras_classics.errors import ClassicsError
from keras_classics.feed import Feed
from keras_classics.layers.provenance import described
from keras_classics.weights.contents import Origin
from keras_classics.weights.read import read
from keras_classics.zoo import get_model

LICENCE = "Apache-2.0"  # of this package and of what it ships
ON_HUB = "hf-hub:<user>/<name>"  # as which a card has its model, whose user and name its reader sees above it
SHOWN = 20  # of the class names
NO_COMMAND = "none, for the recipe was made or changed in Python"


def model_card(
    weights: str | pathlib.Path,
    metrics: Mapping[str, Any],
    command: str,
    feed: Feed,
    licence: str | None = LICENCE,
    on_hub: bool = False,
) -> str:
    """The text of the card of a run's network, Markdown behind a front matter in YAML.

    Args:
        weights: the `.keras` file of the network.
        metrics: of the run that made it, as its metrics.json has them.
        command: that makes it again, in Markdown.
        feed: how pictures are prepared for the network.
        licence: of the weights; None where it is not told.
        on_hub: whether the card is to lie beside the model on the hub, and not beside the file alone.

    Raises:
        ClassicsError: if the file is not of the network that the metrics are of.
    """
    from huggingface_hub import EvalResult

    origin, name = read(weights).origin, metrics["model"]
    if origin is None or origin.network != name:
        raise ClassicsError(f"'{weights}' is not of {name}, of which the metrics are; give the files of one run.")
    data, recipe = metrics["settings"]["data"], metrics["settings"]["recipe"]["name"]
    error = EvalResult(
        task_type="image-classification",
        dataset_type=data,
        dataset_name=data,
        dataset_split=metrics["test_split"],
        metric_type="error",
        metric_name="top-1 error, %",
        metric_value=metrics["best"]["top1_error"],
    )
    front = _front(recipe, name, licence, datasets=[data], metrics=["error"], eval_results=[error])
    return front + _body(pathlib.Path(weights).name, feed, metrics, command, licence, on_hub)


def file_card(
    weights: str | pathlib.Path,
    feed: Feed,
    class_names: Sequence[str],
    classes: int,
    title: str,
    licence: str | None = None,
    data: str | None = None,
) -> str:
    """The text of the card of a network of which nothing is known but its file, to lie beside it on the hub.

    Args:
        weights: the `.keras` file.
        feed: how pictures are prepared for the model.
        class_names: none where they are not known.
        classes: how many there are.
        title: of the card.
        licence: of the weights; None where it is not told.
        data: on which it was trained; None where it is not told.

    Raises:
        ClassicsError: if the file does not tell which network it is.
    """
    origin = read(weights).origin
    if origin is None:
        raise ClassicsError(f"'{weights}' does not tell which network of this package it is, so no card can either.")
    variant = get_model(origin.network)
    paper = variant.paper
    trained = f"Trained on {data}. How" if data else "On which images and how"
    names = f": {_listed(class_names)}" if class_names else ", whose names are not known"
    front = _front(title, variant.name, licence, **({"datasets": [data]} if data else {}))
    return f"""{front}# {title}

`{_form(origin)}` of [{paper.short}]({paper.url}), *{paper.title}*.

{_use_on_hub()}
Pictures are prepared for it so, as the file tells and `kc.predict` does: {_pixels(feed)}.

## Classes

It tells {classes} classes apart{names}.

## Training

{trained} it was trained is not recorded.

## Error

Not measured here. `keras-classics evaluate {ON_HUB} --data <data>` does it.

## Licence

{_licence(licence)}

## Limits

- It gives one of its classes for any picture, also for one of none.
- Its error is not known, on pictures of whatever kind.
"""


def public(metrics: Mapping[str, Any], data: str | None = None) -> dict[str, Any]:
    """A run's metrics without the folders of the machine that it ran on, as a card tells them: its data is called
    `data`, by default as it was asked for, and where that is a path, as its folder or table."""
    settings = metrics["settings"]
    name = data or settings["data"]
    if data is None and name not in DATA_SETS and not perhaps_of_tfds(name):
        name = pathlib.PurePath(name).name
    recipe = dict(settings["recipe"])
    if tuning := recipe.get("tuning"):
        weights = tuning["weights"]
        is_place = weights.startswith("~") or pathlib.PurePath(weights).is_absolute()
        recipe["tuning"] = {**tuning, "weights": pathlib.PurePath(weights).name if is_place else weights}
    if recipe["dataset"] == settings["data"]:
        recipe["dataset"] = name
    return {**metrics, "settings": {**settings, "data": name, "recipe": recipe}}


def run_command(settings: Mapping[str, Any]) -> str:
    """The command line of a run with these settings, as recipe.json and, but for what was set, metrics.json have
    them, or that there is none. The folder of the data is left to the reader."""
    if settings.get("made_in_python"):
        return NO_COMMAND
    recipe = settings["recipe"]
    words = ["python", "-m", "training", "run", recipe["name"]]
    if tuning := recipe.get("tuning"):
        words[3:] = ["finetune", recipe["model"], "--weights", tuning["weights"], "--epochs", f"{recipe['epochs']:g}"]
        words += ["--freeze-up-to", tuning["frozen"]] if tuning["frozen"] else []
        augment = {operation["kind"] for operation in recipe.get("augment", ())}
        words += ["--no-flip"] if augment and not augment & {"Flip", "AffineDistortion"} else []
    if tuning or settings["data"] != recipe["dataset"]:
        words += ["--data", settings["data"]]
    if settings["seed"]:
        words += ["--seed", str(settings["seed"])]
    for option in ("limit", "class_weights"):
        if settings.get(option) is not None:
            words += [f"--{option.replace('_', '-')}", str(settings[option])]
    if settings.get("backend") not in (None, "tensorflow"):
        words += ["--backend", settings["backend"]]
    if distribution := settings.get("distribution"):
        words += ["--distribute", "data", *([] if distribution["sync_batch_norm"] else ["--own-statistics"])]
    if settings.get("set"):
        words += ["--set", *settings["set"]]
    return f"{shlex.join(words)} --data-dir <folder>"


def told_command(settings: Mapping[str, Any]) -> str:
    """The same in Markdown."""
    command = run_command(settings)
    return command if command == NO_COMMAND else f"`{command}`"


def held_out(every: int) -> str:
    """What is said of a training that holds out one image in so many."""
    return f"One training image in {every} is held out to choose the best epoch by."


def departures(settings: Mapping[str, Any]) -> list[str]:
    """Where a run with these settings is not as the paper's, or as its recipe's."""
    recipe = settings["recipe"]
    told = list(recipe["departures"])
    if tuning := recipe.get("tuning"):
        begun = f"the weights '{tuning['weights']}' (SHA-256 {tuning['sha256'][:16]}...)"
        told.insert(0, f"It is fine-tuned, not trained by the paper: it began with {begun}.")
    holds_out = recipe["hold_out"] and not settings.get("validation_split")
    if holds_out and not any("is held out to choose" in departure for departure in told):  # as older ones say
        told.append(held_out(recipe["hold_out"]))
    if settings.get("set"):
        told.append(f"Set otherwise than what is said here: {', '.join(settings['set'])}.")
    return told


def _front(title: str, network: str, licence: str | None, **facts: Any) -> str:
    """The front matter. A licence that the hub has no word for is "other", with its name."""
    from huggingface_hub import ModelCardData

    word = (licence or "unknown").lower()
    if word not in LICENCES:
        facts |= {"license_name": re.sub(r"[^a-z0-9.]+", "-", word).strip("-")}
        word = "other"
    data = ModelCardData(
        model_name=title,
        license=word,
        library_name="keras",
        pipeline_tag="image-classification",
        tags=["image-classification", "keras-classics", network],
        **facts,
    )
    return f"---\n{data.to_yaml()}\n---\n\n"


def _body(file: str, feed: Feed, metrics: Mapping[str, Any], command: str, licence: str | None, on_hub: bool) -> str:
    variant, settings = get_model(metrics["model"]), metrics["settings"]
    recipe, paper = settings["recipe"], variant.paper
    data, best = settings["data"], metrics["best"]
    versions = ", ".join(f"{package} {version}" for package, version in metrics["versions"].items())
    hardware = metrics["hardware"]
    rows = {
        "data": f"{data}, {metrics['train_images']:,} training images",
        "recipe": f"{recipe['name']}: {metrics['epochs']} epochs, batches of {recipe['batch_size']}",
        "command": command,
        "commit": metrics.get("commit") or "not recorded",
        "seed": settings["seed"],
        "time": f"{metrics['training_seconds'] / 60:.0f} minutes on {hardware['cores']} cores, {hardware['processor']}",
        "date": metrics["date"],
        "backend": metrics["backend"],
        "versions": versions,
    }
    if distribution := settings.get("distribution"):
        seen = "the whole batch" if distribution["sync_batch_norm"] else "their device's part of a batch"
        devices, processes = distribution["devices"], distribution["processes"]
        rows["distribution"] = (  # it may have gone on with another
            f"begun on {devices} devices in {processes} process{'es' * (processes > 1)}; batch norms see {seen}"
        )
    if commits := metrics.get("commits"):
        rows["commit"] = ", then ".join(commit or "not recorded" for commit in commits)
    reported = metrics["paper_top1_error"]
    how = next((row.how for row in variant.reported if row.top1 == reported), "")
    theirs = f" The paper reports {reported:g}%{how and f' ({how})'}." if reported is not None else ""
    chosen = _chosen_by(recipe["hold_out"], settings.get("validation_split"))
    if "damaged_epoch" in metrics:
        chosen = f"the last, for those of epoch {metrics['damaged_epoch']}, {chosen}, were damaged"
    images = f"{metrics['test_images']:,} {metrics['test_split']} images"
    part = f"the {images} had no part\nin the choice"
    if metrics["test_split"] == "train":
        part = "it was trained on these\nimages, and errs more on others"
    last = f" The last epoch errs {metrics['last']['top1_error']:.2f}%."
    classes = metrics["class_names"]
    where = "\n".join(f"- {departure}" for departure in departures(settings)) or "- nowhere that is known."
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    return f"""# {recipe["name"]}

`{variant.name}` of [{paper.short}]({paper.url}), *{paper.title}*, trained on {data}:
**{best["top1_error"]:.2f}% top-1 error** on {images}.

{_use_on_hub() if on_hub else _use(file)}
The file tells how pictures are prepared, and `kc.predict` does so: {_pixels(feed)}.

## Training

| | |
|---|---|
{table}

Where the training is not the paper's:

{where}

## Error

One view of each of the {images}: {best["top1_error"]:.2f}% top-1 and {best["top5_error"]:.2f}% top-5 error.
The weights are those of epoch {metrics["best_epoch"]}, {chosen}; {part}.{last}{theirs}

## Licence

{_licence(licence)}

## Limits

- It knows {len(classes)} classes ({_listed(classes)}) and gives one of them for any picture, also for one of
  none.
- Its error is that on pictures like those of {data}; on others it is not known.
- It is one run with one seed.
"""


def _chosen_by(hold_out: int, validation_split: bool | None) -> str:
    """Which epoch's weights they are; older metrics do not tell whether the data had validation images."""
    if validation_split:
        return "the best on the data's own validation images"
    if not hold_out:
        return "the best on the training images"
    told = "held out" if validation_split is False else "or on validation images of the data's own"
    return f"the best on one training image in {hold_out}, {told}"


def _use(place: str) -> str:
    return f"""## Use

```python
import keras_classics as kc

model = kc.load("{place}")
kc.predict(model, "picture.png")
```
"""


def _use_on_hub() -> str:
    return f"""{_use(ON_HUB)}
Or by Keras alone, once the package's zoo is imported, with all that its files hold; pictures are then yours to prepare:

```python
import keras
import keras_classics.zoo
from huggingface_hub import hf_hub_download

model = keras.saving.load_model(hf_hub_download("{ON_HUB.removeprefix("hf-hub:")}", "model.keras"))
```
"""


def _licence(licence: str | None) -> str:
    told = "Unknown: say yours" if licence is None else licence
    return f"{told}{', as the package' if licence == LICENCE else ''}. The images have their own terms."


def _listed(names: Sequence[str]) -> str:
    more = f", and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _form(origin: Origin) -> str:
    """The network and where its form is another than the paper's."""
    usual = get_model(origin.network).form
    return described(origin.network, {k: v for k, v in origin.form.items() if v != usual.get(k)})


def _pixels(feed: Feed) -> str:
    """How a picture is prepared, in words."""
    resize, size = feed.resize_size, feed.image_size
    sides = "both sides resized" if feed.squash else "the shorter side resized"
    fitted = f"{sides} to {resize} pixels ({feed.interpolation})"
    kept = "surrounded by zeros to" if size > resize else "the centre taken of"
    fitted += f", {kept} {size}x{size}"
    if feed.normalization is None:
        return f"{fitted}; the model takes pixels of 0..255, and normalises them itself"
    n = feed.normalization.for_channels(feed.channels)
    mean, std = (", ".join(f"{value:g}" for value in values) for values in (n.mean, n.std))
    divided = "" if set(n.std) == {1} else f", and the rest divided by {std}"
    return f"{fitted}; of pixels of 0..255 the mean {mean} is subtracted{divided}"
