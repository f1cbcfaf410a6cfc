"""NASNet-A on ImageNet and CIFAR-10 (Zoph et al. 2017, section 4 and appendix A), with the published code's numbers.

python -m training run nasnet_cifar-cifar10 --data-dir <tfds folder>
"""

from keras_classics.models.nasnet import PAPER, TRAINED_WITH_CUTOUT
from keras_classics.spec import CIFAR10_STATISTICS, Paper
from training.augment import Cutout, Flip, PadAndCrop, RandomAreaCrop
from training.departures import RMSPROP_WITHOUT_MOMENTUM
from training.recipe import SGD, Cosine, Exponential, Recipe, RMSProp

EPOCHS = round(250_000 * 50 * 32 / 1_281_167)  # of 250,000 steps of the mobile network, or the large, on all replicas


OF_THE_CODE = (
    "The rate and its fall to 0.97 every 2.4 epochs, the batch, the replicas, the steps, the weight decay, the "
    "clipping and the drop path are the published code's. The paper says 50 workers and Inception v3's schedule; it "
    "prints none of the others."
)


def imagenet(
    model: str,
    size: int,
    *,
    replicas: int,
    batch_size: int,
    rate: float,
    decay: float,
    drop_path: float = 0.0,
    paper: Paper = PAPER,
    departures: tuple[str, ...] = (),
) -> Recipe:
    """Appendix A.2; PNASNet's are made here too. `batch_size` and `rate` are those of one replica; here one
    machine adds up the gradients of all."""
    return Recipe(
        name=f"{model}-imagenet",
        model=model,
        dataset="imagenet2012",
        paper=paper,
        epochs=EPOCHS,
        batch_size=replicas * batch_size,
        accumulate=replicas,
        optimizer=RMSProp(rho=0.9, epsilon=1.0, weight_decay=decay, clip=10.0, decay_on="kernels"),
        schedule=Exponential(replicas * rate, factor=0.97, epochs=2.4),
        average=0.9999,
        label_smoothing=0.1,
        augment=(RandomAreaCrop(size), Flip()),
        hold_out=100,
        build={"aux_heads": True} | ({"drop_path": drop_path} if drop_path else {}),
        departures=(
            "The augmentation is GoogLeNet's crops and mirror images: the paper has that of Inception v3, which prints "
            "none.",
            RMSPROP_WITHOUT_MOMENTUM,
            *departures,
        ),
    )


RECIPES = (
    imagenet("nasnet_mobile", 224, replicas=50, batch_size=32, rate=0.04, decay=4e-5, departures=(OF_THE_CODE,)),
    imagenet(
        "nasnet_large",
        331,
        replicas=100,
        batch_size=16,
        rate=0.015,
        decay=5e-5,
        drop_path=0.3,
        departures=(OF_THE_CODE,),
    ),
    Recipe(
        name="nasnet_cifar-cifar10",
        model="nasnet_cifar",
        dataset="cifar10",
        paper=PAPER,
        epochs=600,
        batch_size=32,
        optimizer=SGD(momentum=0.9, weight_decay=5e-4, clip=5.0, decay_on="kernels"),
        schedule=Cosine(0.025),
        augment=(PadAndCrop(4, CIFAR10_STATISTICS.mean), Flip(), Cutout(16, CIFAR10_STATISTICS.mean)),
        hold_out=10,
        reported=TRAINED_WITH_CUTOUT,
        build={"aux_heads": True, "drop_path": 0.4},
        departures=(
            "Rate, batch, epochs, weight decay, clipping and drop path are the published code's: the paper prints one "
            "period of a cosine and a momentum of 0.9.",
            "Pictures are normalised by channel and padded by 4 pixels; the paper whitens them, and takes its crops "
            "from pictures enlarged to 40x40.",
            "Cutout hides 16x16 pixels, as its own paper does on CIFAR-10: this paper does not say how many.",
        ),
    ),
)
