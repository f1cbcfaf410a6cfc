"""The claims as experiments: every arm can be built and trained, and differs in what the claim is about alone."""

import dataclasses
import functools

import pytest

from keras_classics import complexity
from keras_classics.zoo import guests
from training.experiments import NAMES, get_experiment, list_experiments
from training.experiments.design import described, differences
from training.experiments.engine import _networks, built
from training.experiments.measures import VALIDATION_ERROR, Reach
from training.recipes import list_recipes

pytestmark = pytest.mark.structure

# Versions of the designs: results of another one are refused, so one that changes costs a new run.
VERSIONS = {
    "relu_or_tanh": "4ef36643ba4960c6",
    "response_normalization": "0463174bfc8700b2",
    "dropout_and_augmentation": "5bc80e5c3543e381",
    "global_pooling": "4d166eef3123cc34",
    "small_kernels": "09b525e6fca8a2a8",
    "auxiliary_heads": "fda60f1dd6040899",
    "batch_normalization": "68297d6325a8e0c7",
    "label_smoothing": "709fd907ce234b8b",
    "initialization": "b4685f5e5dc61c58",
    "depth": "b4f7ec807d4aff85",
    "identity_shortcuts": "bc14c82cdb774c9e",
    "dense_connections": "35ea1ae772d3d909",
    "channel_shuffle": "765f0cd14b26e5c7",
    "drop_path": "6cc5b7f732e27161",
    "views_and_ensembles": "4b22e63912c22fb6",
}


@functools.cache
def models(name):
    """The networks that are judged, by the names of the arms."""
    experiment = get_experiment(name)
    with guests(_networks(experiment)):
        return {arm.name: built(experiment, arm) for arm in experiment.arms if arm.network is not None}


def counts(name):
    return {arm: (complexity.count_params(m), complexity.count_macs(m)) for arm, m in models(name).items()}


@pytest.mark.parametrize("name", NAMES)
def test_the_arms_of_a_claim_can_be_built_and_differ_as_it_says(name):
    experiment = get_experiment(name)
    assert experiment.name == name
    experiment.check()
    experiment.quick.check()
    assert experiment.seeds >= 3
    assert experiment.minutes > 0
    for text in (experiment.claim, experiment.design):
        assert text.endswith(".")
    for words in (experiment.source, experiment.paper_figure, *(arm.name for arm in experiment.arms)):
        assert words
        assert "|" not in words
    compared = {arm for c in experiment.comparisons for arm in (c.more, c.less)}
    shown = {"BN x30", "weight 1"} & {arm.name for arm in experiment.arms}  # for the eye, and no part of the verdict
    assert compared == {arm.name for arm in experiment.arms} - shown
    for arm, model in models(name).items():
        assert model.output_shape == (None, 10), arm
        assert model.input_shape == (None, 32, 32, 3)
        recipe = experiment.recipe_of(experiment.arm(arm)).replace()
        assert recipe.name not in list_recipes()
    with_curve = [c.measure for c in experiment.comparisons if isinstance(c.measure, Reach)]
    if experiment.curve == VALIDATION_ERROR or any(measure.curve == VALIDATION_ERROR for measure in with_curve):
        assert experiment.recipe.hold_out


def test_names_and_versions_are_those_of_no_other():
    experiments = list_experiments()
    assert len({e.version for e in experiments} | {e.quick.version for e in experiments}) == 2 * len(NAMES)
    networks = {network.name: network for e in experiments for network in _networks(e)}
    assert len(networks) == len({network for e in experiments for network in _networks(e)})


def test_results_that_are_computed_keep_their_designs():
    """A change here throws away hours of results: it should be meant."""
    assert {e.name: e.version for e in list_experiments()} == VERSIONS


def varying(name, one, other):
    experiment = get_experiment(name)
    return differences(*(described(experiment, experiment.arm(arm)) for arm in (one, other)))


@pytest.mark.parametrize(
    ("name", "one", "other", "varies"),
    [
        ("relu_or_tanh", "ReLU", "tanh", {"network.activation"}),
        ("depth", "plain 20", "plain 56", {"network"}),
        ("response_normalization", "both", "no normalisation", {"network.lrn"}),
        ("response_normalization", "both", "no overlap", {"network.overlapping"}),
        ("dropout_and_augmentation", "neither", "dropout", {"network.head.dropout"}),
        ("dropout_and_augmentation", "neither", "augmentation", {"augment"}),
        ("auxiliary_heads", "no heads", "weight 0.3", {"build.aux_heads"}),
        ("auxiliary_heads", "weight 1", "weight 0.3", {"network.aux_weights"}),
        ("batch_normalization", "no BN x1", "BN x1", {"network.batch_norm"}),
        ("batch_normalization", "BN x1", "BN x30", {"schedule"}),
        ("channel_shuffle", "8 groups", "8 groups shuffled", {"network.shuffle"}),
        ("label_smoothing", "hard labels", "smoothed by 0.1", {"label_smoothing"}),
        ("drop_path", "without", "drop path 0.4", {"build.drop_path"}),
        ("identity_shortcuts", "original", "gated", {"network.unit"}),
        ("views_and_ensembles", "1 network", "1 network mirrored", {"carried_out.views"}),
    ],
)
def test_two_arms_differ_in_one_thing_alone(name, one, other, varies):
    assert varying(name, one, other) == varies


@pytest.mark.parametrize(
    "name", ["relu_or_tanh", "response_normalization", "dropout_and_augmentation", "auxiliary_heads", "initialization"]
)
def test_arms_cost_the_same(name):
    assert len(set(counts(name).values())) == 1


def test_the_networks_of_four_layers_have_four():
    for name in ("relu_or_tanh", "response_normalization"):
        assert {complexity.depth(model) for model in models(name).values()} == {4}
    assert {complexity.depth(model) for model in models("initialization").values()} == {30}


def test_the_shuffle_costs_nothing():
    of = counts("channel_shuffle")
    for groups in ("3 groups", "8 groups"):
        assert of[groups] == of[f"{groups} shuffled"]
    kinds = {
        arm: sum(type(layer).__name__ == "ChannelShuffle" for layer in m.layers)
        for arm, m in models("channel_shuffle").items()
    }
    assert kinds == {"3 groups": 0, "3 groups shuffled": 16, "8 groups": 0, "8 groups shuffled": 16}


def test_the_shuffled_network_is_the_zoos():
    """At a quarter of the width, but for conv1, which the zoo narrows as well."""
    from keras_classics import ShuffleNetG3CIFAR
    from training.experiments.channel_shuffle import features

    network = get_experiment("channel_shuffle").arm("3 groups shuffled").network
    zoos = ShuffleNetG3CIFAR(width_multiplier=0.25, seed=0)
    ours = dataclasses.replace(network, features=lambda x: features(x, 3, True))(seed=0)
    shapes = [[tuple(w.shape) for w in model.weights] for model in (ours, zoos)]
    differ = [i for i, (a, b) in enumerate(zip(*shapes, strict=True)) if a != b]
    assert len(shapes[0]) == len(shapes[1])
    assert all(ours.weights[i].path.startswith(("conv1", "stage2_unit1")) for i in differ)


def test_small_kernels_have_the_papers_shares_of_weights_and_the_same_receptive_fields():
    """VGG, section 2.3: two 3x3 see 5x5, three see 7x7; three have 27 C^2 weights and a 7x7 has 49 C^2."""
    of = models("small_kernels")

    def kernels(arm):
        return sum(
            layer.kernel.shape[0] ** 2 * layer.kernel.shape[2] * layer.kernel.shape[3]
            for layer in of[arm].layers
            if "conv" in layer.name and hasattr(layer, "kernel") and not layer.name.endswith("_0")
        )

    assert kernels("two 3x3") / kernels("one 5x5") == pytest.approx(18 / 25)
    assert kernels("three 3x3") / kernels("one 7x7") == pytest.approx(27 / 49)
    fields = {arm: complexity.receptive_field(model) for arm, model in of.items()}
    assert fields["two 3x3"] == fields["one 5x5"] < fields["three 3x3"] == fields["one 7x7"]


def test_dense_and_residual_have_as_many_parameters():
    (dense, _), (residual, _) = counts("dense_connections").values()
    assert dense == pytest.approx(residual, rel=0.01)


def test_a_dense_head_reads_the_maps_that_are_averaged():
    of = models("global_pooling")
    assert of["dense"].get_layer("flatten").output.shape == (None, 8 * 8 * 10)
    assert of["global average"].get_layer("avg_pool").output.shape == (None, 10)
    assert counts("global_pooling")["dense"][0] - counts("global_pooling")["global average"][0] == 640 * 10 + 10


def test_initial_weights_differ_by_the_gain_alone():
    he, xavier = (models("initialization")[arm].get_layer("conv3_5").kernel.value for arm in ("He", "Xavier"))
    assert he.std() / xavier.std() == pytest.approx(2**0.5, rel=1e-5)


def test_original_residual_units_are_the_zoos():
    from keras_classics import ResNet32

    original = models("identity_shortcuts")["original"]
    assert [tuple(w.shape) for w in original.weights] == [tuple(w.shape) for w in ResNet32().weights]
    assert {complexity.depth(m) for arm, m in models("identity_shortcuts").items() if arm != "gated"} == {32}


def test_batch_norm_stands_after_each_convolution():
    of = models("batch_normalization")
    kinds = [sum(type(layer).__name__ == "BatchNormalization" for layer in of[arm].layers) for arm in of]
    assert kinds == [0, 0, 6, 6, 6]


def test_drop_path_is_in_training_alone():
    experiment = get_experiment("drop_path")
    arm = experiment.arm("drop path 0.4")
    drops = [layer for layer in built(experiment, arm).layers if type(layer).__name__ == "ScheduledDropPath"]
    assert drops
    assert max(rate for layer in drops for rate in layer.rates) == pytest.approx(0.4)
