"""How the peers name the layers that we name after the papers: one file a family, with a table for each source.

A table is a list of rules (pattern, name): the first pattern that matches the whole of a layer's name gives the peer's
name of the layer, as `re.Match.expand` or a function of the match makes it. A name with a group is a regular
expression, and means the first layer of the peer that it matches and that none of ours has taken. A separable
convolution stands in it twice, as "<layer>/depthwise_kernel" and "<layer>/pointwise_kernel".
"""

from keras_classics.families import modules_in
from keras_classics.weights.mapping import Rules

NAMES: dict[tuple[str, str], Rules] = {
    (family, source): rules for family, module in modules_in(__name__) for source, rules in module.SOURCES.items()
}

# The sources whose networks read blue, green and red in the place of red, green and blue.
BGR = {(family, "caffe") for family, source in NAMES if source == "caffe"} | {("vgg", "keras"), ("resnet", "keras")}

# The epsilon of a source's batch norms, where it is not ours.
EPSILON = {
    ("resnet", "keras"): 1.001e-5,
    ("resnet_v2", "keras"): 1.001e-5,
    ("densenet", "keras"): 1.001e-5,
    ("xception", "pytorchcv"): 1e-5,
}
