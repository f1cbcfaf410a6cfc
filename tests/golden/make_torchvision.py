"""Writes torchvision_<net>.npz beside this file: torchvision's outputs for weights that names and shapes determine.

torchvision needs an environment of its own, for it does not import beside the CPU build of torch that the tests use:

    python -m venv torchvision-env && torchvision-env/bin/pip install torch==2.14.1 torchvision==0.29.1
    torchvision-env/bin/python tests/golden/make_torchvision.py
"""

import pathlib
import sys

import numpy as np
import torch
import torchvision

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from pseudo_random import images, tensor  # noqa: E402

NETS = {
    "googlenet": 224,
    "inception_v3": 299,
    "resnet50": 224,
    "resnext50_32x4d": 224,
    "densenet121": 224,
    "shufflenet_v2_x1_0": 224,
}
INCEPTION = {"aux_logits": True, "transform_input": False, "init_weights": False}
BATCH = 2


def outputs(net, batch):
    """The main and the auxiliary outputs, all with running statistics and without dropout."""
    net.eval()
    net.training = True  # the network itself, not its layers: it then runs the auxiliary heads
    with torch.no_grad():
        out = net(batch)
    return {"logits": out} if isinstance(out, torch.Tensor) else out._asdict()


def main():
    for name, size in NETS.items():
        options = INCEPTION if name in ("googlenet", "inception_v3") else {}
        net = getattr(torchvision.models, name)(weights=None, num_classes=1000, **options)
        state = {k: v for k, v in net.state_dict().items() if v.is_floating_point()}
        net.load_state_dict({k: torch.from_numpy(tensor(k, tuple(v.shape))) for k, v in state.items()}, strict=False)
        batch = torch.from_numpy(np.ascontiguousarray(images(BATCH, size, size, 3).transpose(0, 3, 1, 2)))
        shapes = [" ".join(map(str, v.shape)) for v in state.values()]
        arrays = {f"output_{k}": v.numpy() for k, v in outputs(net, batch).items()}
        np.savez_compressed(HERE / f"torchvision_{name}.npz", names=list(state), shapes=shapes, **arrays)
        print(name, {k: v.shape for k, v in arrays.items()})


if __name__ == "__main__":
    main()
