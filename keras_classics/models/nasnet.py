"""Zoph et al. 2017: NASNet-A, two cells that were searched for on CIFAR-10 and stacked."""

from functools import partial

from keras import layers

from keras_classics.blocks import batch_norm, conv, global_pool_head, predictions, relu
from keras_classics.cells import (
    COUNTING_PADDING,
    OPERATIONS,
    Cell,
    PlacedCell,
    check_cells,
    checked_rate,
    pointwise,
    run_cells,
)
from keras_classics.layers import AveragePooling2D, channel_axis
from keras_classics.spec import CIFAR10_32, PLUS_MINUS_ONE, InputProtocol, Paper, Reported
from keras_classics.variant import Variant

PAPER = Paper(
    title="Learning Transferable Architectures for Scalable Image Recognition",
    authors="Zoph, Vasudevan, Shlens, Le",
    year=2017,
    venue="CVPR 2018",
    url="https://arxiv.org/abs/1707.07012",
)

TRAINED_WITH_CUTOUT = "mean of five runs, trained with cutout"  # which of the reported errors it is


NORMAL = Cell(  # Figure 4, left
    blocks=(
        (("sep 5x5", 0), ("sep 3x3", 1)),
        (("sep 5x5", 1), ("sep 3x3", 1)),
        (("avg 3x3", 0), ("identity", 1)),
        (("avg 3x3", 1), ("avg 3x3", 1)),
        (("sep 3x3", 0), ("identity", 0)),
    ),
    outputs=(1, 2, 3, 4, 5, 6),
)
REDUCTION = Cell(  # Figure 4, right
    blocks=(
        (("sep 5x5", 0), ("sep 7x7", 1)),
        (("max 3x3", 0), ("sep 7x7", 1)),
        (("avg 3x3", 0), ("sep 5x5", 1)),
        (("identity", 3), ("avg 3x3", 2)),
        (("sep 3x3", 2), ("max 3x3", 0)),
    ),
    outputs=(3, 4, 5, 6),
)


def stages(normal, reduction, filters, repeats, keeps_previous=False) -> list[PlacedCell]:
    """Figure 2: three stages of normal cells, with a reduction between them that doubles the filters."""
    cells = []
    for stage in (1, 2, 3):
        width = filters * 2 ** (stage - 1)
        if stage > 1:
            cells.append(PlacedCell(f"reduction{stage - 1}", reduction, width, True, keeps_previous))
        cells += [PlacedCell(f"stage{stage}_cell{i + 1}", normal, width) for i in range(repeats)]
    return cells


imagenet_norm = partial(batch_norm, momentum=0.9997, epsilon=1e-3)


def imagenet_stem(x, filters):
    """(N, 224, 224, 3) to (N, 111, 111, filters)."""
    return imagenet_norm(conv(x, filters, 3, 2, padding="valid", name="stem_conv"), "stem_bn")


def imagenet_features(x, normal, reduction, filters, repeats, first, keeps_previous, drop_path, counts_padding):
    """Figure 2, right: a convolution, two reductions, and the stages; of the mobile network (N, 224, 224, 3),
    (N, 111, 111, 32), (N, 56, 56, 44), (N, 28, 28, 88), (N, 28, 28, 264), (N, 14, 14, 528), (N, 7, 7, 1056)."""
    cells = [
        PlacedCell("stem1", reduction, filters // 4, reduces=True),
        PlacedCell("stem2", reduction, filters // 2, reduces=True),
        *stages(normal, reduction, filters, repeats, keeps_previous),
    ]
    operations = COUNTING_PADDING if counts_padding else OPERATIONS
    return run_cells(imagenet_stem(x, first), cells, f"stage2_cell{repeats}", drop_path, imagenet_norm, operations)


def cifar_features(x, normal, reduction, filters, repeats, drop_path):
    """Figure 2, left: (N, 32, 32, 3), (N, 32, 32, 96), (N, 32, 32, 192), (N, 16, 16, 384), (N, 8, 8, 768)."""
    x = batch_norm(conv(x, 3 * filters, 3, name="stem_conv"), "stem_bn")
    return run_cells(x, stages(normal, reduction, filters, repeats), f"stage2_cell{repeats}", drop_path)


def aux_head(x, classes, activation, name, norm=imagenet_norm):
    """The published code's, on the last map before the second reduction: (N, 14, 14, C) to (N, 4, 4, 128),
    (N, 1, 1, 768) and (N, classes)."""
    x = AveragePooling2D(5, 3, name=f"{name}_pool")(x)
    x = relu(pointwise(x, 128, 1, f"{name}_1x1", norm), f"{name}_1x1_relu")
    sides = x.shape[1:3] if channel_axis() == -1 else x.shape[2:]
    x = norm(conv(x, 768, sides, padding="valid", name=f"{name}_full_conv"), f"{name}_full_bn")
    x = layers.GlobalAveragePooling2D(name=f"{name}_avg_pool")(relu(x, f"{name}_full_relu"))
    return predictions(x, classes, activation, name=name)


INITIALIZATION_DEPARTURE = (
    "Weights start as in He et al. 2015, scaled by the number of a unit's inputs, where the published code takes that "
    "of its outputs. Batch normalisation follows either way."
)
DETAILS_DEPARTURE = (
    "What the paper leaves open is as in the published code: the constants of batch normalisation, the auxiliary head, "
    "the factorised reduction and the 1x1 convolutions that bring a cell's two inputs to its width."
)
PADDING_DEPARTURE = "Where a reduction pools, the zeros around the map are read, as in keras.applications."


def imagenet(*, sides: tuple[int, int], departures: tuple[str, ...] = (), **facts) -> Variant:
    """The record of an ImageNet network of cells; PNASNet's are made here too."""
    return Variant(
        protocol=InputProtocol("imagenet2012", PLUS_MINUS_ONE, *sides, squash=True),  # as IMAGENET_299
        min_size=3,
        head=partial(global_pool_head, dropout=0.5),
        aux_head=aux_head,
        aux_weights=(0.4,),
        aux_min_size=67,
        departures=(INITIALIZATION_DEPARTURE, DETAILS_DEPARTURE, *departures),
        **facts,
    )


# NASNet-A (N @ P), where P counts the filters of the last map: 4 @ 1056 is the mobile network, 6 @ 4032 the large one.
SIZES: dict[str, dict] = {
    "nasnet_mobile": {"filters": 1056 // 24, "repeats": 4, "first": 32, "keeps_previous": False},
    "nasnet_large": {"filters": 4032 // 24, "repeats": 6, "first": 96, "keeps_previous": True},
}
SIDES = {"nasnet_mobile": (224, 256), "nasnet_large": (331, 378)}  # of the image, and before the centre is taken

# Trainable parameters and multiply-adds.
COUNTS = {"nasnet_mobile": (5_289_978, 563_638_816), "nasnet_large": (88_753_150, 23_783_414_658)}
ERRORS = {
    "nasnet_mobile": (Reported("imagenet2012", 26.0, 8.4, source="Table 3"),),
    "nasnet_large": (Reported("imagenet2012", 17.3, 3.8, source="Table 2"),),
}


def nasnet(
    name: str,
    normal: Cell = NORMAL,
    reduction: Cell = REDUCTION,
    drop_path: float = 0.0,
    counts_padding: bool = False,
) -> Variant:
    """An ImageNet network; with `counts_padding` as keras.applications has it: where a reduction pools, the zeros
    around the map are read."""
    check_cells(normal=normal, reduction=reduction)
    params, macs = COUNTS[name] if (normal, reduction) == (NORMAL, REDUCTION) else (None, None)
    return imagenet(
        name=name,
        family="nasnet",
        paper=PAPER,
        sides=SIDES[name],
        params=params,
        macs=macs,
        features=partial(
            imagenet_features,
            normal=normal,
            reduction=reduction,
            drop_path=checked_rate(drop_path),
            counts_padding=counts_padding,
            **SIZES[name],
        ),
        vary=partial(nasnet, name),
        reported=ERRORS[name] if params and not counts_padding else (),
        departures=(PADDING_DEPARTURE,) if counts_padding else (),
    )


def nasnet_cifar(normal: Cell = NORMAL, reduction: Cell = REDUCTION, drop_path: float = 0.0) -> Variant:
    """NASNet-A (6 @ 768)."""
    check_cells(normal=normal, reduction=reduction)
    paper = (normal, reduction) == (NORMAL, REDUCTION)
    return Variant(
        name="nasnet_cifar",
        family="nasnet",
        paper=PAPER,
        protocol=CIFAR10_32,
        min_size=4,
        params=3_346_538 if paper else None,
        macs=544_333_312 if paper else None,
        features=partial(
            cifar_features,
            normal=normal,
            reduction=reduction,
            filters=768 // 24,
            repeats=6,
            drop_path=checked_rate(drop_path),
        ),
        aux_head=partial(aux_head, norm=batch_norm),
        aux_weights=(0.4,),
        aux_min_size=9,
        vary=nasnet_cifar,
        reported=(
            Reported("cifar10", 3.41, source="Table 1", note="mean of five runs"),
            Reported("cifar10", 2.65, source="Table 1", note=TRAINED_WITH_CUTOUT),
        )
        if paper
        else (),
        departures=(INITIALIZATION_DEPARTURE, DETAILS_DEPARTURE),
    )


NASNetMobile = nasnet("nasnet_mobile")
NASNetLarge = nasnet("nasnet_large")
NASNetCIFAR = nasnet_cifar()
