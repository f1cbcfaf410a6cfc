"""Training in less memory: most of what the gradient needs is computed again when the step goes back.

Keras' own `RematScope` does so layer by layer, and keeps what goes into each layer, which is nearly all. Here whole
stretches of layers are computed again, between maps that are kept (Chen et al. 2016, "Training Deep Nets with Sublinear
Memory Cost"), each by `keras.remat`, which is the backend's, or what takes its place on jax's CPU.
"""

import itertools
import math
from functools import cached_property

import keras
from keras import ops

from keras_classics.by_hand import function_of, nodes_of
from keras_classics.gradients import recomputed

LIMITS = 24  # sizes of the largest stretch that are tried, each a quarter less than the one before


@keras.saving.register_keras_serializable("keras_classics")
class Rematerialized(keras.Model):
    """A functional model with the same layers, weights and results, which trains in less memory and more time.

    All but the last of its stretches are computed twice in a training step: by a third more multiply-adds at most, for
    a step comes to three passes. The moments of batch norms move once, and dropout drops the same again.
    """

    def call(self, inputs, training=None, mask=None):
        flat = keras.tree.flatten(inputs)
        if not training or any(map(keras.utils.is_keras_tensor, flat)):
            return super().call(inputs, training=training, mask=mask)
        tensors = [ops.convert_to_tensor(x, dtype=at.dtype) for at, x in zip(self.inputs, flat, strict=True)]
        return keras.tree.pack_sequence_as(self.output, self._plan.run(tensors))

    @cached_property
    def _plan(self):
        return _Plan(self.inputs, nodes_of(self), self.outputs)


class _Plan:
    """The stretches of a model; neither a layer nor a list, which Keras would save beside the model's layers."""

    def __init__(self, inputs, nodes, outputs):
        self.inputs, self.outputs = list(map(id, inputs)), list(map(id, outputs))
        alive = _alive(nodes, outputs)
        cuts = _cuts([sum(map(_size, node.outputs)) for node in nodes], [sum(map(_size, at.values())) for at in alive])
        self.stretches = [
            _Stretch(nodes[first:end], alive[end], last=end == len(nodes)) for first, end in itertools.pairwise(cuts)
        ]

    def run(self, tensors):
        """What the model makes of its inputs in a training step, as flat lists."""
        maps = dict(zip(self.inputs, tensors, strict=True))  # those that are still read, by the tensors of the graph
        for stretch in self.stretches:
            made = stretch(*(maps[at] for at in stretch.reads), training=True)
            maps = {at: x for at, x in maps.items() if at in stretch.kept} | dict(
                zip(stretch.writes, made, strict=True)
            )
        return [maps[at] for at in self.outputs]


class _Stretch(keras.layers.Layer):
    """Layers of a model, one after the other. Its calls map the tensors of `reads` to those of `writes`.

    It is a layer so that the weights come to it as they are: Keras casts those of a model in mixed precision.
    """

    def __init__(self, nodes, alive, last):
        super().__init__(dtype="float32", autocast=False, name="stretch")
        written = {id(at) for node in nodes for at in node.outputs}
        read = {id(at): None for node in nodes for at in node.input_tensors}
        by_hand = keras.config.backend() == "torch"
        self.__dict__ |= {
            "nodes": nodes,
            "functions": [function_of(node) if by_hand else node.operation for node in nodes],
            "reads": [at for at in read if at not in written],
            "writes": [at for at in alive if at in written],
            "kept": set(alive) - written,
            "last": last,  # it would be computed again at once
        }

    def call(self, *maps, training):
        if self.last:
            return self._run(maps, training)
        layers = [node.operation for node in self.nodes if isinstance(node.operation, keras.Layer)]
        held = {id(v): v for layer in layers for v in layer.variables}.values()  # quantising and LoRA change which
        weights = [v for v in held if v.trainable]
        state = [v for v in held if not v.trainable]
        before = [ops.copy(v.value) for v in state]  # which torch overwrites
        moved: list[keras.Variable] = []

        def run(*tensors):
            """What the stretch writes, and the new values of what has moved; a function of the tensors alone."""
            known = [*zip(weights, tensors[len(maps) :], strict=True), *zip(state, before, strict=True)]
            with keras.StatelessScope(known) as scope:
                old = [scope.get_current_value(v) for v in state]
                made = self._run(tensors[: len(maps)], training)
                new = [scope.get_current_value(v) for v in state]
            moved[:] = [v for v, one, other in zip(state, old, new, strict=True) if one is not other]
            return (*made, *(scope.get_current_value(v) for v in moved))

        made = recomputed(run)(*maps, *(ops.convert_to_tensor(v.value) for v in weights))
        for variable, value in zip(moved, made[len(self.writes) :], strict=True):
            variable.assign(value)
        return made[: len(self.writes)]

    def _run(self, maps, training):
        tensors = dict(zip(self.reads, maps, strict=True))
        for node, function in zip(self.nodes, self.functions, strict=True):
            arguments, options = node.arguments.fill_in(tensors)
            if getattr(node.operation, "_call_has_training_arg", False):
                options["training"] = training
            made = keras.tree.flatten(function(*arguments, **options))
            tensors.update(zip(map(id, node.outputs), made, strict=True))
        return tuple(tensors[at] for at in self.writes)


def _size(tensor) -> int:
    """Numbers in a map of one image; sides that are not known count as one."""
    return math.prod(side or 1 for side in tensor.shape[1:])


def _alive(nodes, outputs) -> list[dict]:
    """Before each node and after the last one: the tensors that are made already and will be read, by their ids."""
    alive = [{id(at): at for at in outputs}]
    for node in reversed(nodes):
        made = {id(at) for at in node.outputs}
        alive.append(
            {
                **{at: tensor for at, tensor in alive[-1].items() if at not in made},
                **{id(at): at for at in node.input_tensors},
            }
        )
    return alive[::-1]


def _cuts(made: list[int], alive: list[int]) -> list[int]:
    """Where stretches begin and end, so that the maps that are kept at the cuts and those of the largest stretch are as
    few as can be.

    Args:
        made: what each node makes.
        alive: what is kept where it is cut before each node, and after the last one.
    """
    total = list(itertools.accumulate(made, initial=0))
    places = [i for i in range(1, len(made)) if alive[i] < alive[i + 1] and alive[i] <= alive[i - 1]]
    places = [0, *places, len(made)]
    best: tuple[float, list[int]] = (math.inf, [0, len(made)])
    limit = total[-1]
    for _ in range(LIMITS):
        kept, before, first = [0.0], [0], 0  # the least that is kept up to each place, and the cut before it
        for end in range(1, len(places)):
            while first < end - 1 and total[places[end]] - total[places[first]] > limit:
                first += 1
            start = min(range(first, end), key=lambda i: kept[i])
            kept.append(kept[start] + alive[places[end]])
            before.append(start)
        found = [len(places) - 1]
        while found[-1]:
            found.append(before[found[-1]])
        cuts = [places[i] for i in reversed(found)]
        largest = max(total[end] - total[start] for start, end in itertools.pairwise(cuts))
        if kept[-1] + largest < best[0]:
            best = kept[-1] + largest, cuts
        limit = limit * 3 // 4
    return best[1]
