"""The facts that `list` and `show` read without Keras are those of the records.

What takes a built network (depth, receptive field, activations) is compared in contract/test_structure.py, which builds
each of them.
"""

import json

import pytest

from keras_classics import catalogue
from keras_classics.zoo import BUILDERS


def test_the_file_is_what_the_records_say():
    written = json.loads(catalogue.FILE.read_text("utf-8"))
    for facts in written:
        for fact in ("depth", "receptive_field", "activations"):
            del facts[fact]
    assert written == catalogue.collect(), "records have changed: run python -m keras_classics.catalogue"


def test_every_record_is_in_it():
    assert [f["name"] for f in catalogue.collect()] == list(dict.fromkeys(v.name for v in BUILDERS.values()))
    assert {symbol for f in catalogue.collect() for symbol in f["symbols"]} == set(BUILDERS)
    assert catalogue.find("GoogLeNet") == catalogue.find("InceptionV1") == catalogue.find("inception_v1")


@pytest.mark.parametrize(
    ("field", "names"),
    [
        (195, ["alexnet_owt"]),
        (212, ["vgg16"]),
        (699, ["inception_v2"]),
        (1311, ["inception_v3"]),
        (2071, ["inception_v4"]),
        (3039, ["inception_resnet_v2"]),
        (483, ["resnet50", "resnet50_v2"]),
        (1027, ["resnet101", "resnet101_v2"]),
        (1507, ["resnet152", "resnet152_v2"]),
        (1763, ["resnet200_v2"]),
    ],
)
def test_receptive_fields_are_the_published_ones(field, names):
    """Araujo, Norris, Sim 2019: the table of google-research/receptive_field, counted on TF-Slim's networks. Their
    ResNets have a stage's stride in the last block of the stage before, which changes nothing for the last map."""
    assert [catalogue.find(name)["receptive_field"] for name in names] == [field] * len(names)
