"""`Entry`: all that is known about one public checkpoint."""

from dataclasses import dataclass
from typing import Any

from keras_classics.spec import CLASSES, InputProtocol, noncommercial


@dataclass(frozen=True)
class Entry:
    """A public checkpoint of a network of the zoo.

    Attributes:
        variant: the network's name.
        tag: the source, and where it has several, which: "torchvision/IMAGENET1K_V2".
        address: where the file lies: https://..., or hf-hub:<repository> for its model.safetensors on the Hugging Face
            hub, or package:<path> for a file in saved_models, which is in the package.
        checksum: "<algorithm>:<hexadecimal digits>", of which the source may publish the first only; of the file inside
            an archive. Empty for the hub, which tells the sum itself.
        protocol: how its pictures were prepared when its errors were measured.
        top1, top5: published errors in percent, one crop.
        reported: where they are published.
        licence: of the source; ImageNet's own terms ask for research use.
        options: the form of the network, where it is not the paper's.
    """

    variant: str
    tag: str
    address: str
    checksum: str
    protocol: InputProtocol
    top1: float | None
    top5: float | None
    reported: str
    licence: str
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def source(self) -> str:
        return self.tag.split("/")[0]

    @property
    def name(self) -> str:
        """The tag without its source; "" where it is the source alone."""
        return self.tag.partition("/")[2]

    @property
    def noncommercial(self) -> bool:
        """Whether its licence forbids commercial use."""
        return noncommercial(self.licence)

    @property
    def algorithm(self) -> str:
        return self.checksum.partition(":")[0]

    @property
    def digits(self) -> str:
        return self.checksum.partition(":")[2]

    @property
    def file(self) -> str:
        """The name of the file at the address."""
        return self.address.rsplit("/", 1)[-1]

    @property
    def classes(self) -> int:
        return CLASSES[self.protocol.dataset]
