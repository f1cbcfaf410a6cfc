"""Writes <source>_<net>.npz beside this file: the outputs of torchvision's and timm's networks for weights that names
and shapes determine. Given names of networks, only theirs.

They need an environment of their own, for torchvision does not import beside the CPU build of torch that the tests use:

    python -m venv peers-env && peers-env/bin/pip install torch==2.14.1 torchvision==0.29.1 timm==1.0.31
    peers-env/bin/python tests/golden/make_peers.py
"""

import pathlib
import sys

import numpy as np
import timm
import torch
import torchvision

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from pseudo_random import images, tensor  # noqa: E402

TORCHVISION = {
    "alexnet": 224,
    "vgg11": 224,
    "vgg11_bn": 224,
    "googlenet": 224,
    "inception_v3": 299,
    "resnet50": 224,
    "resnext50_32x4d": 224,
    "densenet121": 224,
    "shufflenet_v2_x1_0": 224,
}
TIMM = {"resnet18": 224, "vgg11_bn": 224, "inception_v4": 299, "inception_resnet_v2": 299, "pnasnet5large": 331}
INCEPTION = {"aux_logits": True, "transform_input": False, "init_weights": False}
BATCH = 2


def outputs(net, batch):
    """The main and the auxiliary outputs, all with running statistics and without dropout."""
    net.eval()
    net.training = True  # the network itself, not its layers: it then runs the auxiliary heads
    with torch.no_grad():
        out = net(batch)
    return {"logits": out} if isinstance(out, torch.Tensor) else out._asdict()


def write(source, name, net, size):
    """The names and shapes of the network's tensors, and its outputs."""
    state = {k: v for k, v in net.state_dict().items() if v.is_floating_point()}
    net.load_state_dict({k: torch.from_numpy(tensor(k, tuple(v.shape))) for k, v in state.items()}, strict=False)
    batch = torch.from_numpy(np.ascontiguousarray(images(BATCH, size, size, 3).transpose(0, 3, 1, 2)))
    shapes = [" ".join(map(str, v.shape)) for v in state.values()]
    arrays = {f"output_{k}": v.numpy() for k, v in outputs(net, batch).items()}
    np.savez_compressed(HERE / f"{source}_{name}.npz", names=list(state), shapes=shapes, **arrays)
    print(source, name, {k: v.shape for k, v in arrays.items()})


def main():
    wanted = sys.argv[1:] or [*TORCHVISION, *TIMM]
    for name, size in TORCHVISION.items():
        if name in wanted:
            options = INCEPTION if name in ("googlenet", "inception_v3") else {}
            net = getattr(torchvision.models, name)(weights=None, num_classes=1000, **options)
            write("torchvision", name, net, size)
    for name, size in TIMM.items():
        if name in wanted:
            write("timm", name, timm.create_model(name), size)


if __name__ == "__main__":
    main()
