"""Inception v3."""

import re

from keras_classics.weights.mapping import Rules

_STEM = ("conv_1a", "conv_2a", "conv_2b", "conv_3b", "conv_4a")
_5X5 = ("5x5_reduce", "5x5")
_7X7 = ("7x7_reduce", "7x7_1", "7x7_2")
_DOUBLE_3X3 = ("double_3x3_reduce", "double_3x3_1", "double_3x3_2")
_DOUBLE_7X7 = ("double_7x7_reduce", *(f"double_7x7_{i}" for i in range(1, 5)))
# The convolutions of each module, branch by branch.
_BRANCHES: dict[str, tuple[tuple[str, ...], ...]] = {
    **dict.fromkeys(("5b", "5c", "5d"), (("1x1",), _5X5, _DOUBLE_3X3, ("pool_proj",))),
    "6a": (("3x3",), _DOUBLE_3X3),
    **dict.fromkeys(("6b", "6c", "6d", "6e"), (("1x1",), _7X7, _DOUBLE_7X7, ("pool_proj",))),
    "7a": (("3x3_reduce", "3x3"), (*_7X7, "7x7_3x3")),
    **dict.fromkeys(
        ("7b", "7c"),
        (
            ("1x1",),
            ("3x3_reduce", "3x3_1x3", "3x3_3x1"),
            ("double_3x3_reduce", "double_3x3_1", "double_3x3_1x3", "double_3x3_3x1"),
            ("pool_proj",),
        ),
    ),
}
_ORDER = [
    *_STEM,
    *(f"mixed_{module}_{part}" for module, branches in _BRANCHES.items() for branch in branches for part in branch),
]


def _keras(m: re.Match) -> str:
    """The convolutions and batch norms are numbered from 1 in the order in which they are made."""
    return f"{'conv2d' if m[2] == 'conv' else 'batch_normalization'}_{_ORDER.index(m[1]) + 1}"


def _pytorchcv(m: re.Match) -> str:
    """mixed_6b_7x7_1_bn is features.stage2.unit2.branches.branch2.conv_list.conv2.bn."""
    module, part, kind = m.groups()
    unit = f"stage{int(module[0]) - 4}.unit{'abcde'.index(module[1]) + (module[0] != '5')}"
    number, branch = next((i, branch) for i, branch in enumerate(_BRANCHES[module], 1) if part in branch)
    conv = f"conv_list.conv{branch.index(part) + 1}"
    if part.endswith(("_1x3", "_3x1")):
        conv = f"conv{part[-3:]}"
    elif part in ("1x1", "pool_proj"):
        conv = "conv"
    return f"features.{unit}.branches.branch{number}.{conv}.{kind}"


def _torchvision(m: re.Match) -> str:
    """mixed_6b_7x7_1_bn is Mixed_6b.branch7x7_2.bn."""
    module, part, kind = m.groups()
    branch = next(branch for branch in _BRANCHES[module] if part in branch)
    name = branch[0].removesuffix("_reduce")
    name = {"pool_proj": "_pool", "7x7": "7x7x3" if module == "7a" else "7x7"}.get(name, name)
    if name.startswith("double_"):
        name = name.removeprefix("double_") + "dbl"
    step = f"_{branch.index(part) + 1}" if len(branch) > 1 else ""
    if part.endswith("_1x3"):
        step += "a"
    elif part.endswith("_3x1"):
        step = f"_{branch.index(part)}b"
    return f"Mixed_{module}.branch{name}{step}.{kind}"


_MODULE = r"mixed_(\d\w)_(.*)_(conv|bn)"

SOURCES: dict[str, Rules] = {
    "keras": [(r"(.*)_(conv|bn)", _keras), (r"predictions", "predictions")],
    "pytorchcv": [
        (rf"({'|'.join(_STEM)})_(conv|bn)", lambda m: f"features.init_block.conv{_STEM.index(m[1]) + 1}.{m[2]}"),
        (_MODULE, _pytorchcv),
        (r"predictions", "output.fc"),
    ],
    "torchvision": [
        (r"conv_3b_(conv|bn)", r"Conv2d_3b_1x1.\1"),
        (r"conv_(\d\w)_(conv|bn)", r"Conv2d_\1_3x3.\2"),
        (_MODULE, _torchvision),
        (r"aux_1_1x1_(conv|bn)", r"AuxLogits.conv0.\1"),
        (r"aux_1_5x5_(conv|bn)", r"AuxLogits.conv1.\1"),
        (r"aux_1", "AuxLogits.fc"),
        (r"predictions", "fc"),
    ],
}
