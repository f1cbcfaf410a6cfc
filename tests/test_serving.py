"""A SavedModel that is served encoded pictures answers as `predict` does of the files."""

import io
import struct
import zlib

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

import keras_classics as kc
from keras_classics import decoding, pictures
from keras_classics.exporting.serving import serving_bytes
from keras_classics.scenes import scenes


def encoded(image, format, **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def turned(orientation):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def with_thumbnail(order, picture, thumbnail):
    """EXIF data that tell how the picture stands, and how its thumbnail does."""
    tag = struct.Struct(f"{order}HHIHH")  # of an IFD: tag, type SHORT, count, value, padding
    ifds = [
        struct.pack(f"{order}H", 1) + tag.pack(0x0112, 3, 1, value, 0) + struct.pack(f"{order}I", following)
        for value, following in ((picture, 26), (thumbnail, 0))
    ]
    return b"Exif\0\0" + {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HI", 42, 8) + b"".join(ifds)


def xmp(orientation):
    return f'<x:xmpmeta><rdf:Description tiff:Orientation="{orientation}"/></x:xmpmeta>'.encode()


def with_late_exif(png, orientation):
    """The PNG with its EXIF data behind its pixels, as the specification allows."""
    body = b"eXIf" + turned(orientation).removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:-12] + chunk + png[-12:]


NOISE = PIL.Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 500, 3), "uint8"))  # packed, above 128 KiB
SCENE = PIL.Image.fromarray(scenes(1, 40, 56)[0])
GHOST = PIL.Image.merge("RGBA", (*SCENE.split(), SCENE.convert("L")))
DEEP = PIL.Image.fromarray(np.random.default_rng(0).integers(0, 2**16, (40, 56), "uint16"))
GOOD = {
    "jpeg": encoded(SCENE, "JPEG"),
    "grey jpeg": encoded(SCENE.convert("L"), "JPEG"),
    "progressive jpeg": encoded(SCENE, "JPEG", progressive=True),
    "png": encoded(SCENE, "PNG"),
    "grey png": encoded(SCENE.convert("L"), "PNG"),
    "palette png": encoded(SCENE.quantize(16), "PNG"),
    "transparent png": encoded(GHOST, "PNG"),
    "transparent palette png": encoded(SCENE.quantize(16), "PNG", transparency=3),
    "transparent colour png": encoded(SCENE, "PNG", transparency=SCENE.getpixel((5, 5))),
    "transparent grey png": encoded(SCENE.convert("L"), "PNG", transparency=SCENE.convert("L").getpixel((5, 5))),
    "grey png with alpha": encoded(GHOST.convert("LA"), "PNG"),
    "png of 16 bits": encoded(DEEP, "PNG"),
    "turned png": encoded(SCENE, "PNG", exif=turned(6)),
    "png turned behind its pixels": with_late_exif(encoded(NOISE, "PNG"), 6),
    "small png turned behind its pixels": with_late_exif(encoded(SCENE, "PNG"), 8),
    "upright jpeg with a turned thumbnail": encoded(SCENE, "JPEG", exif=with_thumbnail("<", 1, 6)),
    "turned jpeg with an upright thumbnail": encoded(SCENE, "JPEG", exif=with_thumbnail(">", 6, 1)),
    "turned jpeg with another's thumbnail": encoded(SCENE, "JPEG", exif=with_thumbnail(">", 3, 8)),
    "jpeg turned by xmp": encoded(SCENE, "JPEG", xmp=xmp(6)),
    "upright jpeg turned by xmp": encoded(SCENE, "JPEG", exif=turned(1), xmp=xmp(6)),
    **{f"jpeg turned {i}": encoded(SCENE, "JPEG", exif=turned(i)) for i in range(1, 9)},
}


@pytest.mark.parametrize("kind", GOOD)
def test_pixels_in_a_graph_are_those_of_the_file(kind):
    import tensorflow as tf

    expected = pictures.read_image(io.BytesIO(GOOD[kind]))
    for decode in (decoding.decode_in_graph, decoding.decode_contents):
        np.testing.assert_array_equal(tf.function(decode)(tf.constant(GOOD[kind])).numpy(), expected)


def test_pictures_that_stand_otherwise_than_their_thumbnails():
    """Lest the test above compare what Pillow does not turn either."""
    for kind, shape in (
        ("upright jpeg with a turned thumbnail", (40, 56, 3)),
        ("turned jpeg with an upright thumbnail", (56, 40, 3)),
        ("jpeg turned by xmp", (56, 40, 3)),
        ("upright jpeg turned by xmp", (40, 56, 3)),
        ("png turned behind its pixels", (500, 300, 3)),
    ):
        assert pictures.read_image(io.BytesIO(GOOD[kind])).shape == shape, kind


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (encoded(SCENE, "GIF"), "neither JPEG nor PNG"),
        (b"", "neither JPEG nor PNG"),
        (encoded(SCENE.convert("CMYK"), "JPEG"), "four components"),
        (GOOD["jpeg"][:300], "JPEG"),
        (GOOD["png"][:300], "PNG"),
    ],
)
def test_what_is_no_picture_is_refused(bad, message):
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        tf.function(decoding.decode_in_graph)(tf.constant(bad))


def test_a_picture_too_large_is_refused(monkeypatch):
    import tensorflow as tf

    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 1000)
    for kind in ("jpeg", "png"):
        with pytest.raises(tf.errors.InvalidArgumentError, match="too large"):
            tf.function(decoding.decode_in_graph)(tf.constant(GOOD[kind]))


def test_a_served_model_answers_as_predict_does(tmp_path):
    """Names and probabilities of a network with scores for outputs, whose pictures are resized and cropped."""
    import tensorflow as tf

    model = kc.ResNet20(input_shape=(16, 16, 3), classes=7, classifier_activation=None, seed=0)
    names = [f"thing {i}" for i in range(7)]
    kc.export(model, tmp_path / "served", class_names=names)
    serve = tf.saved_model.load(str(tmp_path / "served")).signatures["serving_bytes"]
    kinds = ["jpeg", "png", "jpeg turned 6"]
    answers = serve(image_bytes=tf.constant([GOOD[kind] for kind in kinds]))
    images = [pictures.read_image(io.BytesIO(GOOD[kind])) for kind in kinds]
    expected = kc.predict(model, images, 7, names)
    for i, rows in enumerate(expected):
        assert [name.decode() for name in answers["class_names"][i].numpy()] == [name for _, name, _ in rows[:5]]
        scores = np.array([score for *_, score in rows])
        likely = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
        np.testing.assert_allclose(answers["probabilities"][i], likely[:5], atol=1e-5)
        np.testing.assert_allclose(np.sort(answers["predictions"][i])[::-1], scores, atol=1e-4)


def test_weights_of_a_known_data_set_name_their_classes(tmp_path):
    import tensorflow as tf

    kc.export(kc.LeNet5(weights="mnist"), tmp_path / "served")
    serve = tf.saved_model.load(str(tmp_path / "served")).signatures["serving_bytes"]
    answer = serve(image_bytes=tf.constant([GOOD["grey png"]]))
    assert set(answer["class_names"][0].numpy().astype(str)) <= set("0123456789")


def test_the_probability_of_the_only_class_is_what_it_is():
    model = kc.ResNet20(classes=1, classifier_activation="sigmoid", seed=0)
    answer, _ = serving_bytes(model, (), False)
    [[(_, _, expected)]] = kc.predict(model, np.asarray(SCENE))
    assert answer(tf.constant([GOOD["png"]]))["probabilities"].numpy() == pytest.approx(expected, abs=1e-5)
    assert 0 < expected < 1


def test_pictures_that_are_not_square_have_no_signature_of_their_own():
    assert serving_bytes(kc.ResNet20(input_shape=(32, 48, 3)), (), True) is None
