"""Szegedy et al. 2014 (GoogLeNet), sentence by sentence, and beside independent code."""

import keras
import numpy as np
import peers
import pytest
from answers import answers

import keras_classics as kc
from keras_classics import complexity
from keras_classics.models.inception_v1 import TABLE

# Table 1's rows from 3a to 5b: #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj.
PRINTED = (
    (64, 96, 128, 16, 32, 32),
    (128, 128, 192, 32, 96, 64),
    (192, 96, 208, 16, 48, 64),
    (160, 112, 224, 24, 64, 64),
    (128, 128, 256, 24, 64, 64),
    (112, 144, 288, 32, 64, 64),
    (256, 160, 320, 32, 128, 128),
    (256, 160, 320, 32, 128, 128),
    (384, 192, 384, 48, 128, 128),
)
UNITS = {"K": 1024, "M": 1e6}  # the table's parameters fit only if K is 1024


@pytest.fixture(scope="module")
def costs():
    model = kc.InceptionV1()
    return {row.layers: cost for row, cost in complexity.row_costs(model, TABLE)}


def printed(figure):
    return float(figure[:-1]) * UNITS[figure[-1]]


@pytest.mark.structure
@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.layers)
def test_rows_of_table_1_have_their_output_sizes(row, costs):
    assert costs[row.layers].output_shape == row.output


@pytest.mark.structure
@pytest.mark.parametrize("row", [row for row in TABLE if row.params], ids=lambda row: row.layers)
def test_rows_of_table_1_have_their_parameters_and_operations(row, costs):
    """Within 3%: the paper rounds down, and does not count biases. The figures that are not so are departures."""
    cost = costs[row.layers]
    if row.layers == "conv1":
        assert (cost.params, cost.macs) == (7 * 7 * 3 * 64 + 64, 112 * 112 * 7 * 7 * 3 * 64)
        return
    if row.layers not in ("inception_4c", "inception_5a"):
        assert cost.params == pytest.approx(printed(row.params), rel=0.03)
    assert cost.macs == pytest.approx(printed(row.ops), rel=0.06 if row.layers == "inception_5a" else 0.03)


@pytest.mark.structure
def test_the_form_for_cifar_has_a_quarter_of_the_filters_and_both_heads():
    small, paper = kc.InceptionV1CIFAR(aux_heads=True), kc.InceptionV1(aux_heads=True)
    for row in TABLE:
        if row.layers.startswith("inception"):
            side = {28: 16, 14: 8, 7: 4}[row.output[0]]
            output = small.get_layer(f"{row.layers}_output").output
            assert output.shape[1:] == (side, side, row.output[-1] // 4)
    layers = {layer.name for layer in paper.layers}
    left_out = layers - {layer.name for layer in small.layers}
    assert left_out == {"pool2", "pool2_pad", "conv1_pad"}
    for layer in small.layers:
        theirs = paper.get_layer(layer.name)
        if isinstance(layer, keras.layers.Conv2D):
            assert 4 * layer.filters == theirs.filters
            assert layer.kernel_size == ((3, 3) if layer.name == "conv1" else theirs.kernel_size)
        elif isinstance(layer, keras.layers.Dense):
            assert layer.units == 10 if theirs.units == 1000 else 4 * layer.units == theirs.units
    assert kc.InceptionV1CIFAR.loss_weights == {"predictions": 1.0, "aux_1": 0.3, "aux_2": 0.3}


@pytest.mark.structure
def test_parameters_of_the_form_for_cifar_by_hand():
    """A convolution has inputs x filters x side x side parameters, and a bias a filter."""
    params = 3 * 16 * 9 + 16 + 16 * 16 + 16 + 16 * 48 * 9 + 48
    channels = 48
    for row in PRINTED:
        one, reduce_three, three, reduce_five, five, proj = (count // 4 for count in row)
        params += (channels + 1) * (one + reduce_three + reduce_five + proj)
        params += reduce_three * three * 9 + three + reduce_five * five * 25 + five
        channels = one + three + five + proj
    assert channels == 256
    assert kc.InceptionV1CIFAR.params == params + channels * 10 + 10


@pytest.mark.structure
def test_22_layers_with_parameters():
    """Section 5: "22 layers deep when counting only layers with parameters", the longest way through them."""
    depth: dict[str, int] = {}
    for layer in kc.InceptionV1().layers:
        below = [
            depth[t._keras_history.operation.name] for node in layer._inbound_nodes[-1:] for t in node.input_tensors
        ]
        depth[layer.name] = max(below, default=0) + bool(layer.weights)
    assert max(depth.values()) == 22


@pytest.mark.structure
def test_auxiliary_heads_are_those_of_section_5():
    model = kc.GoogLeNet(aux_heads=True)
    for head, depth in (("aux_1", 512), ("aux_2", 528)):
        shapes = [model.get_layer(f"{head}_{part}").output.shape[1:] for part in ("pool", "1x1", "fc")]
        assert shapes == [(4, 4, depth), (4, 4, 128), (1024,)]
        assert model.get_layer(f"{head}_dropout").rate == 0.7
        assert model.output[head].shape == (None, 1000)
    assert model.get_layer("dropout").rate == 0.4
    assert kc.InceptionV1.loss_weights == {"predictions": 1.0, "aux_1": 0.3, "aux_2": 0.3}


@pytest.mark.structure
def test_both_names_are_one_record():
    assert kc.GoogLeNet is kc.InceptionV1
    assert kc.list_models(family="inception_v1") == ["inception_v1", "inception_v1_cifar"]


@pytest.mark.structure
def test_torchvisions_form_has_its_counts():
    record = kc.InceptionV1.with_options(batch_norm=True)
    model = kc.InceptionV1(batch_norm=True)
    assert (complexity.count_params(model), complexity.count_macs(model)) == (record.params, record.macs)
    assert complexity.count_params(kc.InceptionV1(batch_norm=True, aux_heads=True)) == 13_004_888


@pytest.mark.structure
def test_the_smallest_inputs():
    assert kc.InceptionV1(include_top=False, input_shape=(31, 31, 3)).output_shape == (None, 1, 1, 1024)
    with pytest.raises(kc.ClassicsError, match="at least 31x31"):
        kc.InceptionV1(input_shape=(31, 30, 3))
    fits = kc.InceptionV1(input_shape=(79, 79, 3), aux_heads=True)
    assert fits.get_layer("aux_1_pool").output.shape[1:3] == (1, 1)
    with pytest.raises(kc.ClassicsError, match="at least 79x79"):
        kc.InceptionV1(input_shape=(79, 78, 3), aux_heads=True)
    with pytest.raises(kc.ClassicsError, match="of a known size"):
        kc.InceptionV1(input_shape=(None, None, 3), aux_heads=True)


@pytest.mark.structure
def test_auxiliary_heads_without_the_top_are_refused():
    with pytest.raises(kc.ClassicsError, match="include_top=False"):
        kc.InceptionV1(aux_heads=True, include_top=False)


@pytest.mark.every_backend
def test_equals_the_graph_that_the_onnx_package_ships():
    """Caffe's bvlc_googlenet as ONNX: its filters, kernels, strides, normalisation and order, computed by torch."""
    graph, tensors = peers.onnx_light("inception_v1")
    batch = 100 * peers.images(1, 224, 224, 3)  # of the size of pixels, so that the normalisation does something
    model = kc.InceptionV1(classifier_activation=None)
    assert peers.error(model, "caffe", tensors, batch, peers.onnx_outputs(graph, batch)) < 1e-5
    norms = [model.get_layer(name) for name in ("norm1", "norm2")]
    for norm in norms:
        changed = keras.Model(model.input, [norm.input, norm.output])(batch)
        before, after = (keras.ops.convert_to_numpy(t) for t in changed)
        assert np.abs(after).max() < 0.7 * np.abs(before).max()


@pytest.mark.every_backend
def test_torchvisions_form_equals_torchvision_with_its_auxiliary_heads():
    tensors, outputs = peers.golden("torchvision", "googlenet")
    expected = {
        "predictions": outputs["output_logits"],
        "aux_1": outputs["output_aux_logits1"],
        "aux_2": outputs["output_aux_logits2"],
    }
    model = kc.InceptionV1(batch_norm=True, classifier_activation=None, aux_heads=True)
    assert peers.error(model, "torchvision", tensors, peers.images(2, 224, 224, 3), expected) < 1e-5


@pytest.mark.every_backend
def test_without_heads_the_network_shares_the_weights_by_name():
    size = (79, 79, 3)
    trained = kc.InceptionV1(input_shape=size, classes=5, aux_heads=True, seed=1)
    deployed = kc.InceptionV1(input_shape=size, classes=5, seed=2)
    for layer in deployed.layers:
        layer.set_weights(trained.get_layer(layer.name).get_weights())
    batch = 50 * peers.images(2, *size)
    np.testing.assert_allclose(answers(deployed, batch), answers(trained, batch)["predictions"], rtol=1e-5)
