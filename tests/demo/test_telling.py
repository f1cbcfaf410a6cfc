"""What the page says of errors: enough to mend them, and nothing of the machine."""

import numpy as np
import pytest

from keras_classics.demo import telling
from keras_classics.errors import ClassicsError


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("'/home/anna/runs/a/best.keras' is damaged.", "'best.keras' is damaged."),
        ("No file /tmp/x/y.png here", "No file y.png here"),
        ("Put it at '~/.keras/x.h5', or at 'C:\\Users\\anna\\x.h5'.", "Put it at 'x.h5', or at 'x.h5'."),
        ("See https://arxiv.org/abs/1409.4842 or torchvision/IMAGENET1K_V1.", None),
        ("It has 8/16 bits and pixels of (0..255 - 3) / 4.", None),
        ("'A picture' is no image.", "The file is no image."),
    ],
)
def test_an_error_is_told_without_a_path(said, shown):
    assert telling.in_words(ClassicsError(said)) == (said if shown is None else shown)


def test_what_nobody_foresaw_is_not_shown_but_printed(capsys):
    def broken():
        raise RuntimeError("secret /root/x")

    told = telling.told(broken)()
    assert "secret" not in told
    assert 'role="alert"' in told
    assert "secret /root/x" in capsys.readouterr().err


def test_texts_are_text_and_never_html():
    for html in (
        telling.alert("<script>"),
        telling.note("<b>"),
        telling.bars([("<i>", 0.5, "<u>")]),
        telling.picture(np.zeros((2, 2)), '"><script>'),
    ):
        assert not any(tag in html for tag in ("<script>", "<b>", "<i>", "<u>"))


def test_large_pictures_are_made_smaller():
    small, large = (len(telling.picture(np.zeros((side, side)), "")) for side in (640, 1280))
    assert small == large
