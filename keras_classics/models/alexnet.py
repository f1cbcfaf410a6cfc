"""Krizhevsky et al. 2012: AlexNet, and the single tower of 2014 whose form most published weights have."""

from functools import partial

from keras_classics.blocks import conv_relu, hidden_dense_head, max_pool, pad
from keras_classics.errors import ClassicsError, unknown
from keras_classics.initializers import Normal
from keras_classics.layers import LocalResponseNormalization
from keras_classics.spec import IMAGENET_224, IMAGENET_MEAN, InputProtocol, Paper, Reported
from keras_classics.variant import Variant

PAPER = Paper(
    title="ImageNet Classification with Deep Convolutional Neural Networks",
    authors="Krizhevsky, Sutskever, Hinton",
    year=2012,
    venue="NIPS 2012",
    url="https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks",
)
ONE_WEIRD_TRICK = Paper(
    title="One weird trick for parallelizing convolutional neural networks",
    authors="Krizhevsky",
    year=2014,
    venue="arXiv",
    url="https://arxiv.org/abs/1404.5997",
)

# Section 5: all weights start in N(0, 0.01^2).
initializer = partial(Normal, 0.01)
# Each of a convolution's `groups` lives on a GPU of its own (Figure 2).
convolve = partial(conv_relu, kernel_initializer=initializer)

# Section 3.3: k and alpha of the normalisation; Caffe and Torch divide this alpha by the window, and Caffe adds 1.
LRN = {"paper": (2, 1e-4), "caffe": (1, 1e-4 / 5), "torch": (2, 1e-4 / 5)}
LRN_DEPARTURE = (
    "Local response normalisation has the constants of {}, k = {} and alpha = {:g}; the paper's are 2 and 0.0001."
)
TOWER_DEPARTURE = "No convolution is in groups: the two towers of the paper are one, which has more parameters."


def normalize(x, lrn, name):
    """Section 3.3: each unit is damped by those at its place in the five nearest maps."""
    k, alpha = LRN[lrn]
    return LocalResponseNormalization(k=k, n=5, alpha=alpha, beta=0.75, name=name)(x)


def overlapping_pool(x, name):
    """Section 3.4: windows of three pixels, two apart."""
    return max_pool(x, 3, 2, name=name)


def features(x, groups=2, lrn="paper"):
    """Figure 2, to the last pooling: (N, 227, 227, 3) to (N, 6, 6, 256)."""
    x = convolve(x, 96, 11, 4, padding="valid", name="conv1")  # (N, 55, 55, 96)
    x = overlapping_pool(normalize(x, lrn, "norm1"), "pool1")  # (N, 27, 27, 96)
    x = convolve(x, 256, 5, groups=groups, bias_initializer="ones", name="conv2")
    x = overlapping_pool(normalize(x, lrn, "norm2"), "pool2")  # (N, 13, 13, 256)
    x = convolve(x, 384, 3, name="conv3")
    x = convolve(x, 384, 3, groups=groups, bias_initializer="ones", name="conv4")
    x = convolve(x, 256, 3, groups=groups, bias_initializer="ones", name="conv5")
    return overlapping_pool(x, "pool5")


def single_tower_features(x):
    """The tower of 2014 (section 6, footnote): (N, 224, 224, 3) to (N, 6, 6, 256)."""
    x = convolve(pad(x, 2, "conv1_pad"), 64, 11, 4, padding="valid", name="conv1")  # (N, 55, 55, 64)
    x = convolve(overlapping_pool(x, "pool1"), 192, 5, bias_initializer="ones", name="conv2")  # (N, 27, 27, 192)
    x = convolve(overlapping_pool(x, "pool2"), 384, 3, name="conv3")  # (N, 13, 13, 384)
    x = convolve(x, 256, 3, bias_initializer="ones", name="conv4")
    x = convolve(x, 256, 3, bias_initializer="ones", name="conv5")
    return overlapping_pool(x, "pool5")


head = partial(hidden_dense_head, kernel_initializer=initializer, bias=1.0)


def alexnet(groups: int = 2, lrn: str = "paper") -> Variant:
    """The network of 2012. Public weights have the normalisation of Caffe or of Torch, and some no groups."""
    if groups not in (1, 2):
        raise ClassicsError(f"AlexNet lives on 1 or 2 GPUs: `groups` must be 1 or 2, not {groups!r}.")
    if lrn not in LRN:
        raise unknown("response normalisation of alexnet", lrn, LRN)
    is_paper = (groups, lrn) == (2, "paper")
    return Variant(
        name="alexnet",
        family="alexnet",
        paper=PAPER,
        protocol=InputProtocol("imagenet2012", IMAGENET_MEAN, 227, 256),
        min_size=67,
        bound_to_size="top",
        params={1: 62_378_344, 2: 60_965_224}[groups],
        macs={1: None, 2: 724_406_816}[groups],
        features=partial(features, groups=groups, lrn=lrn),
        head=head,
        vary=alexnet,
        reported=(Reported("imagenet2012", 40.7, 18.2, "10 crops", "Table 2", "1 CNN"),) if is_paper else (),
        departures=(
            "The input is 227x227, for which the first layer gives the 55x55 maps of the paper's figures; for the "
            "224x224 that the paper prints it would give 54x54.",
            "The mean colour is subtracted; the paper subtracts the mean of each pixel.",
            *((TOWER_DEPARTURE,) if groups == 1 else ()),
            *((LRN_DEPARTURE.format(lrn.capitalize(), *LRN[lrn]),) if lrn != "paper" else ()),
        ),
    )


AlexNet = alexnet()
AlexNetOWT = Variant(
    name="alexnet_owt",
    family="alexnet",
    paper=ONE_WEIRD_TRICK,
    protocol=IMAGENET_224,
    min_size=63,
    bound_to_size="top",
    params=61_100_840,
    macs=714_188_480,
    features=single_tower_features,
    head=head,
    departures=(
        "256 filters in the fourth convolution, as in the author's code and all published weights; the paper says 384.",
        "No local response normalisation, and pixels by channel means and deviations, as the published weights were "
        "trained.",
        "The last layer is a softmax, as in all published weights; the paper's has 1000 independent logistic units.",
        "The paper gives no initialisation: it is that of 2012.",
    ),
)
