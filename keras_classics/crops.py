"""The views in which papers show a picture to a network when they judge it, as data; and cutting them.

Sizes are those of a network of 224 pixels. For a network of another size they are in proportion, rounded: the 256 of
AlexNet's ten crops is 37 for one of 32 pixels.
"""

import functools
from dataclasses import dataclass

from keras_classics import preprocessing
from keras_classics.errors import unknown
from keras_classics.resampling import whole_pixels, window_of_resized
from keras_classics.spec import ONE_CROP

SIZE = 224  # of the network that the papers' sizes are for
LONGEST = 16  # of a resized picture more than this many times as long as wide, the middle stands for the whole

CENTRE = ((0.5, 0.5),)
CORNERS = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))
GRID = tuple((down / 4, across / 4) for down in range(5) for across in range(5))


@dataclass(frozen=True)
class Views:
    """The views of a picture whose answers are averaged.

    A place is a pair of shares of the room that is left, down and across: (0, 0) is the upper left, (1, 1) the lower
    right; halves of pixels go to the even one. First come all views as they are, then all of them mirrored.

    Attributes:
        name: by which they are asked for.
        source: the papers that judge by them.
        scales: to what the shorter side is resized; none for the one view of the network's own protocol.
        squares: where along the resized picture the squares lie that crops are taken from; none for crops of the whole
            picture.
        places: of the crops in a square, or in the picture.
        whole: whether each square, resized to the network's size, is a view as well.
        dense: whether a view is the whole picture at a scale, over which the network slides.
        mirrored: whether each view is also shown mirrored.
        reported: what the records call the protocol (`Reported.views`).
    """

    name: str
    source: str
    scales: tuple[int, ...] = ()
    squares: tuple[float, ...] = ()
    places: tuple[tuple[float, float], ...] = CENTRE
    whole: bool = False
    dense: bool = False
    mirrored: bool = True
    reported: str = ""

    @property
    def count(self) -> int:
        """The number of views of a picture."""
        of_a_square = len(self.places) + self.whole
        return (len(self.scales) or 1) * (len(self.squares) or 1) * of_a_square * (1 + self.mirrored)

    def sides(self, image_size: int) -> tuple[int, ...]:
        """The scales for a network of that size."""
        return tuple(round(scale * image_size / SIZE) for scale in self.scales)


VIEWS = {
    views.name: views
    for views in (
        Views("1", "the network's own protocol: the centre", mirrored=False, reported=ONE_CROP),
        Views("2", "the network's own protocol and its mirror image, as of CIFAR-10", reported="2 crops"),
        # Of the central square, for AlexNet's pictures were cut to it; torchvision's TenCrop is of the whole picture.
        Views("10", "AlexNet, section 4.1; ResNet", (256,), (0.5,), (*CORNERS, *CENTRE), reported="10 crops"),
        # "The square resized" is taken to be that of the picture that was resized already.
        Views(
            "144",
            "GoogLeNet, section 7",
            (256, 288, 320, 352),
            (0.0, 0.5, 1.0),
            (*CORNERS, *CENTRE),
            whole=True,
            reported="144 crops",
        ),
        # The paper does not say whether the grid lies over the picture or its central square. Here it is the picture,
        # which its dense evaluation, with which the crops are compared, takes whole.
        Views("150", "VGG, section 3.2", (256, 384, 512), places=GRID, reported="150 crops"),
        # 384 is for networks that were trained at 256 to 512; table 3 tests at 256 what was trained there.
        Views("dense-1", "VGG, table 3", (384,), dense=True, reported="dense, 1 scale"),
        Views("dense-3", "VGG, section 3.2", (256, 384, 512), dense=True, reported="dense, 3 scales"),
        Views("dense-5", "ResNet, section 3.4", (224, 256, 384, 480, 640), dense=True, reported="dense, 5 scales"),
    )
}


def find(name: str) -> Views:
    """The views of that name.

    Raises:
        ClassicsError: if there are none.
    """
    if str(name) not in VIEWS:
        raise unknown("views", str(name), VIEWS)
    return VIEWS[str(name)]


def cut(image, views: Views, resize_size: int, image_size: int, channels: int, interpolation="bilinear", squash=False):
    """The views of an image (H, W, C) of 0..255.

    A picture that is smaller than a scale is enlarged to it. The other arguments are those of `preprocessing.fit`,
    which cuts the view of the network's own protocol; no other view is squashed.

    Returns:
        A TensorFlow tensor (views.count, image_size, image_size, channels) of 0..255: uint8, or float32 of the
        network's own protocol.

    Raises:
        ClassicsError: if the image has other channels, and they are not grey or RGB on both sides.
    """
    import tensorflow as tf

    if not views.scales:
        shown = preprocessing.fit(image, resize_size, image_size, channels, interpolation, squash)[None]
    else:
        image = whole_pixels(preprocessing.with_channels(image, channels))
        sides = views.sides(image_size)
        shown = tf.stack([crop for side in sides for crop in _crops(image, views, side, image_size, interpolation)])
    return tf.ensure_shape(_with_mirrored(shown, views), (views.count, image_size, image_size, channels))


def whole(image, views: Views, image_size: int, channels: int, interpolation="bilinear"):
    """The dense views of an image (H, W, C) of 0..255, for a network of that image size.

    Of a picture that is more than 16 times as long as wide the middle is taken.

    Returns:
        A list of TensorFlow tensors uint8, one for each scale, which is the shorter side: (1 or 2, h, w, channels), the
        picture and where the views are `mirrored` its mirror image.

    Raises:
        ClassicsError: if the image has other channels, and they are not grey or RGB on both sides.
    """
    import tensorflow as tf

    image = whole_pixels(preprocessing.with_channels(image, channels))
    shown = []
    for scale in views.sides(image_size):
        resized, window = _sizes(image, scale)
        part = _resize(interpolation)(image, resized, _corner(resized, window, *CENTRE), window)[None]
        shown.append(_with_mirrored(tf.ensure_shape(part, (1, None, None, channels)), views))
    return shown


def _with_mirrored(shown, views):
    """Views (n, h, w, C), and behind them their mirror images if these are views as well."""
    import tensorflow as tf

    return tf.concat([shown, tf.reverse(shown, [2])], 0) if views.mirrored else shown


def _sizes(image, scale):
    """Height and width of the image whose shorter side is resized to `scale`, and what stands for it whole."""
    import tensorflow as tf

    old = tf.shape(image, tf.int64)[:2]
    resized = scale * old // tf.reduce_min(old)
    return resized, tf.minimum(resized, LONGEST * scale)


def _crops(image, views, scale, size, interpolation):
    """Those of one scale, not mirrored."""
    import tensorflow as tf

    resized, most = _sizes(image, scale)
    resize = _resize(interpolation)
    for square in views.squares or (None,):
        window = most if square is None else tf.minimum(resized, scale)
        corner = _corner(resized, window, (0.5, 0.5) if square is None else (square, square))
        part = tf.ensure_shape(resize(image, resized, corner, window), (None, None, image.shape[-1]))
        for place in views.places:
            top, left = tf.unstack(_corner(window, size, place))
            yield part[top : top + size, left : left + size]
        if views.whole:
            sides = tf.constant([size, size], tf.int64)
            yield resize(part, sides, tf.zeros_like(sides), sides)


@functools.cache
def _resize(interpolation):
    """`window_of_resized` as one function, that TensorFlow need not trace 24 times over for 144 views."""
    import tensorflow as tf

    picture, pair = tf.TensorSpec((None, None, None), tf.uint8), tf.TensorSpec((2,), tf.int64)

    @tf.function(input_signature=[picture, pair, pair, pair])
    def resize(image, size, corner, window):
        return window_of_resized(image, size, corner, window, interpolation)

    return resize


def _corner(outer, inner, place):
    """Top and left of an area of `inner` pixels at that place in one of `outer`."""
    import tensorflow as tf

    return tf.cast(tf.round(tf.cast(outer - inner, tf.float64) * place), tf.int64)
