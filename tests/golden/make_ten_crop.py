"""Writes torchvision_ten_crop.npz beside this file: the places of torchvision's ten crops of 224 pixels, in its order,
for pictures of several sizes; and the checksums of the crops of pseudo-random pictures.

    peers-env/bin/python tests/golden/make_ten_crop.py    # the environment of make_peers.py
"""

import pathlib
import sys
import zlib

import numpy as np
import PIL.Image
from torchvision.transforms import TenCrop

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from pseudo_random import pixels  # noqa: E402

SHAPES = ((256, 341), (384, 256), (257, 256), (259, 351), (225, 224), (224, 224))  # (height, width)
SIDE = 224


def place(crop):
    """Top, left and whether it is mirrored, of a crop of a picture whose pixels say where they are."""
    corners = np.asarray(crop).astype(int)
    row, columns = corners[0, 0, 0] + 256 * (corners[0, 0, 2] // 2), corners[0, :, 1] + 256 * (corners[0, :, 2] % 2)
    return row, columns.min(), columns[0] > columns[-1]


def main():
    places, sums = [], []
    for height, width in SHAPES:
        y, x = np.mgrid[:height, :width]
        told = PIL.Image.fromarray(np.stack([y % 256, x % 256, y // 256 * 2 + x // 256], -1).astype("uint8"))
        places.append([place(crop) for crop in TenCrop(SIDE)(told)])
        picture = PIL.Image.fromarray(pixels(height, width, 3))
        sums.append([zlib.crc32(crop.tobytes()) for crop in TenCrop(SIDE)(picture)])
    top, left, mirrored = np.moveaxis(np.array(places, "int16"), -1, 0)
    np.savez_compressed(
        HERE / "torchvision_ten_crop.npz",
        shapes=SHAPES,
        top=top,
        left=left,
        mirrored=mirrored.astype(bool),
        checksums=np.array(sums, "uint32"),
    )


if __name__ == "__main__":
    main()
