"""Networks in blocks, and the drawing of them."""

import keras
import PIL.Image
import pytest
import small

import keras_classics as kc
from keras_classics import architecture, complexity
from keras_classics.architecture import Branches, Step
from keras_classics.errors import ClassicsError
from keras_classics.plots import model as picture

MOST = 40  # boxes that a picture may have


def told(body):
    """A body as text: steps by ">", branches by "|"."""
    parts = []
    for part in body:
        if isinstance(part, Branches):
            parts.append(f"{part.join}[{' | '.join(map(told, part.branches))}]")
        else:
            parts.append(part.label + (f" x{part.times}" if part.times > 1 else ""))
    return " > ".join(parts)


def named(model):
    return {architecture.title(block.names): block for block in architecture.blocks(model)}


def check(model):
    """Every layer is in one box, and the boxes' sums are the model's."""
    blocks = architecture.blocks(model)
    boxes = [box for block in blocks for box in (block, *block.heads)]
    assert len(boxes) <= MOST
    assert sorted(layer for box in boxes for layer in box.layers) == sorted(layer.name for layer in model.layers)
    assert sum(box.params for box in boxes) == complexity.count_params(model)
    assert sum(box.macs for box in boxes) == complexity.count_macs(model)
    by_name = {layer.name: layer for layer in model.layers}
    for box in boxes:
        weighty = any(by_name[layer].trainable_weights for layer in box.layers)
        assert bool(box.params) == weighty
        assert box.body or not weighty
    assert {block.stride for block in blocks} - {None} == set(complexity.stages(model).values())
    return blocks


PAGES = ["resnet1001_v2", *(name for name in kc.list_models() if kc.get_model(name).params < 8e6)]
CHAINS = ("lecun", "lenet", "alexnet", "nin", "vgg", "plainnet")


@pytest.mark.structure
@pytest.mark.parametrize("name", PAGES)
def test_a_network_is_a_page_of_boxes(name):
    blocks = check(kc.create_model(name))
    branches = any(isinstance(part, Branches) for block in blocks for part in block.body)
    assert branches != name.startswith(CHAINS)


@pytest.mark.parametrize("name", small.SMALL)
def test_every_family_is_drawn(name, tmp_path):
    blocks = check(small.build(name, seed=0))
    picture.draw(blocks, tmp_path / "model.png", name)
    width, height = PIL.Image.open(tmp_path / "model.png").size
    assert 0.5 < width / height < 4


def test_googlenet_has_its_branches_and_heads():
    blocks = named(kc.InceptionV1(aux_heads=True))
    module = blocks["inception_3a"]
    assert told(module.body) == "concat[1x1, 64 | 1x1, 96 > 3x3, 128 | 1x1, 16 > 5x5, 32 | max 3x3 > 1x1, 32]"
    assert (module.output_shape, module.params, module.stride) == ((28, 28, 256), 163_696, 8)
    heads = {name: [told(head.body) for head in block.heads] for name, block in blocks.items() if block.heads}
    assert set(heads) == {"inception_4a", "inception_4d"}
    assert heads["inception_4a"] == ["avg 5x5, /3 > 1x1, 128 > dense, 1024 > dense, 1000"]


def test_equal_units_are_one_box():
    blocks = named(kc.ResNet50())
    assert list(blocks)[2:6] == ["pool1", "conv2_block1", "conv2_block2 to block3", "conv3_block1"]
    assert told(blocks["conv2_block1"].body) == "add[1x1, 256 | 1x1, 64 > 3x3, 64 > 1x1, 256]"
    assert told(blocks["conv2_block2 to block3"].body) == "add[ | 1x1, 64 > 3x3, 64 > 1x1, 256]"
    assert blocks["conv4_block2 to block6"].names == tuple(f"conv4_block{n}" for n in range(2, 7))
    dense = named(kc.DenseNet121())["dense3_layer1 to layer24"]  # their inputs grow
    assert (told(dense.body), dense.output_shape) == ("concat[ | 1x1, 128 > 3x3, 32]", (14, 14, 1024))


def test_branches_may_part_again():
    body = told(named(kc.InceptionV4())["inception_c1 to c3"].body)
    assert "1x1, 384 > concat[1x3, 256 | 3x1, 256]" in body


def test_cells_that_read_two_cells_are_sums():
    blocks = named(kc.NASNetMobile())
    cells = blocks["stage1_cell2 to cell4"]
    ready, sums = cells.body
    assert told([ready]) == "[1x1, 44 | 1x1, 44]"
    assert told(sums.branches[0]) == "sep 5x5, 44 x2 > + > sep 3x3, 44 x2"
    assert len(sums.branches) == 5


def test_a_network_of_other_names_is_told_by_its_graph():
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, padding="same")(image)
    for _ in range(3):
        y = keras.layers.Conv2D(4, 3, padding="same")(x)
        y = keras.layers.BatchNormalization()(y)
        x = keras.layers.Activation("relu")(keras.layers.Add()([x, y]))
    model = keras.Model(image, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(x)))
    blocks = check(model)
    assert [told(block.body) for block in blocks[1:]] == ["3x3, 4", "add[ | 3x3, 4]", "global average", "dense, 2"]
    assert [len(block.names) for block in blocks] == [1, 1, 3, 1, 1]


def test_what_has_no_graph_is_refused():
    with pytest.raises(ClassicsError, match="no graph of layers"):
        architecture.blocks(keras.Sequential([keras.layers.Dense(2)], name="mine"))


def test_steps_are_told_in_the_papers_words():
    image = keras.Input((8, 8, 4))
    x = keras.layers.Conv2D(8, (1, 7), strides=2, groups=2)(image)
    model = keras.Model(image, keras.layers.DepthwiseConv2D(1)(x))
    assert [b.body for b in architecture.blocks(model)[1:]] == [
        (Step("1x7, 8, g2, /2", "convolution"),),
        (Step("dw 1x1", "convolution"),),
    ]
