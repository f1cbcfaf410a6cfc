"""A training that is stopped inside an epoch goes on bit for bit, with all that a network and an optimizer can hold."""

import csv

import keras
import numpy as np
import pytest

from training import get_recipe, train
from training.compile import L2SGD, crossentropy, top1
from training.midway import FromStep
from training.run_folder import RunFolder
from training.state import Place, State, put_back, seeds, values

RECIPE = get_recipe("lenet5-mnist").replace(epochs=2)
STEPS = 7
DONE = Place(1, 4)  # within a batch of two parts


def network():
    """With dropout, batch norm and a second head."""
    x = inputs = keras.Input((8,))
    x = keras.layers.BatchNormalization(name="bn")(keras.layers.Dense(6, activation="relu", name="hidden")(x))
    x = keras.layers.Dropout(0.5, name="dropout")(x)
    heads = {name: keras.layers.Dense(3, activation="softmax", name=name)(x) for name in ("predictions", "aux_1")}
    return keras.Model(inputs, heads)


def compiled():
    keras.utils.set_random_seed(1)
    model = network()
    model.compile(
        L2SGD(0.05, 0.9, l2=1e-3, use_ema=True, ema_momentum=0.9, gradient_accumulation_steps=2),
        loss=dict.fromkeys(model.output, crossentropy),
        loss_weights={"predictions": 1.0, "aux_1": 0.3},
        metrics={name: [keras.metrics.MeanMetricWrapper(top1, name="accuracy")] for name in model.output},
    )
    return model


def stream():
    import tensorflow as tf

    rng = np.random.default_rng(1)
    images, labels = rng.normal(size=(STEPS * 5, 8)).astype("float32"), rng.integers(0, 3, STEPS * 5)
    return tf.data.Dataset.from_tensor_slices((images, dict.fromkeys(("predictions", "aux_1"), labels))).batch(5)


class Stop(keras.callbacks.Callback):
    """Stops the training there, or nowhere."""

    def __init__(self, place):
        super().__init__()
        self.place = place

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.steps = epoch, []

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append(batch)
        if self.place == (self.epoch, batch + 1):
            raise KeyboardInterrupt


def fit(model, folder, state, stop=None):
    batches, stopping = stream().repeat(), Stop(stop)
    writer = train.EpochWriter(RECIPE, folder, state, network(), minutes=1e-9)
    made = FromStep([writer, stopping], state, batches.element_spec, model, steps=STEPS, epochs=2)
    model.fit(
        batches.skip(state.steps),
        steps_per_epoch=STEPS,
        initial_epoch=len(state.history),
        epochs=2,
        validation_data=stream(),
        callbacks=made,
        verbose=0,
        shuffle=False,
    )
    return stopping.steps


def rows(folder):
    with open(folder.history, newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


@pytest.mark.every_backend
def test_all_that_a_training_holds_comes_back(tmp_path):
    """Averages, accumulated gradients, the step of the schedule, dropout's seeds, each head's running means."""
    straight, stopped = RunFolder(tmp_path / "straight"), RunFolder(tmp_path / "stopped")
    whole = compiled()
    fit(whole, straight, State())
    with pytest.raises(KeyboardInterrupt):
        fit(compiled(), stopped, State(), DONE)
    assert stopped.checkpoints() == [(1, 4), (1, 3)]
    keras.utils.set_random_seed(2)
    state = stopped.last_state(print)
    model = stopped.load_model(stopped.checkpoint(*state.place), 1, compile=True)
    (seed,) = seeds(model)
    (before,) = values([seed])
    put_back(seeds(model), state.seeds)
    assert values([seed]) != [before]
    assert fit(model, stopped, state) == [4, 5, 6]
    assert rows(stopped) == rows(straight)
    assert {"aux_1_accuracy", "aux_1_loss", "accuracy", "val_accuracy"} < set(rows(stopped)[1])
    assert stopped.last_state(print).seeds == straight.last_state(print).seeds
    for got, expected in zip(
        [*model.variables, *model.optimizer.variables], [*whole.variables, *whole.optimizer.variables], strict=True
    ):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (got, expected)), err_msg=expected.path)
    for name in ("last", "best"):
        ours, theirs = (keras.saving.load_model(getattr(folder, name)) for folder in (stopped, straight))
        for got, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_array_equal(got, expected)
