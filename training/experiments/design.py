"""`Experiment`: a claim, and how it is put to the test, as frozen data."""

import ast
import dataclasses
import functools
import hashlib
import inspect
import itertools
import json
import math
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from keras_classics.errors import ClassicsError, unknown
from keras_classics.spec import plain
from keras_classics.variant import Variant
from keras_classics.zoo import BUILDERS
from training.experiments.measures import TRAINING_ERROR, Measure
from training.recipe import Recipe, Steps

SEARCH_SEED = 1000  # of the runs that choose a rate, which no other run has
NO_PART = ("name", "model", "dataset", "paper", "reported", "departures")  # fields of a recipe that change no training


@dataclass(frozen=True)
class Arm:
    """One of the things that are compared.

    Attributes:
        name: as tables and pictures have it, such as "ReLU".
        network: that is trained, of the zoo or of the experiment's own.
        changes: what its recipe has in the place of the experiment's values.
        carry_out: called with the seed and the data, a `RunData`, in the place of a training, it gives the metrics.
    """

    name: str
    network: Variant | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    carry_out: Callable[[int, Any], Mapping[str, float]] | None = None

    @property
    def slug(self) -> str:
        """The name as files have it."""
        return "-".join("".join(c if c.isalnum() or c == "." else " " for c in self.name.lower()).split())


@dataclass(frozen=True)
class Comparison:
    """Two arms of which the one is expected to have more of a measure, by more than `least`.

    Attributes:
        more: the arm that is expected to have more.
        less: the other.
        measure: of both.
        least: of the difference, in the measure's unit, or of the ratio. If the whole interval is above it, the
            comparison confirms the claim; if it is below it, it refutes it. A negative one allows for so much, where
            the claim is that something is no worse.
        ratio: whether `more` is divided by `less`; else `less` is subtracted.
    """

    more: str
    less: str
    measure: Measure
    least: float = 0.0
    ratio: bool = False


@dataclass(frozen=True)
class Experiment:
    """A claim of the papers, and the design that tests it.

    Attributes:
        name: of its file.
        claim: in one sentence.
        source: where it is made: paper, figure or table, section.
        paper_figure: what the paper measured, in words for a table.
        design: in two sentences: what is compared, on what; and where it departs from the paper.
        arms: that differ in what `varies` names, and in nothing else. One that no comparison has is only shown.
        varies: keys of `described`.
        recipe: that all arms have in common; its name and its model are those of the arms.
        comparisons: that confirm the claim if all of them do, and refute it if one does.
        data: a data set's name in `keras_classics.datasets`.
        limit: how many images of each split; None for all.
        seeds: how many runs each arm has.
        rates: learning rates, of which each arm has the one that is best in a run of its own.
        curve: the curve that the picture shows; "" for none.
        minutes: an estimate of what it takes on two cores.
    """

    name: str
    claim: str
    source: str
    paper_figure: str
    design: str
    arms: tuple[Arm, ...]
    varies: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    recipe: Recipe | None = None
    data: str = "cifar10"
    limit: int | None = None
    seeds: int = 5
    rates: tuple[float, ...] = ()
    curve: str = TRAINING_ERROR
    minutes: float = 0.0

    def arm(self, name: str) -> Arm:
        """The arm of that name, or of that slug.

        Raises:
            ClassicsError: if there is none.
        """
        found = [arm for arm in self.arms if name in (arm.name, arm.slug)]
        if not found:
            raise unknown(f"arm of {self.name}", name, [arm.name for arm in self.arms])
        return found[0]

    def recipe_of(self, arm: Arm, rate: float | None = None) -> Recipe:
        """How an arm is trained, with another learning rate if one is given."""
        assert self.recipe is not None, f"{self.name} has an arm to train and no recipe"
        assert arm.network is not None, f"{arm.name} has nothing to train"
        recipe = dataclasses.replace(
            self.recipe,
            name=f"{self.name}-{arm.slug}",
            model=arm.network.name,
            dataset=self.data,
            **arm.changes,
        )
        if rate is None:
            return recipe
        one = {"rates": (rate,)} if isinstance(recipe.schedule, Steps) else {"rate": rate}
        return dataclasses.replace(recipe, schedule=dataclasses.replace(recipe.schedule, **one))

    @property
    def quick(self) -> "Experiment":
        """A fraction of it, to be seen in minutes, that decides nothing: a quarter of the images, half of the epochs,
        three seeds, and of several rates the middle one."""
        changes: dict[str, Any] = {}
        if self.recipe is not None:
            changes["recipe"] = dataclasses.replace(self.recipe, epochs=max(2, math.ceil(self.recipe.epochs / 2)))
        return dataclasses.replace(
            self,
            **changes,
            limit=max(500, self.limit // 4) if self.limit else 2000,
            seeds=min(3, self.seeds),
            rates=(sorted(self.rates)[len(self.rates) // 2],) if self.rates else (),
        )

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Of all comparisons, each once."""
        return tuple(dict.fromkeys(comparison.measure for comparison in self.comparisons))

    @property
    def version(self) -> str:
        """A sum of all that the results follow from, and of what confirms the claim; words are no part of it, nor is
        the number of seeds."""
        said = {
            "data": self.data,
            "limit": self.limit,
            "rates": self.rates,
            "arms": {arm.name: described(self, arm) for arm in self.arms},
            "comparisons": plain(self.comparisons),
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]

    def check(self) -> None:
        """Raises a ClassicsError where the design cannot tell anything: arms that differ in nothing or in more than it
        says, or comparisons of arms that are not there."""
        for comparison in self.comparisons:
            self.arm(comparison.more), self.arm(comparison.less)
        for one, other in itertools.combinations(self.arms, 2):
            if one.slug == other.slug:
                raise ClassicsError(f"Two arms of '{self.name}' have the name '{one.name}'; name one anew.")
            differ = differences(described(self, one), described(self, other))
            if not differ:
                raise ClassicsError(
                    f"The arms '{one.name}' and '{other.name}' of '{self.name}' differ in nothing; change one of them."
                )
            if more := sorted(differ - set(self.varies)):
                raise ClassicsError(
                    f"The arms '{one.name}' and '{other.name}' of '{self.name}' differ in {', '.join(more)} as well, "
                    f"and the design says {', '.join(self.varies)} alone."
                )


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> set[str]:
    """The keys that have not the same value in both."""
    return {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}


def described(experiment: Experiment, arm: Arm) -> dict[str, Any]:
    """All that an arm's results follow from, by names such as "label_smoothing", "build.drop_path" or
    "network.activation", as JSON holds it. What has its default value is left out, so that a recipe may get more."""
    if arm.carry_out is not None:
        return {**_function("carried_out", arm.carry_out), "text": _text([arm.carry_out])}
    recipe = experiment.recipe_of(arm)
    said: dict[str, Any] = {}
    for of in dataclasses.fields(recipe):
        value = getattr(recipe, of.name)
        if of.name == "build":
            said |= {f"build.{name}": _plain(chosen) for name, chosen in value.items()}
        elif of.name not in NO_PART and value != of.default:
            said[of.name] = _plain(value)
    assert arm.network is not None
    return said | _network(arm.network)


def _network(network: Variant) -> dict[str, Any]:
    if network in BUILDERS.values():
        return {"network": network.name, **{f"network.{name}": value for name, value in network.form.items()}}
    parts = {"features": network.features, "head": network.head, "aux_head": network.aux_head}
    protocol = plain(network.protocol)
    del protocol["classifier"], protocol["assumed"]  # which change no training
    said = {"network.protocol": protocol, "network.aux_weights": list(network.aux_weights)}
    for name, function in parts.items():
        if function is not None:
            said |= _function(f"network.{name}", function)
    return said | {"network.text": _text(function for function in parts.values() if function is not None)}


def _function(prefix: str, function: Any) -> dict[str, Any]:
    """What a function is called, and what a partial one is given."""
    if not isinstance(function, functools.partial):
        return {prefix: _plain(function)}
    prefix_of = "network" if prefix == "network.features" else prefix
    given = {f"{prefix_of}.{name}": _plain(value) for name, value in function.keywords.items()}
    return {prefix: _plain(function.func), **given}


def _plain(value: Any) -> Any:
    """A value as JSON holds it; of a function or a class its name."""
    if isinstance(value, functools.partial):
        return [_plain(value.func), *map(_plain, value.args), _plain(value.keywords)]
    if isinstance(value, Mapping):
        return {name: _plain(of_name) for name, of_name in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value.__qualname__ if callable(value) and not dataclasses.is_dataclass(value) else plain(value)


def _text(functions: Iterable[Any]) -> str:
    """A sum of the texts of all functions and constants in the files of these, if they are not the library's;
    docstrings, comments of whole lines and white space are no part of it."""
    outer = {function.func if isinstance(function, functools.partial) else function for function in functions}
    modules = {module for function in outer if (module := inspect.getmodule(function))}
    texts = []
    for module in sorted(modules, key=lambda module: module.__name__):
        if module.__name__.startswith("keras_classics."):
            continue  # whose networks the library's own tests hold to what they are
        source = inspect.getsource(module)
        for node in ast.parse(source).body:
            is_constant = isinstance(node, ast.Assign) and not any(isinstance(n, ast.Call) for n in ast.walk(node))
            if is_constant or isinstance(node, ast.FunctionDef):
                texts.append(_bare(source, node))
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def _bare(source: str, node: ast.stmt) -> str:
    lines = source.splitlines()[node.lineno - 1 : node.end_lineno]
    if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
        first = node.body[0]
        del lines[first.lineno - node.lineno : (first.end_lineno or first.lineno) - node.lineno + 1]
    kept = (line for line in textwrap.dedent("\n".join(lines)).splitlines() if not line.strip().startswith("#"))
    return "".join("".join(kept).split())
