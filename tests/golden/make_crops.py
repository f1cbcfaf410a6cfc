"""Writes torchvision_random_resized_crop.npz beside this file: 2000 rectangles that torchvision draws for pictures of
four sizes, at its defaults: 8% to all of the area, aspect ratio 3/4 to 4/3.

    peers-env/bin/python tests/golden/make_crops.py    # the environment of make_peers.py
"""

import pathlib

import numpy as np
import torch
from torchvision.transforms import RandomResizedCrop

SIZES = ((500, 375), (375, 500), (640, 480), (200, 1000))  # (height, width)
DRAWS = 2000


def main():
    torch.manual_seed(0)
    rectangles = [
        [RandomResizedCrop.get_params(torch.empty(3, *size), (0.08, 1.0), (3 / 4, 4 / 3)) for _ in range(DRAWS)]
        for size in SIZES
    ]
    top, left, height, width = np.moveaxis(np.array(rectangles, "int16"), -1, 0)
    np.savez_compressed(
        pathlib.Path(__file__).parent / "torchvision_random_resized_crop.npz",
        sizes=np.array(SIZES, "int16"),
        top=top,
        left=left,
        height=height,
        width=width,
    )


if __name__ == "__main__":
    main()
