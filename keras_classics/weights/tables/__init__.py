"""How the peers name the layers that we name after the papers: one file a family, with a table for each source.

A table is a list of rules (pattern, name): the first pattern that matches the whole of a layer's name gives the peer's
name of the layer, as `re.Match.expand` or a function of the match makes it. A name with a group is a regular
expression.
"""

from keras_classics.weights.mapping import Rules
from keras_classics.weights.tables import inception_v1, inception_v2, inception_v3, resnet

NAMES: dict[tuple[str, str], Rules] = {
    (family.__name__.rsplit(".", 1)[-1], source): rules
    for family in (inception_v1, inception_v2, inception_v3, resnet)
    for source, rules in family.SOURCES.items()
}
