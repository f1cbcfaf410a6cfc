"""The chart has what the papers report, and the table the same."""

import math
import re
import xml.etree.ElementTree

import pytest

from keras_classics import catalogue
from keras_classics.demo import zoo
from keras_classics.errors import ClassicsError


def test_each_network_with_a_reported_error_is_in_chart_and_table():
    assert zoo.data_sets()[:2] == ["imagenet2012", "cifar10"]
    chart, rows = zoo.view("imagenet2012", [], "accuracy", "")
    expected = {
        facts["name"]
        for facts in catalogue.read().values()
        if any(r["dataset"] == "imagenet2012" and r["top1"] is not None for r in facts["reported"])
    }
    for html in (chart, rows):
        assert sorted(re.findall(r'data-name="(\w+)"', html)) == sorted(expected)
    xml.etree.ElementTree.fromstring(chart)  # it is sound
    assert rows.index("pnasnet5_large") < rows.index("resnet50<") < rows.index("alexnet")


def test_circles_stand_where_their_figures_are():
    chart, _ = zoo.view("imagenet2012", [], "accuracy", "")
    at = {
        name: (float(x), float(y))
        for x, y, name in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" .*?data-name="(\w+)"', chart)
    }
    facts = catalogue.read()
    names = ["shufflenet_v2_x0_5", "resnet50", "nasnet_large"]
    macs = [math.log(facts[name]["macs"]) for name in names]
    xs, ys = zip(*(at[name] for name in names), strict=True)
    assert (xs[1] - xs[0]) / (xs[2] - xs[0]) == pytest.approx((macs[1] - macs[0]) / (macs[2] - macs[0]), abs=1e-3)
    assert ys[0] > ys[1] > ys[2]
    assert all(0 < x < zoo.WIDTH and 0 < y < zoo.HEIGHT for x, y in at.values())


def test_filters_and_orders():
    names = [facts["name"] for facts, _ in zoo.chosen("imagenet2012", ["resnet", "vgg"], "operations", "")]
    macs = [catalogue.find(name)["macs"] for name in names]
    assert macs == sorted(macs)
    assert {catalogue.find(name)["family"] for name in names} == {"resnet", "vgg"}
    assert [facts["name"] for facts, _ in zoo.chosen("imagenet2012", [], "year", "v2 X1-5")] == ["shufflenet_v2_x1_5"]
    for sort in zoo.SORTS:
        zoo.chosen("cifar10", [], sort, "")
    assert "No network is left" in zoo.view("cifar10", ["vgg"], "name", "")[0]


def test_none_is_better_and_cheaper_than_those_of_the_frontier():
    found = zoo.chosen("imagenet2012", [], "name", "")
    best = zoo.frontier(found)
    assert {"shufflenet_v2_x0_5", "pnasnet5_large"} <= best
    assert "vgg16" not in best
    for facts, error in found:
        beaten = any(o["macs"] <= facts["macs"] and e["top1"] < error["top1"] for o, e in found)
        assert beaten == (facts["name"] not in best) or error["top1"] in {e["top1"] for f, e in found if f != facts}


def test_stages_are_those_that_show_prints():
    html = zoo.stages("lenet5")
    assert "28x28x6" in html
    assert "Gradient-Based Learning" in html
    assert "RBF outputs are negated" in html
    with pytest.raises(ClassicsError, match="lenet5"):
        zoo.stages("lenet6")
