"""Runs: a recipe carried out in a folder that holds all that came of it."""

import dataclasses
import math
import os
import pathlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import keras

from keras_classics import datasets
from keras_classics.environment import environment
from keras_classics.errors import ClassicsError
from keras_classics.feed import check_square, feed_of
from keras_classics.zoo import get_model
from training import device, run_data
from training.assign import assign, differences
from training.augment.whitening import Numbers
from training.checks import (
    RESUMED_IN_PYTHON,
    agree,
    check_devices,
    check_fit,
    check_kinds,
    check_loss,
    check_options,
    check_out,
    check_statistics,
    same_recipe,
    with_environment,
)
from training.compile import callbacks, compile_arguments
from training.distribute import Distribution, Team, connected
from training.epochs import EpochWriter, Replay, StopAtNaN
from training.judge import is_trained, judge, mend_models, replace_damaged_best, shipped_epoch, shipped_form
from training.lock import locked
from training.midway import FromStep
from training.networks import network
from training.phases import Phase, phase_after
from training.pipeline import count_images, has_validation_split, train_batches, trained_part, validation_batches
from training.progress import Progress, plan, say
from training.recipe import Recipe, recipe_of
from training.recipes import get_recipe, list_recipes
from training.record import check_record, write_record
from training.run_data import RunData
from training.run_folder import RunFolder
from training.state import History, Place, State, put_back, seeds
from training.steps import check_operations
from training.whitening import check_whitening, numbers_of, whitened

# What metrics.json has of the settings.
RECORDED_SETTINGS = (
    "recipe",
    "set",
    "made_in_python",
    "data",
    "seed",
    "limit",
    "class_weights",
    "backend",
    "distribution",
)


class Stopped(ClassicsError):
    """A training was stopped by hand, and can be resumed."""


@dataclass(frozen=True)
class Embedding:
    """What a run is given by something larger that it is a part of, such as an experiment.

    Attributes:
        recipe: of a run that is resumed, where it stands in no list.
        judge: what takes the place of `judge`; it need not export.
        callbacks: more of Keras' callbacks.
        base: the recipe before values were set in it, where it stands in no list.
    """

    recipe: Recipe | None = None
    judge: Callable[[Recipe, RunData, RunFolder, History], dict[str, Any]] | None = None
    callbacks: tuple[keras.callbacks.Callback, ...] = ()
    base: Recipe | None = None


ALONE = Embedding()


def run(
    recipe: Recipe,
    data_name: str | os.PathLike[str] | None = None,
    data_dir: str | None = None,
    out: str | pathlib.Path | None = None,
    seed: int = 0,
    record: bool | str = False,
    *,
    limit: int | None = None,
    class_weights: str | None = None,
    tensorboard: bool = False,
    checkpoint_minutes: float | None = None,
    on_device: str | None = None,
    distribution: Distribution | None = None,
    start: keras.Model | None = None,
    embedding: Embedding = ALONE,
) -> pathlib.Path | None:
    """Trains a network by a recipe, judges it on the test split and exports it.

    Args:
        recipe: what to do.
        data_name: other data than the recipe's, as `datasets.load` takes it. A folder's validation images choose the
            best epoch, in the place of held-out training images; without test images, some training images are held
            out to be judged on.
        data_dir: where tensorflow-datasets keeps its data.
        out: the run folder, which must be new or empty; by default a new one in "runs".
        seed: of the weights, the order of the images and their augmentation, 0 to 2**32 - 1.
        record: whether to write the metrics into `training/results` as well, or the name to do so under; by default
            the recipe's.
        limit: how many images of each split to use, as `datasets.limited` chooses them; by default all.
        class_weights: "balanced" to give each class the same weight in the loss, however many images it has.
        tensorboard: whether to write what TensorBoard reads, an epoch's figures, into the run folder.
        checkpoint_minutes: after so many, the state to resume from is written inside an epoch as well; by default only
            at its end.
        on_device: that computes, as Keras names it, such as "gpu:0"; by default Keras' own choice.
        distribution: over which devices and processes the training goes, by default over none but this. The batch size
            is that of all together.
        start: the network to begin with, for a recipe that fine-tunes it.
        embedding: what it is a part of.

    Returns:
        The path of the run folder, which `RunFolder` describes; None in all of several processes but the first, which
        alone writes.

    Raises:
        ClassicsError: before any time is spent, if the data is not there or does not fit, too many pictures are
            damaged, the recipe has a value of the wrong kind, the network cannot be built so, the seed or the minutes
            are out of their range, the device or TensorBoard is not there, the processes of a distribution differ, the
            folder exists or cannot be written, or another training's results are recorded under that name.
    """
    check_options(
        seed,
        class_weights=class_weights,
        tensorboard=tensorboard,
        checkpoint_minutes=checkpoint_minutes,
        on_device=on_device,
        distribution=distribution,
    )
    recipe = recipe.replace()  # which finds what cannot be trained with
    check_loss(recipe)
    with connected(distribution) as team, device.on(on_device), computing_in("float32"):
        settings = {
            "seed": seed,
            "record": record,
            "limit": limit,
            "class_weights": class_weights,
            "tensorboard": tensorboard,
            "checkpoint_minutes": checkpoint_minutes,
        }
        return _begin(recipe, data_name, data_dir, out, settings, team, start, embedding)


def _begin(recipe, data_name, data_dir, out, settings, team, start, embedding) -> pathlib.Path | None:
    if team.is_first:
        check_out(out)
    limit = settings["limit"]
    data_name = recipe.dataset if data_name is None else os.fspath(data_name)
    base = get_recipe(recipe.name) if recipe.name in list_recipes() else embedding.base
    told = [] if base is None else differences(recipe, base)
    settings = {
        **settings,
        "recipe": recipe.as_dict(),
        "set": told,
        "made_in_python": base is None or not _makes(base, told, recipe),
        "data": data_name,
        "data_dir": None if data_dir is None else str(data_dir),
        "backend": keras.config.backend(),
        "distribution": team.as_dict(),
    }
    check_record(settings)
    check_kinds(recipe, team.say)
    data = run_data.load(data_name, data_dir, limit)
    check_fit(recipe, data)
    if skipped := run_data.check_pictures(data, team.say):
        team.say(run_data.LEAVE)
        data = run_data.load(data_name, data_dir, limit, skipped)
        check_fit(recipe, data)
    check_devices(recipe, data, team)
    settings |= {
        "images": dict(data.dataset.sizes),
        "pictures": run_data.digest(data.dataset),
        "skipped": skipped,
        "environments": [environment()],
    }
    agree(team, settings, State())
    built = None if start is not None else _built(recipe, settings["seed"], team)
    trained = start if built is None else built
    check_square(trained)
    read = feed_of(trained, get_model(recipe.model))
    check_operations(recipe, read)
    check_whitening(recipe, read)
    if not team.is_first:
        folder = RunFolder(pathlib.Path(out or recipe.name), writes=False)
        return _train(recipe, data, folder, settings, team, embedding, built)
    folder = RunFolder.new(out, recipe.name)
    with locked(folder.lock):
        folder.check_new()  # another process may have been faster
        if start is not None:
            folder.save_model(start, folder.start, [])
        folder.write_settings(settings)
        return _train(recipe, data, folder, settings, team, embedding, built)


def _makes(base: Recipe, assignments: list[str], recipe: Recipe) -> bool:
    """Whether the recipe comes of the base where these values are set in it."""
    try:
        return same_recipe(assign(base, assignments).as_dict(), recipe.as_dict())
    except ClassicsError:
        return False


def _built(recipe: Recipe, seed: int, team: Team) -> keras.Model:
    """The network in its initial state, which follows from the seed alone."""
    keras.utils.set_random_seed(seed)
    with team.scope(), computing_in(recipe.precision):
        return team.synchronized(network(recipe, seed))


def resume(
    folder: str | pathlib.Path,
    data_dir: str | None = None,
    on_device: str | None = None,
    distribution: Distribution | None = None,
    embedding: Embedding = ALONE,
) -> pathlib.Path | None:
    """Goes on with a run that was stopped, from its last checkpoint; a finished one is judged anew.

    Where the last state is damaged, it goes on from the one before, and where all are, from the beginning; a line says
    so. It ends as if it had never been stopped. It may go on with another distribution, as long as its batch
    norms see the same parts of a batch; all its processes have to see the folder.

    Returns:
        As `run` does.

    Raises:
        ClassicsError: if the folder holds no run or another process works on it, its recipe is no longer known or its
            images have changed, it was begun on another backend, its batch norms would see other parts of a batch, or
            it is finished and what it needs to be judged is damaged.
    """
    check_options(on_device=on_device, distribution=distribution)
    with connected(distribution) as team, device.on(on_device), computing_in("float32"):
        return _resume(RunFolder(pathlib.Path(folder), writes=team.is_first), data_dir, team, embedding)


def _resume(run_folder: RunFolder, data_dir: str | None, team: Team, embedding: Embedding) -> pathlib.Path | None:
    folder, settings = run_folder.path, run_folder.read_settings()
    if settings["backend"] != keras.config.backend():
        raise ClassicsError(
            f"'{folder}' was begun on {settings['backend']} and cannot be resumed on {keras.config.backend()}; "
            f"add --backend {settings['backend']}, or start a new run."
        )
    trains = not run_folder.metrics.exists()  # a finished one is judged anew on any devices and by any code
    if trains:
        check_statistics(settings, team)
    recipe = _recipe_of(settings, run_folder, embedding.recipe)
    settings["recipe"] = recipe.as_dict()
    data = run_data.load(settings["data"], data_dir or settings["data_dir"], settings["limit"], settings["skipped"])
    if data.dataset.sizes != settings["images"]:
        raise ClassicsError(
            f"{data.name} has other images than when '{folder}' was begun ({data.dataset.sizes}, then "
            f"{settings['images']}); bring them back, or start a new run."
        )
    if settings["pictures"] != run_data.digest(data.dataset):
        raise ClassicsError(
            f"{data.name} has other classes or other names of pictures than when '{folder}' was begun; bring them "
            "back, or start a new run."
        )
    if trains:
        check_devices(recipe, data, team)
    with locked(run_folder.lock) if team.is_first else nullcontext():
        if trains:
            settings = with_environment(settings, run_folder, team)
        return _train(recipe, data, run_folder, settings, team, embedding)


def _recipe_of(settings: dict[str, Any], folder: RunFolder, given: Recipe | None) -> Recipe:
    saved = settings["recipe"]
    if not isinstance(saved, dict) or set(saved) != {field.name for field in dataclasses.fields(Recipe)}:
        raise ClassicsError(f"'{folder.recipe}' holds no recipe of this version; start a new run.")
    if saved["tuning"] is not None or (given is None and settings["made_in_python"]):
        return _saved_recipe(saved, folder)
    recipe = given or get_recipe(saved["name"])
    changed = ClassicsError(f"The recipe '{recipe.name}' has changed since '{folder.path}' was begun; start a new run.")
    try:
        recipe = recipe.replace() if given else assign(recipe, settings["set"])
    except ClassicsError:
        raise changed from None
    if not same_recipe(recipe.as_dict(), saved):
        raise changed
    return recipe


def _saved_recipe(saved: dict[str, Any], folder: RunFolder) -> Recipe:
    """A recipe that stands nowhere but in its run."""
    try:
        return recipe_of(saved).replace()
    except (KeyError, TypeError):
        raise ClassicsError(
            f"'{folder.recipe}' is damaged, or its recipe has operations that are not of this package: "
            f"{RESUMED_IN_PYTHON}, or start a new run."
        ) from None


def _train(
    recipe: Recipe,
    data: RunData,
    folder: RunFolder,
    settings: dict[str, Any],
    team: Team,
    embedding: Embedding,
    built: keras.Model | None = None,
) -> pathlib.Path | None:
    """Trains from the last state, or with the network as it was `built`; judges and exports."""
    state = State() if built else folder.last_state(team.say)
    history = state.history
    if not built:
        agree(team, settings, state)
    if recipe.tuning is not None:
        recipe = _from_start(recipe, folder)
    numbers = numbers_of(recipe, data.dataset, folder, team.say)
    if history and team.is_first:
        mend_models(recipe, data.dataset.class_names, folder, history, say, numbers)
    if not is_trained(recipe, history):
        for line in plan(recipe, data, folder, state.place):
            team.say(line)
        _fit(recipe, data, folder, settings, team, state, numbers, built, embedding.callbacks)
    while not is_trained(recipe, state.history):  # the next phase begins as a resumed run does
        team.wait()  # for the first, which writes it
        state = folder.last_state(team.say)
        agree(team, settings, state)
        _fit(recipe, data, folder, settings, team, state, numbers, None, embedding.callbacks)
    history = state.history
    team.disconnect()
    if not team.is_first:
        return None
    replace_damaged_best(folder, history, say)
    if embedding.judge is None:
        say(f"Judging the last epoch and the best, epoch {shipped_epoch(folder, history)}, and exporting the best.")
    with _resumable(folder):
        metrics = (embedding.judge or judge)(recipe, data, folder, history)
    metrics["settings"] = {key: settings[key] for key in RECORDED_SETTINGS}
    metrics["settings"]["validation_split"] = has_validation_split(data.dataset)
    metrics["skipped"] = [*settings["skipped"], *folder.read_skipped()]
    begun, *later = settings["environments"]
    metrics |= begun
    if later:
        metrics["commits"] = [each["commit"] for each in (begun, *later)]
    folder.finish(metrics)
    write_record(settings, metrics)
    return folder.path


def _from_start(recipe: Recipe, folder: RunFolder) -> Recipe:
    """The recipe, whose network is built with the weights of the one that the run begins with."""
    if not folder.metrics.exists() and not folder.holds(folder.start, 0):
        raise ClassicsError(f"'{folder.start}', the network to begin with, is missing or damaged. Start a new run.")
    return recipe.replace(build={**recipe.build, "weights": str(folder.start)})


def _fit(
    recipe: Recipe,
    data: RunData,
    folder: RunFolder,
    settings: dict[str, Any],
    team: Team,
    state: State,
    numbers: Numbers | None,
    built: keras.Model | None,
    more: tuple[keras.callbacks.Callback, ...] = (),
) -> None:
    """Trains from the state on, to whose history it adds, to the end of the phase that it is in."""
    epochs, seed, (done, first_step) = math.ceil(recipe.epochs), settings["seed"], state.place
    phase = phase_after(done, recipe)
    begins = state.place == Place(phase.first)
    shipped = shipped_form(recipe, data.dataset.class_names, numbers)
    dataset = whitened(recipe, data.dataset, numbers)
    model = _model_at(state, recipe, folder, seed, team, built, compiled=not begins)
    weights = trained_part(recipe, data.dataset).class_weights() if settings["class_weights"] else None
    skip = run_data.skipping(folder, data.dataset, say, state.skipped)
    stream, steps = train_batches(
        recipe,
        dataset,
        model,
        seed,
        first_epoch=done,
        first_step=first_step,
        left_out=state.skipped.get("train", ()),
        class_weights=weights,
        skip=skip,
        process=team.process,
        processes=team.processes,
        fill=team.devices > 1,
    )
    if begins:
        phase.freeze(model)
        with team.scope():
            model.compile(**compile_arguments(phase.recipe, steps))
    validated = count_images(recipe, data.dataset).validation
    made = _callbacks(recipe, phase, folder, settings, team, state, shipped, validated > 0, more)
    # Keras' bar; `Progress` says the rest.
    bar = {"add_progbar": True, "verbose": 1} if os.isatty(1) and team.is_first else {}
    judged = validation_batches(recipe, dataset, model, skip)
    if validated:
        judged = team.judged_by_each(judged, team.batch_to_judge(validated, recipe.part_size))
    try:
        with _resumable(folder), team.scope():
            model.fit(
                stream,
                steps_per_epoch=steps,
                initial_epoch=done,
                epochs=phase.end,
                validation_data=judged,
                callbacks=FromStep(made, state, stream.element_spec, model, steps=steps, epochs=epochs, **bar),
                verbose=0,
                shuffle=False,  # the stream is shuffled
            )
    except KeyboardInterrupt:
        raise Stopped(
            f"Stopped after {len(state.history)} of {epochs} epochs. Go on with: {folder.resume_command}"
        ) from None


def _model_at(
    state: State, recipe: Recipe, folder: RunFolder, seed: int, team: Team, built: keras.Model | None, compiled: bool
) -> keras.Model:
    """The network as the state left it, from its checkpoint, `compiled` or not; before the first step the initial one,
    which may be `built` already."""
    if not any(state.place):
        return built or _built(recipe, seed, team)
    with team.scope():
        model = folder.load_model(folder.checkpoint(*state.place), state.place.epochs, compile=compiled)
        team.synchronized(model)
        put_back(seeds(model), state.seeds)
    return model


def _callbacks(
    recipe: Recipe,
    phase: Phase,
    folder: RunFolder,
    settings: dict[str, Any],
    team: Team,
    state: State,
    shipped: keras.Model,
    validated: bool,
    more: tuple[keras.callbacks.Callback, ...],
) -> list[keras.callbacks.Callback]:
    """All that Keras calls as it trains, in this order: `Replay` is of those before it alone, and `Progress` tells what
    `EpochWriter` has added to the history."""
    made = callbacks(phase.recipe, validated)
    made += [
        Replay(phase, made, state.history),
        StopAtNaN(folder),
        EpochWriter(recipe, folder, state, shipped, settings["checkpoint_minutes"], team),
    ]
    if team.is_first:
        made.append(Progress(recipe, state.history, os.isatty(1)))
    made += more
    if settings["tensorboard"] and team.is_first:
        made.append(keras.callbacks.TensorBoard(folder.tensorboard, write_graph=False))
    return made


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Layers that are made inside compute in that precision, which they keep, whatever the process has set for all."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextmanager
def _resumable(folder: RunFolder) -> Iterator[None]:
    """What is said of a picture that cannot be read, with what becomes of the run."""
    try:
        yield
    except ClassicsError:
        raise
    except Exception:
        try:
            with datasets.reading():
                raise
        except ClassicsError as error:
            raise ClassicsError(f"{error} Once it is replaced, go on with: {folder.resume_command}") from None
