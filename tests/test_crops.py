"""The views of a picture: their number, their places and their pixels."""

import pathlib
import zlib
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
from pseudo_random import pixels

import keras_classics as kc
from keras_classics import choices, crops, feed, zoo
from keras_classics.crops import VIEWS

GOLDEN = pathlib.Path(__file__).parent / "golden" / "torchvision_ten_crop.npz"


def told(height, width):
    """A picture whose pixels say where they are: the row, the column, and both above 255."""
    y, x = np.mgrid[:height, :width]
    return np.stack([y % 256, x % 256, y // 256 * 16 + x // 256], -1).astype("uint8")


def places(shown):
    """Top, left and whether it is mirrored, of each view of such a picture."""
    shown = shown.astype(int)
    row = shown[:, 0, 0, 0] + 256 * (shown[:, 0, 0, 2] // 16)
    columns = shown[:, 0, :, 1] + 256 * (shown[:, 0, :, 2] % 16)
    for view in range(len(shown)):  # each is a whole piece of the picture
        assert (np.abs(np.diff(columns[view])) == 1).all()
        assert (np.diff(shown[view, :, 0, 0]) % 256 == 1).all()
    return [(int(r), int(c.min()), bool(c[0] > c[-1])) for r, c in zip(row, columns, strict=True)]


def cut(image, views, size=224, resize_size=256):
    return crops.cut(image, views, resize_size, size, 3).numpy()


def mirrored_as_well(expected):
    return [(*place, turned) for turned in (False, True) for place in expected]


@pytest.mark.parametrize(("name", "count"), [("1", 1), ("2", 2), ("10", 10), ("144", 144), ("150", 150)])
def test_counts_are_the_papers(name, count):
    assert VIEWS[name].count == count
    shown = cut(pixels(40, 50, 3), VIEWS[name], 16, 18)
    assert shown.shape == (count, 16, 16, 3)
    if count > 1:
        np.testing.assert_array_equal(shown[count // 2 :], shown[: count // 2, :, ::-1])


def test_the_views_can_be_named_before_keras_is_imported():
    assert tuple(VIEWS) == choices.VIEWS
    assert [views.name for views in VIEWS.values()] == list(VIEWS)


def test_the_records_call_the_protocols_so():
    """A string that no record has would never stand beside a measured error; those of CIFAR's mirror images do not."""
    reported = {r.views for v in zoo.BUILDERS.values() for r in v.reported} | {"150 crops", "2 crops"}
    assert {views.reported for views in VIEWS.values()} <= reported
    assert any(r.views.startswith(VIEWS["150"].reported) for r in kc.VGG16.reported)


def test_ten_crops_are_of_the_central_square():
    """Of 400x256 pixels the square begins at row 72; of 224 in 256 there are 32 left, or half of them."""
    corners = [(0, 0), (0, 32), (32, 0), (32, 32), (16, 16)]
    expected = mirrored_as_well([(72 + top, left) for top, left in corners])
    assert places(cut(told(400, 256), VIEWS["10"])) == expected
    expected = mirrored_as_well([(top, 72 + left) for top, left in corners])
    assert places(cut(told(256, 400), VIEWS["10"])) == expected


@pytest.mark.parametrize("tall", [False, True])
@pytest.mark.parametrize("side", [256, 288, 320, 352])
def test_the_144_of_googlenet(side, tall):
    """Those of one scale, which the picture has already; its squares begin at 0, 50 and 100 of 100 spare pixels."""
    assert side in VIEWS["144"].scales
    picture = told(side + 100, side) if tall else told(side, side + 100)
    shown = cut(picture, replace(VIEWS["144"], scales=(side,))).reshape(2, 3, 6, 224, 224, 3)
    expected, far, half = [], side - 224, (side - 224) // 2
    for spare in (0, 50, 100):
        y, x = (spare, 0) if tall else (0, spare)
        expected += [(y, x), (y, x + far), (y + far, x), (y + far, x + far), (y + half, x + half)]
    assert places(shown[:, :, :5].reshape(-1, 224, 224, 3)) == mirrored_as_well(expected)
    for square, spare in enumerate((0, 50, 100)):
        part = picture[spare : spare + side] if tall else picture[:, spare : spare + side]
        whole = np.asarray(PIL.Image.fromarray(part).resize((224, 224), PIL.Image.Resampling.BILINEAR))
        np.testing.assert_array_equal(shown[0, square, 5], whole)


@pytest.mark.parametrize("side", [256, 384, 512])
def test_the_150_of_vgg(side):
    """Five by five of the whole picture; 40 pixels more in one direction are 10 more from crop to crop."""
    assert side in VIEWS["150"].scales
    step = (side - 224) // 4
    shown = cut(told(side, side + 40), replace(VIEWS["150"], scales=(side,)))
    expected = [(down * step, across * (step + 10)) for down in range(5) for across in range(5)]
    assert places(shown) == mirrored_as_well(expected)


def test_scales_resize_as_pillow_does():
    """One scale of a picture that has another size, and one that is smaller than the crop."""
    for height, width in ((300, 401), (60, 80)):
        picture = pixels(height, width, 3)
        resized = PIL.Image.fromarray(picture).resize((width * 256 // height, 256), PIL.Image.Resampling.BILINEAR)
        left = round((resized.width - 256) / 2)
        expected = np.asarray(resized)[:224, left : left + 224]
        np.testing.assert_array_equal(cut(picture, VIEWS["10"])[0], expected)


def test_ten_crops_of_the_whole_picture_are_torchvisions():
    """Ours are of the central square, as AlexNet's; cut from the picture they are TenCrop's, pixel for pixel.

    TenCrop mirrors the picture and then crops, so that left and right change places; and where half a pixel is left,
    the centre of the mirrored picture is not the mirrored centre, which the paper takes.
    """
    mirrored = [6, 5, 8, 7, 9]
    with np.load(GOLDEN) as golden:
        for (height, width), *theirs, checksums in zip(*(golden[n] for n in golden), strict=True):
            views = replace(VIEWS["10"], scales=(int(min(height, width)),), squares=())
            same = list(range(5)) + mirrored[: 4 + ((width - 224) % 2 == 0)]
            ours = places(cut(told(height, width), views))[: len(same)]
            assert ours == [tuple(field[crop] for field in theirs) for crop in same]
            sums = [zlib.crc32(view.tobytes()) for view in cut(pixels(height, width, 3), views)]
            assert sums[: len(same)] == checksums[same].tolist()


def test_sizes_are_in_proportion_to_the_networks():
    assert VIEWS["10"].sides(224) == (256,)
    assert VIEWS["10"].sides(32) == (37,)
    assert VIEWS["144"].sides(299) == (342, 384, 427, 470)
    shown = cut(told(37, 37), VIEWS["10"], 32, 32)
    assert places(shown) == mirrored_as_well([(0, 0), (0, 5), (5, 0), (5, 5), (2, 2)])


def test_one_and_two_views_are_the_protocols_own():
    picture = pixels(50, 70, 3)
    made = feed.feed_of(kc.ResNet20(), kc.ResNet20)
    one, two = (made.views(picture, VIEWS[name]).numpy() for name in ("1", "2"))
    np.testing.assert_array_equal(one[0], made.fit(picture))
    np.testing.assert_array_equal(two, np.stack([one[0], one[0][:, ::-1]]))


def test_a_very_long_picture_does_not_fill_the_memory():
    """Resized as a whole to a shorter side of 512, this one would need 100 GB."""
    shown = cut(np.full((1, 150_000, 3), 9, "uint8"), VIEWS["150"])
    assert (shown == 9).all()
    assert (cut(np.full((150_000, 1, 3), 9, "uint8"), VIEWS["10"]) == 9).all()


def test_grey_and_colour():
    grey = pixels(20, 30, 1)
    shown = cut(grey, VIEWS["10"], 16, 18)
    np.testing.assert_array_equal(shown[..., 0], shown[..., 2])
    with pytest.raises(kc.ClassicsError, match="reads 3 channels and the pictures have 4"):
        cut(np.zeros((8, 8, 4), "uint8"), VIEWS["10"])


def test_what_is_done_to_pixels_is_told():
    made = feed.feed_of(kc.ResNet20(include_preprocessing=True), kc.ResNet20)
    assert made.described(VIEWS["2"]).endswith("shorter side 32, centre 32, mirrored, bilinear")
    assert made.described(VIEWS["144"]).endswith("shorter side 37, 41, 46, 50, 144 crops of 32, mirrored, bilinear")


def test_unknown_views():
    with pytest.raises(kc.ClassicsError, match="Unknown views '12'"):
        crops.find("12")


@pytest.mark.parametrize(
    ("height", "width", "sizes"),
    [
        (256, 300, [(256, 300), (384, 450), (512, 600)]),
        (500, 333, [(384, 256), (576, 384), (768, 512)]),  # 384.4 and so on, cut as torchvision's Resize cuts them
        (10, 200, [(256, 4096), (384, 6144), (512, 8192)]),  # of the longest the middle
    ],
)
def test_dense_views_are_whole_pictures_at_each_scale(height, width, sizes):
    picture = told(height, width)
    shown = [part.numpy() for part in crops.whole(picture, VIEWS["dense-3"], 224, 3)]
    assert VIEWS["dense-3"].count == 2 * len(shown)
    assert [part.shape for part in shown] == [(2, *size, 3) for size in sizes]
    for part in shown:
        np.testing.assert_array_equal(part[1], part[0, :, ::-1])
    if height == 256:
        np.testing.assert_array_equal(shown[0][0], picture)
    elif height == 500:
        pillow = PIL.Image.fromarray(picture).resize((256, 384), PIL.Image.Resampling.BILINEAR)
        np.testing.assert_array_equal(shown[0][0], np.asarray(pillow))


def test_dense_scales_are_the_papers():
    assert [VIEWS[f"dense-{n}"].sides(224) for n in (1, 3, 5)] == [
        (384,),
        (256, 384, 512),
        (224, 256, 384, 480, 640),
    ]
