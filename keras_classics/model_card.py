"""The model card of a trained network, in the format of the Hugging Face hub."""

import pathlib
from collections.abc import Mapping
from typing import Any

from keras_classics.errors import ClassicsError
from keras_classics.spec import InputProtocol
from keras_classics.weights.read import read
from keras_classics.zoo import get_model

LICENCE = "Apache-2.0"  # of this package and of what is trained by it


def model_card(weights: str | pathlib.Path, metrics: Mapping[str, Any], command: str) -> str:
    """The text of a model card, Markdown behind a front matter in YAML.

    Args:
        weights: the `.keras` file of the network, which tells how its pictures are prepared.
        metrics: of the run that made it, as its metrics.json has them.
        command: that makes it again.

    Raises:
        ClassicsError: if the file is not of the network that the metrics are of.
    """
    from huggingface_hub import EvalResult, ModelCard, ModelCardData

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
    front = ModelCardData(
        model_name=recipe,
        license=LICENCE.lower(),
        library_name="keras",
        tags=["image-classification", "keras-classics", name],
        datasets=[data],
        metrics=["error"],
        eval_results=[error],
    )
    body = _body(pathlib.Path(weights).name, origin.protocol, metrics, command)
    return str(ModelCard(f"---\n{front.to_yaml()}\n---\n\n{body}"))


def _body(file: str, protocol: InputProtocol, metrics: Mapping[str, Any], command: str) -> str:
    variant, settings = get_model(metrics["model"]), metrics["settings"]
    recipe, paper = settings["recipe"], variant.paper
    data, best = settings["data"], metrics["best"]
    versions = ", ".join(f"{package} {version}" for package, version in metrics["versions"].items())
    hardware = metrics["hardware"]
    rows = {
        "data": f"{data}, {metrics['train_images']:,} training images",
        "recipe": f"{recipe['name']}: {metrics['epochs']} epochs, batches of {recipe['batch_size']}",
        "command": f"`{command}`",
        "commit": metrics.get("commit") or "not recorded",
        "seed": settings["seed"],
        "time": f"{metrics['training_seconds'] / 60:.0f} minutes on {hardware['cores']} cores, {hardware['processor']}",
        "date": metrics["date"],
        "backend": metrics["backend"],
        "versions": versions,
    }
    reported = metrics["paper_top1_error"]
    theirs = f" The paper reports {reported:g}%." if reported is not None else ""
    if recipe["hold_out"]:
        chosen = f"the best on one training image in {recipe['hold_out']}, or on validation images of the data's own"
    else:
        chosen = "the best on the training images"
    classes = metrics["class_names"]
    departures = "\n".join(f"- {departure}" for departure in recipe["departures"]) or "- nowhere that is known."
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    images = f"{metrics['test_images']:,} {metrics['test_split']} images"
    return f"""# {recipe["name"]}

`{variant.name}` of [{paper.authors.split(",")[0]} {paper.year}]({paper.url}), *{paper.title}*, trained on {data}:
**{best["top1_error"]:.2f}% top-1 error** on {images}.

## Use

```python
import keras_classics as kc

model = kc.get_model("{variant.name}")(weights="{file}")
kc.predict(model, "picture.png")
```

The file tells how pictures are prepared, and `kc.predict` does so: {_pixels(protocol)}.

## Training

| | |
|---|---|
{table}

Where the training is not the paper's:

{departures}

## Error

One view of each of the {images}: {best["top1_error"]:.2f}% top-1 and {best["top5_error"]:.2f}% top-5 error.
The weights are those of epoch {metrics["best_epoch"]}, {chosen}; the {images} had no part
in the choice. The last epoch errs {metrics["last"]["top1_error"]:.2f}%.{theirs}

## Licence

{LICENCE}, as the package. The images have their own terms.

## Limits

- It knows {len(classes)} classes ({", ".join(classes[:20])}) and gives one of them for any picture, also for one of
  none.
- Its error is that on pictures like those of {data}; on others it is not known.
- It is one run with one seed.
"""


def _pixels(protocol: InputProtocol) -> str:
    """How a picture is prepared, in words."""
    n, resize, size = protocol.normalization, protocol.resize_size, protocol.image_size
    kept = "then surrounded by zeros" if size > resize else "of which the centre is taken"
    fitted = f"resized to {resize}x{resize} pixels" + (f", {kept} to {size}x{size}" if size != resize else "")
    mean, std = (", ".join(f"{value:g}" for value in values) for values in (n.mean, n.std))
    return f"{fitted}; of pixels of 0..255 the mean {mean} is subtracted, and the rest divided by {std}"
