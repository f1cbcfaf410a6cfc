"""The departures that many recipes have in common."""

DECAY_ON_ALL_WEIGHTS = "Weight decay is on all weights: the paper does not say which."
DECAY_ON_BIASES_TOO = "Weight decay is on all weights, biases too: the paper does not say which."
AVERAGE_NOT_PRINTED = (
    "The running average of the weights keeps 0.9999 of itself at a step, and less in the first ones, as in "
    "TensorFlow's published code of Inception: the paper says that it averages, not how. That code averages batch "
    "norm's moments as well, which here stay as in training."
)
RMSPROP_WITHOUT_MOMENTUM = (
    "RMSProp has no momentum: the paper prints none. TensorFlow's published code for training such networks has 0.9."
)
AUGMENTATION_NOT_PRINTED = "The paper does not print its augmentation: here GoogLeNet's crops, and mirror images."
COLOURS_NOT_PRINTED = "The principal components of the colours are those of fb.resnet.torch: the paper prints none."


def batch_norm_of(images: int) -> str:
    """What is said where the authors' GPUs each had so many images of a batch, and batch norm saw no others."""
    return f"Batch norm sees the whole batch; the authors' saw the {images} images of one GPU."
