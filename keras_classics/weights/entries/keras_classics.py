"""What `python -m training ship` made of this package's own runs: networks that lie in the package itself. Their model
cards stand beside them."""

from keras_classics.places import BEST, CARD
from keras_classics.spec import CIFAR10_32, CIFAR10_MEAN_32, MNIST_16, MNIST_32
from keras_classics.weights.entries.entry import Entry

_PROTOCOLS = {
    "inception_v1_cifar": CIFAR10_MEAN_32,
    "lecun1989": MNIST_16,
    "lenet5": MNIST_32,
    "resnet20": CIFAR10_32,
    "shufflenet_g3_cifar": CIFAR10_32,
}

# by folder: the network, top-1 and top-5 errors, SHA-256; `ship` prints a folder's line
_TABLE: dict[str, tuple[str, float, float, str]] = {
    "inception_v1-cifar10": (
        "inception_v1_cifar",
        23.33,
        1.6,
        "73809573dd3e37f0e386863f7abb1bdc5332e9637acd2607a0738b9d37bb67a1",
    ),
    "lecun1989-mnist": ("lecun1989", 2.19, 0.21, "fc174d8eb4d99b9325bef6ccd36989c7c08b7ba5b932762195bb61227890167a"),
    "lenet5-mnist": ("lenet5", 0.91, 0.1, "36c59b1e73f928de707dcb9e1b2474210f3d33cb5c32aa9a57207a15606e8586"),
    "lenet5_distorted-mnist": (
        "lenet5",
        0.7,
        0.06,
        "b5d41bc14f7fadcc39fceb909f336781de46daa9a4ef8a7c01126d971fc551c4",
    ),
    "resnet20-cifar10": (
        "resnet20",
        8.59,
        0.26,
        "a293fb026ae527f9d874c5ecddc476fe11796ee9a552bbb0ad75db709b81c6e6",
    ),
    "resnet20-cifar10-today": (
        "resnet20",
        8.62,
        0.37,
        "f280263da6be9c3a72cf4e0e447402658ab050e2f9956917bc7c159c18ddae0e",
    ),
    "shufflenet_g3-cifar10": (
        "shufflenet_g3_cifar",
        9.58,
        0.22,
        "bf6e15b7607c6fb9a7e10690006a512ff28dee62d8e428a09493db95b1d04628",
    ),
}

ENTRIES = tuple(
    Entry(
        variant=variant,
        tag=f"keras_classics/{folder}",
        address=f"package:{folder}/{BEST}",
        checksum=f"sha256:{sha256}",
        protocol=_PROTOCOLS[variant],
        top1=top1,
        top5=top5,
        reported=f"saved_models/{folder}/{CARD}",
        licence="Apache-2.0",
    )
    for folder, (variant, top1, top5, sha256) in _TABLE.items()
)
