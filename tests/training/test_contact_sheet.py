"""A contact sheet shows what training sees."""

import dataclasses
import shutil

import numpy as np
import PIL.Image
import pytest

from keras_classics import datasets, preprocessing
from keras_classics.errors import ClassicsError
from keras_classics.feed import feed_of, feed_of_default
from keras_classics.zoo import get_model
from training import contact_sheet, get_recipe, train_batches
from training.augment import CutMix, Flip, MixUp, PCAColour, RandomAreaCrop, ScaleJitterCrop
from training.cli import main
from training.networks import network
from training.whitening import fitted, whitened

RAW = (ScaleJitterCrop(36, 48, 32), Flip(), PCAColour())
RECIPES = {
    "of operations on a fitted image": get_recipe("resnet20-cifar10"),
    "of a crop": dataclasses.replace(get_recipe("resnet20-cifar10"), augment=RAW),
    "of batches": dataclasses.replace(get_recipe("resnet20-cifar10"), augment_batch=(MixUp(0.4), CutMix(1.0))),
    "of nothing": dataclasses.replace(get_recipe("resnet20-cifar10"), augment=()),
    "of digits": get_recipe("lenet5_distorted-mnist"),
}


@pytest.fixture
def drawn(monkeypatch):
    """The rows that are drawn."""
    seen = []
    monkeypatch.setattr("keras_classics.plots.contact_sheet.draw", lambda rows, path, title: seen.extend(rows))
    return seen


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_the_sheet_shows_the_first_images_of_a_run_with_its_seed(recipe, drawn, picture_folder):
    recipe = recipe.replace(batch_size=4)
    data = "mnist_sample" if recipe.dataset == "mnist" else str(picture_folder)
    contact_sheet.show(recipe, data, count=6, seed=5)
    model = get_model(recipe.model)()
    stream, _ = train_batches(recipe, datasets.load(data), model, seed=5)
    batches = [batch for batch, _ in stream.take(2).as_numpy_iterator()]
    read = [row[-1][1] for row in drawn]
    assert len(read) == 6
    normalization = get_model(recipe.model).normalization
    again = preprocessing.normalize(np.stack(read), normalization)
    np.testing.assert_allclose(again, np.concatenate(batches)[:6], atol=1e-4)


def test_a_whitened_image_is_shown_stretched_beside_its_original(drawn, picture_folder):
    recipe = RECIPES["of operations on a fitted image"].replace(batch_size=4, pixels="per_pixel_mean")
    contact_sheet.show(recipe, str(picture_folder), count=3, seed=5)
    data = datasets.load(str(picture_folder))
    known = fitted(recipe, data, print)
    pixels = whitened(recipe, data, known)
    stream, _ = train_batches(recipe, pixels, network(recipe, 0), seed=5)
    batch, _ = next(stream.as_numpy_iterator())
    for row, read in zip(drawn, batch, strict=False):
        headings = [heading for heading, _, _ in row]
        assert headings == ["stored", "per_pixel_mean", "fitted", "PadAndCrop", "Flip", "what the network reads"]
        shown = row[-1][1] / 255 * (read.max() - read.min()) + read.min()
        np.testing.assert_allclose(shown, read, atol=1e-3)
        mean = preprocessing.fit(row[0][1], 32, 32, 3).numpy() - known["mean"]
        again = row[1][1] / 255 * (mean.max() - mean.min()) + mean.min()
        np.testing.assert_allclose(again, mean, atol=1e-2)


def test_each_operation_has_its_picture_and_its_numbers(drawn, picture_folder):
    recipe = RECIPES["of batches"].replace(batch_size=4)
    contact_sheet.show(recipe, str(picture_folder), count=2)
    headings = ["stored", "fitted", "PadAndCrop", "Flip", "MixUp", "CutMix", "what the network reads"]
    for row in drawn:
        assert [heading for heading, _, _ in row] == headings
        captions = [caption for _, _, caption in row]
        assert captions[0].startswith("digit_")
        assert captions[0].endswith("28 x 28")
        assert captions[2].startswith("corner (")
        assert captions[3] in ("mirrored yes", "mirrored no")
        assert captions[4].startswith("partner ")
        shares = [float(line.split()[1]) for line in captions[6].splitlines()[2:]]
        assert 1 <= len(shares) <= 4
        assert sum(shares) == pytest.approx(1, abs=0.03)
        flip = row[2][1][:, ::-1] if captions[3] == "mirrored yes" else row[2][1]
        np.testing.assert_array_equal(row[3][1], flip)


def test_what_is_drawn_from_a_list_is_told_by_its_name(drawn, picture_folder):
    crop = RandomAreaCrop(32, interpolations=("nearest", "area"))
    contact_sheet.show(RECIPES["of a crop"].replace(augment=(crop,)), str(picture_folder), count=8)
    told = {row[1][2].splitlines()[-1] for row in drawn}
    assert told == {"interpolation nearest", "interpolation area"}


@pytest.mark.parametrize("name", ["lenet5", "lecun1989", "resnet20", "alexnet_owt"])
def test_a_record_tells_the_feed_that_its_network_has(name):
    variant = get_model(name)
    assert feed_of_default(variant) == feed_of(variant(), variant)


def test_the_command_draws_a_folder_of_any_classes_and_rendered_scenes(picture_folder, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "two"
    for name in ("digit_0", "digit_1"):
        shutil.copytree(picture_folder / "train" / name, folder / name)
    out = tmp_path / "new" / "sheet.png"
    main(["show-augment", "resnet152-imagenet", "--data", str(folder), "--images", "2", "--out", str(out)])
    assert str(out) in capsys.readouterr().out.replace("\n", "")
    with PIL.Image.open(out) as sheet:
        assert sheet.width > sheet.height > 300

    def not_here(*_):
        raise ClassicsError("It is not here.")

    monkeypatch.setattr(datasets, "load", not_here)
    main(["show-augment", "alexnet-imagenet", "--images", "1", "--out", str(out)])
    assert "rendered scenes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["resnet50-imagent"], "Did you mean 'resnet50-imagenet'?"),
        (["lenet5-mnist", "--images", "0"], "A contact sheet shows 1 to 100 images, not 0."),
        (["lenet5-mnist", "--seed", "-1"], "A seed is a whole number from 0 to"),
        (["lenet5-mnist", "--out", "sheet.jpg"], "name it 'sheet.png', not 'sheet.jpg'."),
        (["lenet5-mnist", "--data", "mnist_sample", "--out", "file/sheet.png"], "Cannot write 'file/sheet.png'"),
        (["lenet5-mnist", "--data", "./nowhere"], "There is no"),
        (["lenet5-mnist", "--data", "empty"], "'empty' holds no class folders"),
    ],
)
def test_mistakes_are_told_in_one_line(arguments, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit) as stopped:
        main(["show-augment", *arguments])
    assert stopped.value.code
    printed = capsys.readouterr().err.strip().splitlines()
    assert len(printed) == 1
    assert told in printed[0]
