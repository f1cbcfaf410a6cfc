"""Writes outputs.json: sums of the seeded weights, and outputs, of one small network of each family.

KERAS_BACKEND=tensorflow python tests/golden/make_outputs.py
"""

import json
import pathlib
import sys

import keras
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from small import SMALL, batch, build


def figures(name):
    model = build(name, seed=1, classifier_activation=None)
    return {
        "weight_sums": [float(np.sum(keras.ops.convert_to_numpy(w), dtype="float64")) for w in model.trainable_weights],
        "outputs": keras.ops.convert_to_numpy(model(batch(name), training=False)).tolist(),
    }


if __name__ == "__main__":
    text = json.dumps({name: figures(name) for name in SMALL}, indent=1)
    pathlib.Path(__file__).with_name("outputs.json").write_text(text + "\n")
