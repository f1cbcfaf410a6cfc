"""Liu et al. 2017: PNASNet-5, one cell of five blocks that was searched for block by block, and stacked."""

from functools import partial

from keras_classics.cells import Cell, PlacedCell, check_cells, checked_rate, run_cells
from keras_classics.models.nasnet import imagenet, imagenet_norm, imagenet_stem
from keras_classics.spec import Paper, Reported
from keras_classics.variant import Variant

PAPER = Paper(
    title="Progressive Neural Architecture Search",
    authors="Liu, Zoph, Neumann, Shlens, Hua, Li, Fei-Fei, Yuille, Huang, Murphy",
    year=2017,
    venue="ECCV 2018",
    url="https://arxiv.org/abs/1712.00559",
)

PNASNET_5 = Cell(  # Figure 1, left
    blocks=(
        (("sep 5x5", 1), ("max 3x3", 1)),
        (("sep 7x7", 0), ("max 3x3", 0)),
        (("sep 5x5", 0), ("sep 3x3", 0)),
        (("sep 3x3", 4), ("max 3x3", 0)),
        (("sep 3x3", 1), ("identity", 0)),
    ),
    outputs=(2, 3, 4, 5, 6),
)


def features(x, cell, filters, repeats, first, drop_path):
    """Figure 1, right: a convolution, two cells that halve the map, and three stages, of which the second and the third
    begin with a cell that halves it; of the large network (N, 331, 331, 3), (N, 165, 165, 96), (N, 83, 83, 270),
    (N, 42, 42, 540), (N, 42, 42, 1080), (N, 21, 21, 2160), (N, 11, 11, 4320)."""
    cells = [PlacedCell(f"stem{i}", cell, filters * i // 4, reduces=True) for i in (1, 2)]
    for stage in (1, 2, 3):
        cells += [
            PlacedCell(f"stage{stage}_cell{i + 1}", cell, filters * 2 ** (stage - 1), reduces=stage > 1 and i == 0)
            for i in range(repeats)
        ]
    return run_cells(imagenet_stem(x, first), cells, f"stage2_cell{repeats}", drop_path, imagenet_norm)


# N, the `repeats`, and F, the `filters`, of Tables 4 and 5; and the filters of the first map.
SIZES = {
    "pnasnet5_large": {"filters": 216, "repeats": 4, "first": 96},
    "pnasnet5_mobile": {"filters": 54, "repeats": 3, "first": 32},
}
SIDES = {"pnasnet5_large": (331, 378), "pnasnet5_mobile": (224, 256)}  # of the image, and before the centre is taken

# Trainable parameters and multiply-adds.
COUNTS = {"pnasnet5_large": (86_057_668, 24_937_395_792), "pnasnet5_mobile": (5_064_487, 587_293_200)}
ERRORS = {
    "pnasnet5_large": (Reported("imagenet2012", 17.1, 3.8, source="Table 5"),),
    "pnasnet5_mobile": (Reported("imagenet2012", 25.8, 8.1, source="Table 4"),),
}


def pnasnet(name: str, cell: Cell = PNASNET_5, drop_path: float = 0.0) -> Variant:
    """A PNASNet-5, or the same network of another `cell`."""
    check_cells(cell=cell)
    params, macs = COUNTS[name] if cell == PNASNET_5 else (None, None)
    return imagenet(
        name=name,
        family="pnasnet",
        paper=PAPER,
        sides=SIDES[name],
        params=params,
        macs=macs,
        features=partial(features, cell=cell, drop_path=checked_rate(drop_path), **SIZES[name]),
        vary=partial(pnasnet, name),
        reported=ERRORS[name] if params else (),
    )


PNASNet5Large = pnasnet("pnasnet5_large")
PNASNet5Mobile = pnasnet("pnasnet5_mobile")
