"""Files of other frameworks are read as their own code reads them, and hostile ones are refused without a trace."""

import argparse
import collections
import io
import json
import os
import pathlib
import pickle
import struct
import zipfile

import h5py
import numpy as np
import peers
import pytest
from pseudo_random import tensor

import keras_classics as kc
from keras_classics.weights import torch_file
from keras_classics.weights.read import kind_of, read

torch = pytest.importorskip("torch")


def state():
    """Tensors of several types and layouts."""
    plain = {
        name: torch.from_numpy(tensor(name, shape)) for name, shape in {"a.weight": (4, 3, 2, 2), "b": (5,)}.items()
    }
    return collections.OrderedDict(
        **plain,
        transposed=plain["a.weight"].transpose(0, 1),
        part=plain["a.weight"][1:3, 2],
        half=plain["b"].half(),
        brain=plain["b"].bfloat16(),
        double=plain["b"].double(),
        count=torch.tensor(7),
        parameter=torch.nn.Parameter(plain["b"]),
    )


def save(path, value, legacy=False):
    torch.save(value, path, _use_new_zipfile_serialization=not legacy)
    return path


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("wrap", [dict, lambda s: {"state_dict": {f"module.{k}": v for k, v in s.items()}, "epoch": 3}])
def test_torch_files(legacy, packed, wrap, tmp_path):
    path = save(tmp_path / "net.pth", wrap(state()), legacy)
    if packed:
        with zipfile.ZipFile(tmp_path / "net.pth.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, "net.pth")
        path = tmp_path / "net.pth.zip"
    assert kind_of(path) == "torch"
    tensors = read(path).tensors
    assert set(tensors) == set(state())
    for name, value in state().items():
        np.testing.assert_array_equal(tensors[name], value.detach().float().numpy(), err_msg=name)


def test_a_module_state_dict_with_its_versions(tmp_path):
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.BatchNorm2d(2))
    tensors = read(save(tmp_path / "net.pth", net.state_dict())).tensors
    assert list(tensors) == list(net.state_dict())


def test_safetensors(tmp_path):
    arrays = {"a.weight": tensor("a.weight", (4, 3)), "b": tensor("b", (5,))}
    path = peers.write_safetensors(tmp_path / "any.name", arrays)
    assert kind_of(path) == "safetensors"
    tensors = read(path).tensors
    for name, array in arrays.items():
        np.testing.assert_array_equal(tensors[name], array)


class Calls:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def bad_pickle(value):
    """A torch archive whose structure is a pickle of any value."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(value, 2))
        archive.writestr("archive/version", "3\n")
    return data.getvalue()


def zip_of(members, compression=zipfile.ZIP_DEFLATED):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def torch_bytes(value, legacy=False):
    data = io.BytesIO()
    save(data, value, legacy)
    return data.getvalue()


def h5_bytes(write):
    data = io.BytesIO()
    with h5py.File(data, "w") as h5:
        h5.attrs["layer_names"] = [b"conv1"]
        group = h5.create_group("conv1")
        group.attrs["weight_names"] = [b"kernel:0"]
        write(h5, group)
    return data.getvalue()


def onnx_bytes(**tensor_fields):
    import onnx

    weight = onnx.numpy_helper.from_array(np.ones((2, 3, 1, 1), "float32"), "conv1_w_0")
    for field, value in tensor_fields.items():
        setattr(weight, field, value)
    if tensor_fields.get("data_location"):
        weight.external_data.add(key="location", value="/etc/passwd")
    node = onnx.helper.make_node("Conv", ["x", "conv1_w_0"], ["y"])
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, (1, 3, 1, 1))
    graph = onnx.helper.make_graph([node], "net", [value], [value], [weight])
    return onnx.helper.make_model(graph).SerializeToString()


def legacy_header():
    return b"".join(pickle.dumps(v, 2) for v in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))


def tensor_of(size, shape, strides, offset=0, stored=4):
    """A torch archive of one tensor that may lie about its storage."""
    lies = {
        "net": torch_file.Tensor(torch_file.Storage("FloatStorage", "0", size), offset, shape, strides),
    }

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            if isinstance(value, torch_file.Storage):
                return ("storage", torch.FloatStorage, value.key, "cpu", value.size)
            return None

        def reducer_override(self, value):
            if isinstance(value, torch_file.Tensor):
                return torch._utils._rebuild_tensor_v2, (*value, False, collections.OrderedDict())
            return NotImplemented

    data = io.BytesIO()
    Pickler(data, 2).dump(lies)
    return zip_of({"a/data.pkl": data.getvalue(), "a/data/0": b"\0" * 4 * stored}, zipfile.ZIP_STORED)


def doubling(h5, group):
    """40 groups, each by two names in the one before: 2^40 ways to the last."""
    for _ in range(40):
        inner = group.create_group("a")
        group["b"] = inner
        group = inner


def many_names(h5, group):
    """A megabyte of zeros, which packs well, by 60 names."""
    inner = group.create_group("a")
    inner.create_dataset("kernel:0", data=np.zeros(1 << 18, "float32"), compression="gzip")
    for number in range(60):
        group[f"a{number}"] = inner


def safetensors_of(table, data):
    header = json.dumps(table).encode()
    return struct.pack("<Q", len(header)) + header + data


TOUCHED = "touched-by-a-checkpoint"
GOOD = {"a": np.ones((4, 3), "float32")}
WHOLE = torch_bytes(state())
OLD = torch_bytes(state(), legacy=True)
HOSTILE = {
    "a pickle that calls os.system": (bad_pickle(Calls(os.system, f"touch {TOUCHED}")), "posix.system"),
    "the same, before torch 1.6": (
        legacy_header() + pickle.dumps(Calls(os.system, f"touch {TOUCHED}"), 2),
        "posix.system",
    ),
    "the same, in an archive": (
        zip_of({"net.pth": bad_pickle(Calls(os.system, f"touch {TOUCHED}"))}),
        "posix.system",
    ),
    "a pickle that evaluates code": (bad_pickle({"a": Calls(eval, f"open({TOUCHED!r}, 'w')")}), "eval"),
    "a pickle of an object": (
        bad_pickle(pathlib.PurePosixPath("x")),
        r"pathlib.PurePosixPath, .* Save the state dict alone: torch.save\(model.state_dict\(\)",
    ),
    "a pickle that reaches into an object": (bad_pickle(Calls(getattr, "x", "upper")), "getattr"),
    "a pickle that changes what it finds": (
        zip_of({"a/data.pkl": b"\x80\x02ccollections\nOrderedDict\nNX\x04\x00\x00\x00evilK\x01s\x86b."}),
        "damaged",
    ),
    "a pickle that changes what stands for another": (
        zip_of({"a/data.pkl": b"\x80\x02cargparse\nNamespace\n}X\x04\x00\x00\x00evilK\x01sb."}),
        "damaged",
    ),
    "a pickle that asks for a vast table": (zip_of({"a/data.pkl": b"\x80\x02}r\xff\xff\xff\x7f."}), "no tensors"),
    "a pickle that asks for vast bytes": (  # of which it holds none: 16 TB would end the process
        legacy_header()[: len(torch_file.LEGACY)] + b"\x80\x05\x96" + struct.pack("<Q", 1 << 44) + b".",
        "damaged",
    ),
    "a pickle alone": (pickle.dumps(state(), 2), "no weights file"),
    "cut off": (WHOLE[: len(WHOLE) // 2], "damaged|cut off"),
    "cut off, before torch 1.6": (OLD[: len(OLD) - 40], "cut off"),
    "cut off in its structure": (OLD[:300], "damaged"),
    "empty": (b"", "no weights file"),
    "wrong magic": (b"\x89PNG\r\n\x1a\n" + bytes(100), "no weights file"),
    "text": (b"<html>404: not found</html>", "no weights file"),
    "no tensors": (torch_bytes({"epoch": 3}), "no tensors"),
    "no dictionary": (torch_bytes([1, 2]), "no dictionary"),
    "not a number": (torch_bytes({"a": torch.tensor([1.0, float("nan")])}), "a holds numbers that are not finite"),
    "infinite": (torch_bytes({"a": torch.tensor([float("inf")])}), "not finite"),
    "a tensor beyond its storage": (tensor_of(4, (2, 2), (2, 1), offset=1), "beyond its storage"),
    "a tensor with a negative stride": (tensor_of(4, (2,), (-1,)), "no view of its storage"),
    "a tensor larger than its storage": (tensor_of(4, (1 << 40, 4), (0, 1)), "no view of its storage"),
    "a storage of another size": (tensor_of(4, (2, 2), (2, 1), stored=3), "other sizes"),
    "a missing storage": (zip_of({"a/data.pkl": zipfile.ZipFile(io.BytesIO(WHOLE)).read("archive/data.pkl")}), "lacks"),
    "a zip bomb": (zip_of({"net.pth": bytes(30 << 20)}), "too much"),
    "a zip bomb within a torch file": (zip_of({"a/data.pkl": b".", "a/data/0": bytes(30 << 20)}), "too much"),
    "a path out of the archive": (zip_of({f"../../{TOUCHED}": b"x" * 10}), "outside"),
    "an absolute path": (zip_of({f"/tmp/{TOUCHED}": b"x" * 10}), "outside"),
    "several files": (zip_of({"a.pth": b"x", "b.pth": b"x"}), "not of a state dict"),
    "safetensors cut off": (struct.pack("<Q", 900) + b'{"a": {', "cut off"),
    "an HDF5 link to another file": (
        h5_bytes(lambda h5, group: group.__setitem__("kernel:0", h5py.ExternalLink("/etc/passwd", "/"))),
        "lies elsewhere",
    ),
    "HDF5 data in another file": (
        h5_bytes(lambda h5, group: group.create_dataset("kernel:0", (9,), "u1", external=[("/etc/passwd", 0, 9)])),
        "another file",
    ),
    "an HDF5 bomb": (
        h5_bytes(lambda h5, group: group.create_dataset("kernel:0", (1 << 14, 1 << 14), "f4", chunks=True)),
        "too much",
    ),
    "HDF5 whose groups double": (h5_bytes(doubling), "no layers|damaged"),
    "an HDF5 group of many names": (h5_bytes(many_names), "too much"),
    "HDF5 groups in each other": (h5_bytes(lambda h5, group: group.__setitem__("a", group)), "stand in each other"),
    "safetensors that overlap": (
        safetensors_of({name: {"dtype": "BF16", "shape": [8], "data_offsets": [0, 16]} for name in "ab"}, bytes(16)),
        "overlap",
    ),
    "an HDF5 file cut off": (
        h5_bytes(lambda h5, group: group.create_dataset("kernel:0", data=np.ones(999)))[:900],
        "damaged",
    ),
    "HDF5 not a number": (
        h5_bytes(lambda h5, group: group.create_dataset("kernel:0", data=np.full((2, 2), np.nan))),
        "not finite",
    ),
    "ONNX data in another file": (onnx_bytes(data_location=1), "other files"),
    "ONNX cut off": (onnx_bytes()[:-5], "no ONNX model"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_and_broken_files_are_refused_without_a_trace(case, tmp_path, monkeypatch):
    content, message = HOSTILE[case]
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "file.pth"
    path.write_bytes(content)
    known = {key: vars(type(value)).copy() for key, value in torch_file.KNOWN.items() if not isinstance(value, str)}
    with pytest.raises(kc.ClassicsError, match=message) as caught:
        kc.ResNet20(weights=path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["file.pth"]
    assert not pathlib.Path("/tmp", TOUCHED).exists()
    assert known == {k: dict(vars(type(v))) for k, v in torch_file.KNOWN.items() if not isinstance(v, str)}


@pytest.mark.parametrize("legacy", [False, True])
def test_a_trainings_checkpoint_with_its_arguments(legacy, tmp_path):
    """As timm and torchvision write; what they say of the training is not read."""
    told = argparse.Namespace(lr=0.1, model="resnet50", sizes=[1, 2])
    path = save(tmp_path / "x.pth", {"model": {"a": torch.ones((4, 3))}, "args": told, "epoch": 3}, legacy)
    assert set(read(path).tensors) == {"a"}


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.", "_orig_mod.module.", "module._orig_mod."])
def test_names_as_torch_compile_and_parallel_training_have_them(prefix, tmp_path):
    assert set(read(save(tmp_path / "x.pth", {f"{prefix}a.weight": torch.ones((4, 3))})).tensors) == {"a.weight"}


@pytest.mark.parametrize(("key", "averaged"), [("state_dict", "state_dict_ema"), ("model", "model_ema")])
def test_averaged_weights_beside_others_are_told(key, averaged, tmp_path):
    """As timm and torchvision's references write; their accuracies are often of those."""
    average = {"n_averaged": torch.tensor(7), "module.a": torch.full((4, 3), 2.0)}
    torch.save({key: {"a": torch.ones((4, 3))}, averaged: average}, tmp_path / "x.pth")
    with pytest.warns(UserWarning, match=f"averaged weights too .'{averaged}'.*those of '{key}' are taken"):
        taken = read(tmp_path / "x.pth").tensors
    torch.save(average, tmp_path / "y.pth")
    alone = read(tmp_path / "y.pth").tensors
    assert (taken["a"].mean(), alone["a"].mean()) == (1, 2)


@pytest.mark.parametrize("changes", [{"shape": [5, 3]}, {"dtype": "F64"}, {"data_offsets": [-4, 44]}])
def test_safetensors_that_lie(changes, tmp_path):
    with pytest.raises(kc.ClassicsError, match="another size|damaged"):
        read(peers.write_safetensors(tmp_path / "x.safetensors", GOOD, **changes))


def test_safetensors_of_a_type_that_is_not_read(tmp_path):
    with pytest.raises(kc.ClassicsError, match="tensor a is of the type F8_E4M3, which is not read; save it as F32"):
        read(peers.write_safetensors(tmp_path / "x.safetensors", GOOD, dtype="F8_E4M3"))


def test_onnx_needs_its_package(tmp_path, monkeypatch):
    (tmp_path / "x.onnx").write_bytes(onnx_bytes())
    assert list(read(tmp_path / "x.onnx").tensors) == ["conv1.weight"]
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(kc.ClassicsError, match="pip install onnx"):
        read(tmp_path / "x.onnx")


def onnx_file(path, *nodes, **tensors):
    import onnx

    helper, value = onnx.helper, onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, (1, 3, 1, 1))
    stored = [onnx.numpy_helper.from_array(np.array(of, "float32"), name) for name, of in tensors.items()]
    made = [helper.make_node(kind, reads, writes, **attributes) for kind, reads, writes, attributes in nodes]
    graph = helper.make_graph(made, "net", [value], [value], stored)
    path.write_bytes(helper.make_model(graph).SerializeToString())
    return path


@pytest.mark.parametrize("order", [1, -1])
def test_an_onnx_norm_takes_in_its_scale_wherever_the_constant_stands(order, tmp_path):
    norm = ("BatchNormalization", ["x", "bn_scale_0", "shift", "mean", "variance"], ["a"], {})
    scale = [("Mul", ["a", "factor"][::order], ["b"], {}), ("Add", ["b", "more"][::order], ["y"], {})]
    constants = {"bn_scale_0": [1, 2], "shift": [3, 4], "mean": [0, 0], "variance": [1, 1]}
    path = onnx_file(tmp_path / "x.onnx", norm, *scale, **constants, factor=[10, 100], more=[5, 6])
    tensors = read(path).tensors
    np.testing.assert_array_equal(tensors["bn.weight"], [10, 200])
    np.testing.assert_array_equal(tensors["bn.bias"], [35, 406])


def test_an_onnx_gemm_that_does_more_than_a_dense_layer_is_refused(tmp_path):
    def network(**attributes):
        weights = {"fc_w_0": [[1, 2, 3], [4, 5, 6]], "bias": [7, 8, 9]}
        return onnx_file(tmp_path / "x.onnx", ("Gemm", ["x", "fc_w_0", "bias"], ["y"], attributes), **weights)

    plain = read(network(alpha=1.0, beta=1.0, transA=0)).tensors
    np.testing.assert_array_equal(plain["fc.weight"], [[1, 4], [2, 5], [3, 6]])
    for attributes in ({"alpha": 0.5}, {"beta": 0.0}, {"transA": 1}):
        with pytest.raises(kc.ClassicsError, match="Its layer fc scales or turns what it multiplies"):
            read(network(**attributes))
