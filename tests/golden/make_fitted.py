"""Writes fitted.npz and protocols.csv beside this file: how torchvision and timm prepare pictures for the checkpoints
that we offer. fitted.npz holds checksums of the prepared pixels, of photographs and of pseudo-random pictures; and the
probabilities that a network of torchvision gives for one of these, with weights that names and shapes determine.

    peers-env/bin/python tests/golden/make_fitted.py shared/data/imagenet_samples    # the environment of make_peers.py
"""

import csv
import pathlib
import re
import sys
import zlib

import numpy as np
import PIL.Image
import timm
import torch
import torchvision
from timm.data import create_transform, resolve_data_config
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

HERE = pathlib.Path(__file__).parent
ENTRIES = HERE.parents[1] / "keras_classics" / "weights" / "entries"
sys.path.insert(0, str(HERE.parent))

from pseudo_random import pixels, tensor  # noqa: E402

SHAPES = ((333, 500), (500, 333), (257, 256), (255, 1000), (1023, 768), (64, 48), (47, 600), (1, 30))
SMALL = ((28, 32), (61, 56), (64, 64), (40, 39))  # resized to, cropped to: also where the crop is the larger
PHOTOGRAPHS = 24
NETWORK, ANSWERED = "shufflenet_v2_x1_0", SHAPES.index((255, 1000))


def torchvision_protocols():
    """(name, (resized to, cropped to, interpolation, mean, std), licence, transform to pixels) of every classifier."""
    for model in torchvision.models.list_models(torchvision.models):
        for weights in torchvision.models.get_model_weights(model):
            made = weights.transforms()
            facts = (*made.resize_size, *made.crop_size, made.interpolation.value, made.mean, made.std)
            transform = weights.transforms(mean=(0, 0, 0), std=(1, 1, 1))
            yield weights.url.rsplit("/", 1)[1], facts, "bsd-3-clause", lambda image, t=transform: 255 * t(image)


def timm_protocols():
    """The same of the checkpoints of timm that our table names, at the size that they are tested at."""
    for name in dict.fromkeys(re.findall(r'"(\w+\.\w*in1k)"', (ENTRIES / "timm.py").read_text())):
        known = timm.get_pretrained_cfg(name).to_dict()
        config = resolve_data_config(pretrained_cfg=known, use_test_size=True)
        assert (config["crop_mode"], known["num_classes"], known.get("label_offset")) == ("center", 1000, None)
        transform = create_transform(**config, normalize=False)
        resize, crop = transform.transforms[:2]
        facts = (resize.size, crop.size[0], config["interpolation"], config["mean"], config["std"])
        yield name, facts, known["license"], transform


def small_protocols():
    for resized, cropped in SMALL:
        for mode in (InterpolationMode.BILINEAR, InterpolationMode.BICUBIC):
            yield "", (resized, cropped, mode.value, (), ()), Compose([Resize(resized, mode), CenterCrop(cropped)])


def photographs(folder):
    """Some photographs of different shapes without a colour profile, which we heed and torchvision does not."""
    found = {}
    for path in sorted(pathlib.Path(folder).glob("*/*")):
        with PIL.Image.open(path) as image:
            if "icc_profile" not in image.info:
                found.setdefault((image.mode, image.size), path)
    chosen = [found[shape] for shape in sorted(found)]
    return [path.relative_to(folder).as_posix() for path in chosen[:: -(-len(chosen) // PHOTOGRAPHS)]]


def checksum(image, transform):
    """CRC-32 of the pixels, which are whole."""
    fitted = transform(image)
    fitted = np.asarray(fitted).transpose(1, 2, 0) if not isinstance(fitted, PIL.Image.Image) else np.asarray(fitted)
    whole = np.round(fitted).astype("uint8")
    assert np.allclose(whole, fitted, atol=1e-3)
    return zlib.crc32(whole.tobytes())


def answers(image):
    net = getattr(torchvision.models, NETWORK)().eval()
    state = {k: torch.from_numpy(tensor(k, v.shape)) for k, v in net.state_dict().items() if v.is_floating_point()}
    net.load_state_dict(state, strict=False)
    transform = torchvision.models.get_model_weights(NETWORK).DEFAULT.transforms()
    with torch.no_grad():
        return net(transform(image)[None]).softmax(1)[0].numpy()


def main():
    folder = pathlib.Path(sys.argv[1])
    rows, transforms = [], {}
    for source, protocols in (("torchvision", torchvision_protocols()), ("timm", timm_protocols())):
        for name, facts, licence, transform in protocols:
            if f'"{name}"' in (ENTRIES / f"{source}.py").read_text():
                constants = (" ".join(map(str, numbers)) for numbers in facts[3:])
                rows.append((source, name, *facts[:3], *constants, licence))
                transforms.setdefault(facts[:3], transform)
    with (HERE / "protocols.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("source", "name", "resize_size", "image_size", "interpolation", "mean", "std", "licence"))
        writer.writerows(rows)
    transforms.update({facts[:3]: transform for _, facts, transform in small_protocols()})
    names = photographs(folder)
    made = [PIL.Image.fromarray(pixels(*shape, 3)) for shape in SHAPES]
    taken = [PIL.Image.open(folder / name).convert("RGB") for name in names]
    sums = [[checksum(image, t) for t in transforms.values()] for image in made + taken]
    resized, cropped, interpolation = zip(*transforms, strict=True)
    np.savez_compressed(
        HERE / "fitted.npz",
        resize_size=resized,
        image_size=cropped,
        interpolation=interpolation,
        shapes=SHAPES,
        photographs=names,
        made=np.array(sums[: len(made)], "uint32"),
        answers=answers(made[ANSWERED]),
        taken=np.array(sums[len(made) :], "uint32"),
    )
    print(len(rows), "protocols,", len(transforms), "transforms,", [image.size for image in taken])


if __name__ == "__main__":
    main()
