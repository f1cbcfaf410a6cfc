"""Values that are set by name: typed, refused in one line, and told again."""

import dataclasses
import re

import pytest

import keras_classics as kc
from training import cli as command
from training import get_recipe, list_recipes, train
from training.assign import assign, differences, settable
from training.checks import check_loss
from training.recipe import SGD, Cosine, Steps

RECIPE = get_recipe("resnet20-cifar10")


def test_each_value_has_the_type_of_its_field():
    recipe = assign(
        RECIPE,
        [
            "optimizer.weight_decay=1e-3",
            "optimizer.nesterov=true",
            "optimizer.clip=none",
            "schedule.rates=0.2,0.02,2e-3",
            "epochs=12",
            "hold_out=50",
            "average=0.99",
            "loss=squared error",
            "build.drop_path=0.25",
        ],
    )
    assert recipe.optimizer == dataclasses.replace(RECIPE.optimizer, weight_decay=1e-3, nesterov=True)
    assert recipe.schedule.rates == (0.2, 0.02, 0.002)
    assert (recipe.epochs, recipe.hold_out, recipe.average, recipe.loss) == (12.0, 50, 0.99, "squared error")
    assert isinstance(recipe.hold_out, int)
    assert recipe.build == {"drop_path": 0.25}


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        (
            "optimizer.momentun=0.5",
            "Unknown setting of resnet20-cifar10 'optimizer.momentun'. Did you mean 'optimizer.mom",
        ),
        ("schedule.rate=0.05", "Did you mean 'schedule.rates'"),
        ("name=lenet", "Unknown setting"),
        ("paper.year=1998", "Unknown setting"),
        ("optimizer=SGD", "Unknown setting"),
        ("augment=none", "Unknown setting"),
        ("hold_out=2.5", "hold_out takes a whole number, not '2.5'"),
        ("hold_out=1", "cannot be held out"),
        ("optimizer.nesterov=yes", "optimizer.nesterov takes true or false, not 'yes'"),
        ("optimizer.clip=nan", "optimizer.clip takes a number, or none, not 'nan'"),
        ("optimizer.decay_on=bias", "optimizer.decay_on takes one of all, kernels, not 'bias'"),
        ("schedule.rates=0.1;0.2", "schedule.rates takes numbers with commas between them, not '0.1;0.2'"),
        ("loss=entropy", "loss takes one of crossentropy, squared error, MAP criterion, not 'entropy'"),
        ("build=[1]", "build takes a JSON object, not '[1]'"),
        ("average=1", "An average keeps between 0 and 1 of itself, not 1"),
        ("schedule.rates=0.1", "2 epochs in schedule.until divide a training into 3 parts, and schedule.rates has 1;"),
        ("schedule.until=20,10", "The epochs of schedule.until must rise, not be 20, 10."),
        ("schedule.rates=-0.1,0.01,0.001", "schedule.rates must be 0 or more, not -0.1."),
        ("schedule.until=-3,2", "schedule.until must be above 0, not -3."),
        ("optimizer.weight_decay=-1e-4", "optimizer.weight_decay must be 0 or more, not -0.0001."),
        ("optimizer.momentum=1.5", "optimizer.momentum must be 0 or more and below 1, not 1.5."),
        ("label_smoothing=1", "Labels are smoothed by 0 or more and below 1, not 1."),
        ("epochs", "sets nothing"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(assignment, message):
    with pytest.raises(kc.ClassicsError) as told:
        assign(RECIPE, [assignment])
    assert message in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": "three"}, "epochs takes a number, not 'three'."),
        ({"batch_size": 2.5}, "batch_size takes a whole number, not 2.5."),
        ({"hold_out": True}, "hold_out takes a whole number, not True."),
        ({"average": "most"}, "average takes a number, or none, not 'most'."),
        ({"loss": "entropy"}, "loss takes one of crossentropy, squared error, MAP criterion, not 'entropy'."),
        ({"build": "aux_heads"}, "build takes a JSON object, not 'aux_heads'."),
        ({"optimizer": SGD(momentum="0.9")}, "optimizer.momentum takes a number, not '0.9'."),
        ({"optimizer": SGD(nesterov=1)}, "optimizer.nesterov takes true or false, not 1."),
        ({"schedule": Steps((0.1, "low"), (2,))}, "schedule.rates takes numbers with commas between them, not (0.1, "),
    ],
)
def test_a_recipe_with_a_value_of_the_wrong_kind_is_refused_by_its_name(changes, message, tmp_path):
    """In Python, where it is set, and where a recipe that was made otherwise is run."""
    with pytest.raises(kc.ClassicsError, match=f"^{re.escape(message)}"):
        RECIPE.replace(**changes)
    with pytest.raises(kc.ClassicsError, match=f"^{re.escape(message)}"):
        train.run(dataclasses.replace(RECIPE, **changes), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "assignment", "bounds"),
    [
        ("resnet18-imagenet", "schedule.factor=-1", "above 0 and below 1"),
        ("resnet18-imagenet", "schedule.factor=1.5", "above 0 and below 1"),
        ("resnet18-imagenet", "schedule.patience=-1", "0 or more"),
        ("inception_v3-imagenet", "schedule.epochs=0", "above 0"),
        ("inception_v3-imagenet", "optimizer.rho=1", "0 or more and below 1"),
        ("inception_v3-imagenet", "optimizer.clip=0", "above 0"),
    ],
)
def test_a_number_of_a_rule_that_is_out_of_its_range_is_refused(name, assignment, bounds):
    field, value = assignment.split("=")
    with pytest.raises(kc.ClassicsError, match=f"^{field} must be {bounds}, not {value}.$"):
        assign(get_recipe(name), [assignment])


def test_options_of_the_builder_join_those_that_are_set_before():
    given = assign(RECIPE, ['build={"shortcut": "B"}', "build.remat=true"])
    assert given.build == {"shortcut": "B", "remat": True}
    assert assign(RECIPE, ["build.remat=true", 'build={"shortcut": "B"}']).build == {"shortcut": "B"}


def test_every_recipe_has_values_of_the_right_kind():
    recipes = [get_recipe(name) for name in list_recipes()]
    assert [recipe.replace() for recipe in recipes] == recipes


def test_a_warm_up_towards_a_plateau_is_refused():
    with pytest.raises(kc.ClassicsError, match="waits for a plateau has no warm-up"):
        assign(get_recipe("resnet18-imagenet"), ["warm_up=5"])


def test_what_is_set_is_told_so_that_it_can_be_set_again():
    """Of every recipe, from another of the same rules: a new kind of field must be told and read alike. Operations,
    which are not set by name, go with some kinds of pixels alone."""
    bases, compared = {}, 0
    for recipe in map(get_recipe, list_recipes()):
        rules = type(recipe.optimizer), type(recipe.schedule)
        base = bases.setdefault(rules, dataclasses.replace(recipe, augment=()))
        told = differences(recipe, base)
        again, fields = assign(base, told), [name.split(".")[0] for name in settable(base)]
        assert [getattr(again, field) for field in fields] == [getattr(recipe, field) for field in fields]
        assert bool(told) == (again != base)
        compared += bool(told)
    assert compared > 10


def test_another_kind_of_rule_is_not_told():
    assert differences(dataclasses.replace(RECIPE, schedule=Cosine(0.1)), RECIPE) == []


@pytest.mark.parametrize(
    ("name", "assignment", "message"),
    [
        ("lenet5-mnist", "label_smoothing=0.1", "for the loss crossentropy, not for the MAP criterion"),
        (
            "lenet5-mnist",
            "loss=crossentropy",
            "whose classifier_activation is null; set build.classifier_activation=so",
        ),
        ("lecun1989-mnist", "loss=crossentropy", "whose classifier_activation is scaled_tanh; set"),
        (
            "resnet20-cifar10",
            "loss=MAP criterion",
            "classifier_activation is softmax; set build.classifier_activation=n",
        ),
    ],
)
def test_a_loss_that_the_network_cannot_learn_by_is_refused(name, assignment, message, monkeypatch):
    """Each of these was trained before, to an error of guessing."""
    monkeypatch.setattr(train, "_begin", lambda *_: None)
    with pytest.raises(kc.ClassicsError, match=message):
        train.run(assign(get_recipe(name), [assignment]))


def test_every_recipe_has_a_loss_that_its_network_can_learn_by():
    for name in list_recipes():
        check_loss(get_recipe(name))


def test_what_is_set_in_several_places_of_a_command_is_set(monkeypatch):
    given = []
    monkeypatch.setattr(train, "run", lambda recipe, *_, **__: given.append(recipe))
    command.main(["run", "lenet5-mnist", "--set", "epochs=3", "hold_out=5", "--set", "optimizer.momentum=0.5"])
    (recipe,) = given
    assert (recipe.epochs, recipe.hold_out, recipe.optimizer.momentum) == (3, 5, 0.5)


def test_the_parts_of_a_batch_that_are_set_stay_with_a_batch_of_another_size(monkeypatch):
    """A batch of another size alone is not divided as the recipe's own was."""
    given = []
    monkeypatch.setattr(train, "run", lambda recipe, *_, **__: given.append(recipe))
    for words in (["--set", "accumulate=2"], []):
        command.main(["run", "resnet20-cifar10", "--batch-size", "64", *words])
    for words in (["--batch-size", "64"], ["--set", "batch_size=64"]):
        command.main(["run", "shufflenet_g3-imagenet", *words])
    assert [(recipe.batch_size, recipe.accumulate) for recipe in given] == [(64, 2), (64, 1), (64, 1), (64, 1)]
    own = get_recipe("shufflenet_g3-imagenet")
    for accumulate in (1, 2):
        changed = own.replace(batch_size=64, accumulate=accumulate)
        assert assign(own, differences(changed, own)) == changed
