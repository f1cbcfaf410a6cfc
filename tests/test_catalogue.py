"""The facts that `list` and `show` read without Keras are those of the records."""

import json

from keras_classics import catalogue
from keras_classics.zoo import BUILDERS


def test_the_file_is_what_the_records_say():
    written = json.loads(catalogue.FILE.read_text("utf-8"))
    assert written == catalogue.collect(), "records have changed: run python -m keras_classics.catalogue"


def test_every_record_is_in_it():
    assert [f["name"] for f in catalogue.collect()] == list(dict.fromkeys(v.name for v in BUILDERS.values()))
    assert {symbol for f in catalogue.collect() for symbol in f["symbols"]} == set(BUILDERS)
    assert catalogue.find("GoogLeNet") == catalogue.find("InceptionV1") == catalogue.find("inception_v1")
