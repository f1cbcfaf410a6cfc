"""Writes outputs.json: sums of the seeded weights, and outputs, of one small network of each family.

KERAS_BACKEND=tensorflow python tests/golden/make_outputs.py
"""

import json
import pathlib
import sys

import keras
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import peers

import keras_classics as kc


def figures(name):
    variant = kc.get_model(name)
    model = kc.create_model(name, seed=1, classifier_activation=None)
    batch = peers.images(2, variant.image_size, variant.image_size, variant.channels)
    return {
        "weight_sums": [float(np.sum(keras.ops.convert_to_numpy(w), dtype="float64")) for w in model.trainable_weights],
        "outputs": keras.ops.convert_to_numpy(model(batch, training=False)).tolist(),
    }


if __name__ == "__main__":
    names = ["lecun1989", "lenet5", "resnet20"]
    text = json.dumps({name: figures(name) for name in names}, indent=1)
    pathlib.Path(__file__).with_name("outputs.json").write_text(text + "\n")
