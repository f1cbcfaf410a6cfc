"""What a run meets before it spends time: options, places, devices and data with which it cannot train."""

import dataclasses
import importlib.util
import json
import math
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import keras

from keras_classics.environment import environment
from keras_classics.errors import ClassicsError, unknown
from keras_classics.files import unwritable
from keras_classics.zoo import get_model
from training import device
from training.distribute import Distribution, Team, code
from training.pipeline import count_images, has_validation_split, trained_part
from training.recipe import KINDS, Recipe
from training.run_data import RunData
from training.run_folder import RunFolder
from training.state import State

SEEDS = range(2**32)  # NumPy takes no others
Settings = Mapping[str, Any]
RESUMED_IN_PYTHON = "such a run goes on by train.resume(folder, embedding=train.Embedding(recipe)) in Python"


def check_options(
    seed: int = 0,
    *,
    class_weights: str | None = None,
    tensorboard: bool = False,
    checkpoint_minutes: float | None = None,
    on_device: str | None = None,
    distribution: Distribution | None = None,
) -> None:
    """Raises a ClassicsError for an option of `train.run` that is out of its range, or asks for what is not there."""
    if seed not in SEEDS:
        raise ClassicsError(f"A seed is a whole number from 0 to {SEEDS[-1]}, not {seed}.")
    if class_weights not in (None, "balanced"):
        raise unknown("kind of class weights", class_weights, ("balanced",))
    if checkpoint_minutes is not None and not 0 < checkpoint_minutes < math.inf:
        raise ClassicsError(
            f"Checkpoints cannot be {checkpoint_minutes:g} minutes apart; give a number above 0, or leave it out."
        )
    if tensorboard and importlib.util.find_spec("tensorboard") is None:
        raise ClassicsError("tensorboard is not installed: python -m pip install tensorboard, or leave it out.")
    if on_device is not None and distribution is not None:
        raise ClassicsError("A training on one device is not distributed; leave out the one or the other.")
    device.check(on_device)


def check_out(out: str | pathlib.Path | None) -> None:
    """Raises a ClassicsError if the run folder cannot be made that is asked for, or without one, none in runs."""
    if out is not None:
        RunFolder(pathlib.Path(out)).check_new()
    elif reason := unwritable(pathlib.Path("runs", "any")):
        raise ClassicsError(f"Cannot make a run folder in 'runs': {reason}. Choose another --out.")


def check_loss(recipe: Recipe) -> None:
    """Raises a ClassicsError if the loss is not of what the network gives: it would be trained, and learn nothing."""
    activation = recipe.build.get("classifier_activation", get_model(recipe.model).classifier_activation)
    read = {"crossentropy": ("softmax", "sigmoid"), "MAP criterion": ("null", "linear")}.get(recipe.loss)
    given = "null" if activation is None else getattr(activation, "__name__", activation)
    if read is not None and given not in read:
        raise ClassicsError(
            f"The loss {recipe.loss} cannot be read off {recipe.model}, whose classifier_activation is {given}; set "
            f"build.classifier_activation={read[0]} as well, or another loss."
        )


def check_kinds(recipe: Recipe, say: Callable[[str], None]) -> None:
    """Tells which of a recipe's operations are not of this package, for such a run is resumed in Python alone. Raises a
    ClassicsError if one of them has the name of another that is."""
    for kind in dict.fromkeys(map(type, (*recipe.augment, *recipe.augment_batch))):
        name = kind.__name__
        if KINDS.get(name, kind) is not kind:
            raise ClassicsError(
                f"{name} of {recipe.name} is not the {name} of this package, which a resumed run would take; give it "
                "another name."
            )
        if name not in KINDS:
            say(f"{name} is not of this package: {RESUMED_IN_PYTHON}.")


def check_fit(recipe: Recipe, data: RunData) -> None:
    """Raises a ClassicsError unless the recipe's network and its held-out images fit the data: of pictures in files,
    some of each class are left to train on."""
    dataset = data.dataset
    dataset.check_classes(recipe.build.get("classes", get_model(recipe.model).classes), recipe.model)
    images = dataset.sizes["train"]
    if recipe.hold_out > images and not has_validation_split(dataset):
        raise ClassicsError(
            f"One in {recipe.hold_out} of {images} training images is none, so none would be held out to choose the "
            f"best epoch by; give --hold-out {max(2, min(10, images))}, or 0 to choose it by the training loss."
        )
    if dataset.files is not None:  # whose labels are known without reading a picture
        lost = set(dataset.labels("train")) - set(trained_part(recipe, dataset).labels("train"))
        if lost:
            raise ClassicsError(
                f"No training image of '{dataset.class_names[min(lost)]}' is left beside those held out to choose the "
                "best epoch by; give --hold-out 0, or more images of that class."
            )
    head = recipe.tuning.head_epochs if recipe.tuning else 0
    epochs = min(epochs for epochs in (head, math.ceil(recipe.epochs) - head) if epochs)
    parts = epochs * math.ceil(count_images(recipe, dataset).train / recipe.part_size)
    if 0 < parts < recipe.accumulate:
        raise ClassicsError(
            f"A step needs {recipe.accumulate} parts of {recipe.part_size} images, and there are {parts} to train on: "
            "nothing would be trained; give a smaller --batch-size, more --epochs or --accumulate 1."
        )


def check_devices(recipe: Recipe, data: RunData, team: Team) -> None:
    """Raises a ClassicsError unless the devices of the team can train together by the recipe."""
    team.check_batch(recipe.part_size)
    if team.devices == 1 or keras.config.backend() != "tensorflow":
        return
    if recipe.build.get("remat"):
        raise ClassicsError(
            "tensorflow cannot compute maps again where a step goes over several devices; leave out --remat, or "
            "choose --backend jax."
        )
    if recipe.accumulate > 1:
        raise ClassicsError(
            "tensorflow cannot divide a batch into parts where a step goes over several devices; give --accumulate 1, "
            "or choose --backend jax."
        )
    if images := count_images(recipe, data.dataset).validation:
        team.batch_to_judge(images, recipe.part_size)


def check_statistics(settings: Settings, team: Team) -> None:
    """Raises a ClassicsError if batch norms would see other parts of a batch than when the run was begun."""
    begun = _devices_apart(settings["distribution"])
    if begun == _devices_apart(team.as_dict()):
        return
    if begun is None:
        raise ClassicsError("The run was begun with batch norms that see the whole batch; leave out --own-statistics.")
    raise ClassicsError(
        f"The run was begun with batch norms that see their device's part of a batch alone, on {begun} devices; go on "
        "with --distribute data --own-statistics on as many, or start a new run."
    )


def _devices_apart(distribution: Settings | None) -> int | None:
    """How many devices have statistics of their own; None where a batch norm sees the whole batch."""
    if distribution is None or distribution["sync_batch_norm"] or distribution["devices"] == 1:
        return None
    return distribution["devices"]


def agree(team: Team, settings: Settings, state: State) -> None:
    """Raises a ClassicsError unless all processes of the team are about to do the same."""
    if team.processes == 1:
        return
    names = ("data", "images", "pictures", "limit", "skipped")
    team.agree(
        recipe=[settings["recipe"], settings["class_weights"]],
        seed=settings["seed"],
        data=[settings[name] for name in names],
        code=code(),
        keras=keras.__version__,
        distribution=team.as_dict(),
        state=dataclasses.asdict(state),
    )


def with_environment(settings: dict[str, Any], folder: RunFolder, team: Team) -> dict[str, Any]:
    """The settings of a run that goes on, in which the present code and Keras join those before, if they are others;
    a line says so."""
    now, before = environment(), settings["environments"]
    if _versions(before[-1]) == _versions(now):
        return settings
    team.say(f"'{folder.path}' was trained by {_versions(before[-1])} so far, and goes on by {_versions(now)}.")
    settings = {**settings, "environments": [*before, now]}
    if team.is_first:
        folder.write_settings(settings)
    return settings


def _versions(environment: Settings) -> str:
    return f"commit {environment['commit'] or 'unknown'} with Keras {environment['versions']['keras']}"


def same_recipe(recipe: Settings, saved: Settings) -> bool:
    """Whether a recipe, as a dict, trains as the one that was saved, whose words on departures may be older. What the
    saved one does not tell is taken to be the same."""
    now, then = json.loads(json.dumps([recipe, saved]))
    return {**now, "departures": None} == {**now, **then, "departures": None}
