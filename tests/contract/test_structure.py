"""What holds for every network of the zoo. Building costs nothing on the numpy backend, where this runs."""

import concurrent.futures
import copy
import csv
import inspect
import itertools
import json
import multiprocessing
import pathlib
import pickle
import re

import keras
import numpy as np
import pytest
from small import CELL, DEEP, SMALL, build

import keras_classics as kc
from keras_classics import catalogue, complexity, zoo
from keras_classics.families import FAMILIES
from keras_classics.spec import CLASSES

pytestmark = pytest.mark.structure
every_network = pytest.mark.parametrize("name", kc.list_models())
# They take the longest to build, and have more of the layers that others of their families have.
LONGEST = {"resnet1202", "resnet1001_v2", "densenet264", "nasnet_large", "pnasnet5_large"}
most_networks = pytest.mark.parametrize("name", [name for name in kc.list_models() if name not in LONGEST])


with open(pathlib.Path(__file__).parents[1] / "golden" / "architectures.csv", newline="") as file:
    GOLDEN = {row["name"]: row for row in csv.DictReader(file)}


@every_network
def test_builds_as_the_record_says_with_the_published_counts(name):
    variant, model = kc.get_model(name), kc.create_model(name)
    params, macs = complexity.count_params(model), complexity.count_macs(model)
    print(f"{name}: params {params:,}, mult-adds {macs:,}")
    assert (params, macs) == (variant.params, variant.macs)
    assert params == int(GOLDEN[name]["params"])
    if GOLDEN[name]["mult_adds_millions"]:
        assert round(macs / 1e6) == int(GOLDEN[name]["mult_adds_millions"])
    rows = complexity.layer_table(model)
    assert sum(row.params for row in rows) == params
    assert sum(row.macs for row in rows) == macs
    stages = complexity.stage_costs(model)
    assert sum(row.params for row in stages) == params
    assert sum(row.macs for row in stages) == macs
    facts, counted = catalogue.find(name), catalogue.counted(model)
    assert {fact: facts[fact] for fact in counted} == counted, "run python -m keras_classics.catalogue"
    assert sum(row.activations for row in stages) == counted["activations"]
    assert (stages[-1].name, stages[-1].depth) == ("predictions", counted["depth"])
    assert stages[-2].receptive_field == counted["receptive_field"]
    if depth := re.search(r"(?:resnet|plainnet|resnext|densenet|densenet_bc|vgg)(\d+)", name):
        # DenseNet-264 has 264 layers but for the last: 2 x 130 in its blocks, its first, its three transitions.
        assert complexity.depth(model) == int(depth[1]) + (name == "densenet264")
    assert isinstance(model, keras.Model)
    assert model.name == name
    size = variant.image_size
    assert model.input_shape == (None, size, size, variant.channels)
    assert model.output_shape == (None, variant.classes)
    assert model.layers[-1].name == "predictions"
    names = [layer.name for layer in model.layers]
    assert len(set(names)) == len(names)


@most_networks
def test_other_classes_channels_sizes_and_precision(name):
    variant = kc.get_model(name)
    smallest, channels = variant.min_size, 4 - variant.channels  # 3 for 1, 1 for 3
    options = {"output": "softmax"} if name == "lenet5" else {}
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = kc.create_model(name, classes=7, input_shape=(smallest, smallest, channels), **options)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.output_shape == (None, 7)
    assert model.input_shape == (None, smallest, smallest, channels)
    assert model.output.dtype == "float32"
    assert {layer.compute_dtype for layer in model.layers if layer.weights} >= {"bfloat16"}
    with pytest.raises(kc.ClassicsError, match=f"at least {smallest}x{smallest}"):
        kc.create_model(name, input_shape=(smallest, smallest - 1, channels))
    if variant.bound_to_size:
        with pytest.raises(kc.ClassicsError, match="known height and width"):
            kc.create_model(name, input_shape=(None, None, channels))


@pytest.mark.parametrize(
    ("name", "options", "billions"),
    [
        ("resnet50", {"form": "3x3"}, 4.089),
        ("resnet101", {"form": "3x3"}, 7.801),
        ("resnet152", {"form": "3x3"}, 11.514),
        ("vgg16", {"batch_norm": True}, 15.47),
        ("inception_v1", {"batch_norm": True}, 1.498),
    ],
)
def test_the_forms_of_published_weights_cost_what_their_table_says(name, options, billions):
    """torchvision 0.29's table of weights ("_ops"); it counts convolutions and dense layers, as we do."""
    assert round(complexity.count_macs(kc.create_model(name, **options)) / 1e9, 3) == billions


# Filters of the last map, as the test suite of keras.applications has them.
LAST_FILTERS = {
    "vgg16": 512,
    "vgg19": 512,
    "xception": 2048,
    "inception_v3": 2048,
    "inception_resnet_v2": 1536,
    "densenet121": 1024,
    "densenet169": 1664,
    "densenet201": 1920,
    "nasnet_mobile": 1056,
    "resnet50": 2048,
    "resnet101": 2048,
    "resnet152": 2048,
    "resnet50_v2": 2048,
    "resnet101_v2": 2048,
    "resnet152_v2": 2048,
}


@most_networks
def test_without_the_top_it_takes_images_of_any_size_and_channels_in_both_data_formats(name, request):
    """The cases of the test suite of keras.applications, for all networks."""
    variant = kc.get_model(name)
    side = 16 if variant.bound_to_size == "all" else None
    model = kc.create_model(name, include_top=False)
    assert model.input_shape == (None, side, side, variant.channels)
    *shape, filters = model.output_shape
    assert filters == LAST_FILTERS.get(name, filters)
    assert shape == [None, None, None] or name == "lecun1989"
    model = kc.create_model(name, include_top=False, input_shape=(variant.min_size, side, 2), pooling="avg")
    assert model.output_shape == (None, filters)
    request.getfixturevalue("channels_first")
    model = kc.create_model(name, include_top=False, input_shape=(4, side, side))
    assert model.output_shape == (None, filters, *shape[1:])


@most_networks
def test_builds_upon_a_tensor_with_its_preprocessing_and_pooled(name):
    variant = kc.get_model(name)
    image = keras.Input((variant.image_size, variant.image_size, variant.channels))
    doubled = keras.layers.Rescaling(2.0)(image)
    model = kc.create_model(
        name, input_tensor=doubled, name="mine", include_preprocessing=True, include_top=False, pooling="max"
    )
    assert model.name == "mine"
    assert model.inputs[0] is image
    assert len(model.output_shape) == 2
    assert [layer.name for layer in model.layers][2:4] == ["provenance", "normalization"]


@every_network
def test_the_record_is_complete(name):
    variant = kc.get_model(name)
    assert variant.paper.title
    assert variant.paper.url.startswith("https://")
    assert variant.family in FAMILIES
    assert variant.dataset in CLASSES
    assert len(variant.normalization.mean) == len(variant.normalization.std) == variant.channels
    for reported in variant.reported:
        assert reported.source
        assert reported.top1 or reported.top5
        assert all(0 < error < 100 for error in (reported.top1, reported.top5) if error is not None)
    assert all(d.endswith(".") for d in variant.departures)
    symbols = [symbol for symbol, v in zoo.BUILDERS.items() if v is variant]
    assert all(getattr(kc, symbol) is variant and symbol in kc.__all__ for symbol in symbols)
    assert symbols[0].lower().replace("_", "") == name.replace("_", "")


def test_the_golden_file_has_every_network():
    assert set(GOLDEN) == set(kc.list_models())


def test_the_signature_is_that_of_keras_applications_and_more():
    ours = list(inspect.signature(kc.ResNet50).parameters.values())
    theirs = list(inspect.signature(keras.applications.ResNet50).parameters)
    assert [p.name for p in ours if p.kind is p.POSITIONAL_OR_KEYWORD] == theirs
    keywords = [p.name for p in ours if p.kind is p.KEYWORD_ONLY]
    assert keywords == ["aux_heads", "include_preprocessing", "seed", "remat"]


def test_layers_table_of_lenet5():
    """LeCun et al. 1998, section II.B, and the connections that it counts: 340,908."""
    rows = {row.name: row for row in complexity.layer_table(kc.LeNet5())}
    params = {"c1": 156, "s2": 12, "c3": 1_516, "s4": 32, "c5": 48_120, "f6": 10_164}
    assert {name: rows[name].params for name in params} == params
    assert [rows[name].receptive_field for name in params] == [5, 6, 14, 16, 32, None]
    places = {"c1": 28 * 28 * 6, "c3": 10 * 10 * 16, "c5": 120, "f6": 84}
    connections = sum(rows[name].macs + units for name, units in places.items())  # each unit has a bias
    connections += 5 * (14 * 14 * 6 + 5 * 5 * 16)  # S2 and S4: four inputs and a bias
    assert connections + 84 * 10 == 340_908


def test_layers_table_of_lecun1989():
    """LeCun et al. 1989: parameters by layer, 1,256 units, 64,660 connections."""
    rows = {row.name: row for row in complexity.layer_table(kc.LeCun1989())}
    by_layer = [rows[f"h{i}_conv"].params + rows[f"h{i}_bias"].params for i in (1, 2)]
    assert [*by_layer, rows["h3"].params, rows["predictions"].params] == [1_068, 2_592, 5_790, 310]
    units = [12 * 8 * 8, 12 * 4 * 4, 30, 10]
    assert 16 * 16 + sum(units) == 1_256
    assert sum(row.macs for row in rows.values()) + sum(units) == 64_660


def bottlenecks(channels, width, count):
    """Parameters, and multiply-adds by place, of a stage of Table 1 in He et al. 2015. Its first block has a
    projection, and all its layers are at the places behind the stride, which the first 1x1 and the
    projection have."""
    params = macs = 0
    for block in range(count):
        kernels = [channels * width, 9 * width * width, width * 4 * width]
        norms = [width, width, 4 * width]
        if block == 0:
            kernels.append(channels * 4 * width)
            norms.append(4 * width)
        params += sum(kernels) + 2 * sum(norms)
        macs += sum(kernels)
        channels = 4 * width
    return params, macs


def test_stages_of_resnet50_by_the_papers_table():
    """He et al. 2015, Table 1: 7x7, 64, then 3, 4, 6 and 3 blocks at 56, 28, 14 and 7 pixels, then 1000-d fc."""
    *stages, head = complexity.stage_costs(kc.ResNet50())
    stem = (7 * 7 * 3 * 64 + 2 * 64, 7 * 7 * 3 * 64 * 112**2)
    expected = [("conv1_relu", 2, (112, 112, 64), *stem)]
    channels = 64
    for stage, (width, count, side) in enumerate([(64, 3, 56), (128, 4, 28), (256, 6, 14), (512, 3, 7)], start=2):
        params, places = bottlenecks(channels, width, count)
        channels = 4 * width
        name = f"conv{stage}_block{count}_out"
        expected.append((name, 2**stage, (side, side, channels), params, places * side**2))
    assert [(row.name, row.stride, row.output_shape, row.params, row.macs) for row in stages] == expected
    assert (head.params, head.macs, head.output_shape) == (2048 * 1000 + 1000, 2048 * 1000, (1000,))
    assert (head.name, head.stride, head.receptive_field, head.activations) == ("predictions", None, None, 1000)
    assert [row.depth for row in (*stages, head)] == [1, 10, 22, 40, 49, 50]  # 1 + 3 x (0, 3, 4, 6, 3) + 1


def test_auxiliary_heads_have_rows_of_their_own():
    """Szegedy et al. 2014, section 5: 1x1 of 128 on 4x4 places, 1024 units, 1000 classes; on 4a (512) and 4d (528)."""
    alone, model = complexity.stage_costs(kc.InceptionV1()), kc.InceptionV1(aux_heads=True)
    *trunk, one, two = complexity.stage_costs(model)
    assert trunk == alone
    for row, name, channels in ((one, "aux_1", 512), (two, "aux_2", 528)):
        kernels = (channels * 128, 128 * 4 * 4 * 1024, 1024 * 1000)
        assert (row.name, row.params) == (name, sum(kernels) + 128 + 1024 + 1000)
        assert row.macs == 4 * 4 * kernels[0] + kernels[1] + kernels[2]
    assert complexity.count_params(model) == sum(row.params for row in (*trunk, one, two))


def test_what_a_network_of_no_size_costs_is_refused_and_its_field_told():
    model = kc.ResNet20(include_top=False)
    assert complexity.receptive_field(model) == 81
    with pytest.raises(kc.ClassicsError, match="build the model with `input_shape=`"):
        complexity.stage_costs(model)
    body = complexity.stage_costs(kc.ResNet20(include_top=False, input_shape=(32, 32, 3)))
    assert body == complexity.stage_costs(kc.ResNet20())[:-1]


@pytest.mark.parametrize("name", [name for name in SMALL if name not in DEEP])
def test_receptive_fields_and_costs_are_those_of_either_data_format(name, request):
    last = complexity.layer_table(build(name))
    request.getfixturevalue("channels_first")
    first = complexity.layer_table(build(name))
    assert [_but_the_shape(row) for row in first] == [_but_the_shape(row) for row in last]
    for ours, theirs in zip(first, last, strict=True):
        if len(theirs.output_shape) == 3:
            *sides, channels = theirs.output_shape
            assert ours.output_shape == (channels, *sides)


def _but_the_shape(row):
    return {fact: value for fact, value in vars(row).items() if fact != "output_shape"}


def test_lists_and_finds_networks():
    assert kc.list_models(family="lenet") == ["lenet5"]
    assert "resnet20" in kc.list_models(dataset="cifar10")
    assert "resnet50" not in kc.list_models(dataset="cifar10")
    assert kc.get_model("ResNet50") is kc.get_model("resnet50") is kc.ResNet50
    assert "resnet50" in repr(kc.ResNet50)
    assert zoo.variant_of(kc.ResNet20()) is kc.ResNet20
    other = zoo.variant_of(kc.ResNet20(shortcut="B"))
    assert (other.name, other.form["shortcut"]) == ("resnet20", "B")


@pytest.mark.parametrize(
    ("network", "options", "errors"),
    [
        (kc.ResNet20, {"shortcut": "B"}, []),
        (kc.ResNet18, {}, []),  # the paper's error is of option A
        (kc.ResNet18, {"shortcut": "A"}, [27.88]),
        (kc.ResNet34, {}, [24.52, 21.84]),
        (kc.ResNet34, {"shortcut": "C"}, [24.19, 21.53]),
        (kc.ResNet50, {"form": "3x3"}, []),
        (kc.ResNet164V2, {"form": "3x3"}, []),
        (kc.DenseNetBC100_12, {"compression": 0.25}, []),
        (kc.DenseNet121, {"dropout": 0.2}, [25.02, 23.61]),  # which changes no answer
    ],
)
def test_errors_of_the_paper_are_of_the_form_that_it_has(network, options, errors):
    assert [r.top1 for r in network.with_options(**options).reported] == errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kc.create_model("resnet51"), "Unknown model 'resnet51'. Did you mean 'resnet5"),
        (lambda: kc.list_models(family="lenett"), "Did you mean 'lenet'"),
        (lambda: kc.list_models(dataset="imagenet"), "Did you mean 'imagenet2012'"),
        (lambda: kc.ResNet20(input_shap=(8, 8, 3)), "Did you mean 'input_shape'"),
        (lambda: kc.ResNet20(shortcuts="A"), "Did you mean 'shortcut'"),
        (lambda: kc.ResNet20(pooling="mean", include_top=False), "Unknown pooling 'mean'"),
        (lambda: kc.ResNet20(classes=0), "positive integer"),
        (lambda: kc.ResNet20(classes=10.0), "positive integer"),
        (lambda: kc.ResNet20(classes=True), "positive integer"),
        (lambda: kc.ResNet20(num_classes=10), "resnet20 has no option 'num_classes'; use `classes=`"),
        (lambda: kc.ResNet20(pretrained=True), 'use `weights="imagenet"`'),
        (lambda: kc.create_model("resnet20", in_chans=1), "use `input_shape="),
        (lambda: kc.ResNet20("cifar10"), "`include_top` must be True or False, not 'cifar10'"),
        (lambda: kc.ResNet20(include_preprocessing="no"), "`include_preprocessing` must be True or False"),
        (lambda: kc.VGG11(batch_norm="no"), "`batch_norm` must be True or False, not 'no'"),
        (lambda: kc.DenseNet40_12(dropout="0.2"), "`dropout` must be a number, not '0.2'"),
        (lambda: kc.DenseNet40_12(compression=0.005), "A compression of 0.005 leaves none of 168 maps"),
        (lambda: kc.AlexNet(groups=2.0), "`groups` must be an integer, not 2.0"),
        (lambda: kc.AlexNet(groups=True), "`groups` must be an integer, not True"),
        (lambda: kc.AlexNet(lrn=["torch"]), r"`lrn` must be a string, not \['torch'\]"),
        (lambda: kc.ResNet20(seed=-1), "`seed` must be an integer of at least 0, not -1"),
        (lambda: kc.ResNet20(seed=1.5), "`seed` must be an integer"),
        (lambda: kc.ResNet20(classifier_activation="sofmax"), "Unknown activation 'sofmax'. Did you mean 'softmax'"),
        (lambda: kc.ResNet20(classifier_activation="sofmax", include_top=False), "Did you mean 'softmax'"),
        (
            lambda: kc.NASNetMobile(input_shape=(3, 224, 224)),
            r"must be \(224, 224, 3\), which is \(height, width, chan",
        ),
        (lambda: kc.ResNet20(input_shape=(3, None, None)), r"must be \(None, None, 3\)"),
        (lambda: kc.ResNet20(input_shape=(None, 32, 32, 3)), "without the batch"),
        (lambda: kc.ResNet20(input_shape=(32.0, 32.0, 3)), "has integers"),
        (
            lambda: kc.ResNet20(input_tensor=keras.Input((32, 32, 3)), input_shape=(48, 48, 3)),
            "leave out `input_shape=",
        ),
        (lambda: kc.VGG11(input_shape=(None, None, 3)), "such as 224, or `include_top=False`"),
        (lambda: kc.ResNet20(input_shape=(32, 32)), r"takes an input shape \(height, width, channels\)"),
        (lambda: kc.ResNet20(input_shape=(32, 32, None)), "known number of channels"),
        (lambda: kc.ResNet20(input_tensor=[1.0]), "Keras tensor"),
        (lambda: kc.InceptionV2(aux_heads=True), "inception_v2 has no auxiliary heads"),
        (lambda: kc.LeNet5(classes=26), "pass output='softmax'"),
        (lambda: kc.LeNet5(output="sofmax"), "Did you mean 'softmax'"),
        (lambda: kc.ResNet20(weights="imagenet"), "Known: cifar10"),
        (lambda: kc.ResNet20(weights="nowhere.keras"), "There is no weights file 'nowhere.keras'"),
        (lambda: kc.preprocess_input([[[[0.0, 0.0, 0.0]]]], keras.Sequential(name="mine")), "pass the record"),
        (lambda: kc.decode_predictions([[0.5, 0.5]]), "do not match 0 class names"),
    ],
)
def test_bad_input_gets_one_line_that_says_what_to_do(call, message):
    with pytest.raises(kc.ClassicsError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


# A value that is not the default, for each option of the zoo.
OTHER_VALUES = {
    "as_printed": True,
    "batch_norm": True,
    "cell": CELL,
    "compression": 0.75,
    "counts_padding": True,
    "drop_path": 0.25,
    "dropout": 0.25,
    "form": "3x3",
    "groups": 1,
    "initialization": "glorot",
    "lrn": "torch",
    "normal": CELL,
    "output": "softmax",
    "reduction": CELL,
    "shortcut": "C",
    "width_multiplier": 2.0,
}


@every_network
def test_a_form_that_is_not_the_papers_has_not_its_errors(name):
    variant = kc.get_model(name)
    alike = {"dropout", "drop_path", "initialization"}  # change no answer
    for option in set(variant.options) - alike - {"as_printed"} if variant.reported else ():
        assert variant.with_options(**{option: OTHER_VALUES[option]}).reported != variant.reported, option


@every_network
def test_a_record_and_each_form_of_it_can_be_pickled_and_copied(name):
    variant = kc.get_model(name)
    forms = [variant, *(variant.with_options(**{option: OTHER_VALUES[option]}) for option in variant.options)]
    assert all(a != b for a, b in itertools.combinations(forms, 2))
    for form in forms:
        for again in (pickle.loads(pickle.dumps(form)), copy.deepcopy(form)):
            assert again == form
            assert hash(again) == hash(form)
            assert again.form == form.form
            assert again.with_options() == form


def _layers(variant):
    """What the network is made of; another process, which draws other seeds, can tell it."""
    config = variant(seed=0, input_shape=(16, 16, 3)).get_config()
    return json.dumps([[layer["class_name"], layer["name"]] for layer in config["layers"]])


def test_another_process_builds_the_network_of_a_pickled_record():
    variant = kc.ResNet20.with_options(shortcut="C")
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        there = pool.submit(_layers, variant).result()
    assert there == _layers(variant) != _layers(kc.ResNet20)


def test_numbers_of_numpy_are_as_good_as_pythons():
    model = kc.ResNet20(classes=np.int64(7), seed=np.int64(3), input_shape=(np.int64(16), 16, 3))
    assert model.output_shape == (None, 7)
    again = keras.Model.from_config(json.loads(json.dumps(model.get_config())))
    assert again.output_shape == (None, 7)


def test_options_may_be_numbers_of_numpy(tmp_path):
    variant = kc.DenseNet40_12.with_options(dropout=np.float32(0.5), compression=np.float64(1))
    variant(input_shape=(8, 8, 3)).save(tmp_path / "model.keras")
    assert variant.form == {"compression": 1.0}
    assert keras.models.load_model(tmp_path / "model.keras").get_layer("dense1_layer1_2_dropout").rate == 0.5


def test_the_other_data_format_is_told_by_its_shape(channels_first):
    with pytest.raises(kc.ClassicsError, match=r"must be \(3, 224, 224\), which is \(channels, height, width\), not"):
        kc.ResNet20(input_shape=(224, 224, 3))
