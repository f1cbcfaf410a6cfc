"""A SavedModel that takes encoded pictures, as a server gets them."""

from collections.abc import Callable, Sequence

import keras

from keras_classics import decoding, feed, preprocessing
from keras_classics.zoo import variant_of

TOP = 5  # of the likeliest classes


def serving_bytes(model: keras.Model, labels: Sequence[str], probabilities: bool) -> tuple[Callable, list] | None:
    """The signature "serving_bytes" of a SavedModel: a function on TensorFlow, and what it takes.

    It takes "image_bytes", strings (N,) with a JPEG or PNG each, and prepares the pictures as `predict` does, but for
    colour profiles, which it ignores. It gives, the likeliest first, "class_names" and "probabilities" (N, 5), or of
    all classes where there are fewer, and all "predictions" (N, classes) in the order of the outputs.

    Args:
        model: for inference.
        labels: the class names in the order of the outputs; without any they are called "class 0", "class 1" ...
        probabilities: whether the model's outputs are; their softmax is told otherwise.

    Returns:
        None where the model does not tell how its pictures are prepared, takes none that are square, or has no classes.
    """
    import tensorflow as tf

    if preprocessing.provenance(model) is None or not feed.has_classes(model) or not feed.is_square(model):
        return None
    made, classes = feed.feed_of(model, variant_of(model)), model.output_shape[-1]
    picture = tf.TensorSpec((made.image_size, made.image_size, made.channels), tf.float32)
    names = list(labels) or [f"class {i}" for i in range(classes)]

    def answer(image_bytes):
        pictures = tf.map_fn(
            lambda encoded: made.fit(decoding.decode_in_graph(encoded)), image_bytes, fn_output_signature=picture
        )
        predictions = model(made.model_input(pictures), training=False)
        likely = predictions if probabilities or classes == 1 else tf.nn.softmax(predictions)
        best, places = tf.math.top_k(likely, min(TOP, classes))
        return {"class_names": tf.gather(tf.constant(names), places), "probabilities": best, "predictions": predictions}

    return answer, [tf.TensorSpec((None,), tf.string, name="image_bytes")]
