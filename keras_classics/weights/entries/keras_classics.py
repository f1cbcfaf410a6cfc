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
    "lecun1989-mnist": ("lecun1989", 2.19, 0.21, "107bfb68905d8fb7863a45d1f7e26bc9e06e7e4dd589d30a7bf1560d01507e93"),
    "lenet5-mnist": ("lenet5", 0.91, 0.1, "839367203312bee7cfafe73c4f30ee9102651352c97de4693f4ccfae6c8586d8"),
    "lenet5_distorted-mnist": (
        "lenet5",
        0.7,
        0.06,
        "66b06bb4be8f61cc5b207acbda0560d611915a3f343a61b8f575ee663e136633",
    ),
    "resnet20-cifar10": (
        "resnet20",
        8.59,
        0.26,
        "cd4cd361e0a6ed2fb0f3d3c2cd754e9a4add99a1adbf80a4bf75edd865a6e8d7",
    ),
    "resnet20-cifar10-today": (
        "resnet20",
        8.62,
        0.37,
        "9d1e2226bb3fa5cea05beb9ac4e33b9a04369c0b72df6faaec95bcd01b15956d",
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
