import collections
import io
import pickle
import struct
import zipfile

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from tltf import errors
from tltf.fetch import torch_pickle

DTYPES = {
    "<f4": "FloatStorage",
    "<f8": "DoubleStorage",
    "<f2": "HalfStorage",
    "<i8": "LongStorage",
    "<i4": "IntStorage",
    "u1": "ByteStorage",
}
STATE = collections.OrderedDict(
    kernel=np.arange(24, dtype="<f4").reshape(2, 3, 4) - 7.5,
    mean=np.array([1.5, -2.25], "<f8"),
    half=np.array([0.5, 3.0], "<f2"),
    count=np.array(7, "<i8"),
)


class Name:
    """Stands for a global that this machine does not have."""

    def __init__(self, path):
        self.path = path


class Tensor:
    def __init__(self, key, array, **changes):
        self.key, self.array, self.changes = key, array, changes

    def description(self):
        steps = tuple(n // self.array.itemsize for n in self.array.strides)
        given = {"offset": 0, "shape": self.array.shape, "strides": steps}
        return {**given, **self.changes}


class Writer(pickle._Pickler):
    """Writes what torch.save writes, without torch."""

    legacy = True

    def save(self, thing, *rest, **named):
        if isinstance(thing, Name):
            module, _, name = thing.path.rpartition(".")
            self.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())
        elif isinstance(thing, Tensor):
            told = thing.description()
            self.save(Name("torch._utils._rebuild_tensor_v2"))
            array = thing.array
            storage = (
                "storage",
                Name(f"torch.{DTYPES[array.dtype.str.replace('|', '')]}"),
                thing.key,
                "cpu",
                array.size,
                *([None] if self.legacy else []),
            )
            self.write(pickle.MARK)
            self.save(storage)
            self.write(pickle.BINPERSID)
            for name in ("offset", "shape", "strides"):
                self.save(told[name])
            self.save(False)
            self.save(collections.OrderedDict())
            self.write(pickle.TUPLE + pickle.REDUCE)
        else:
            super().save(thing, *rest, **named)


def pickled(thing, legacy=True):
    stream = io.BytesIO()
    writer = Writer(stream, 2)
    writer.legacy = legacy
    writer.dump(thing)
    return stream.getvalue()


def tensors(state, **changes):
    named = [(name, Tensor(str(i), array)) for i, (name, array) in enumerate(state)]
    for name, tensor in named:
        tensor.changes = changes.get(name, {})
    return collections.OrderedDict(named)


def legacy(tree, arrays):
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}
    ahead = (0x1950A86A20F9469CFC6C, 1001, system, tree, [k for k, _ in arrays])
    body = b"".join(map(pickled, ahead))
    for _, array in arrays:
        body += struct.pack("<q", array.size) + array.tobytes()
    return body


def zipped(tree, arrays, compression=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as out:
        out.writestr("net/data.pkl", pickled(tree, legacy=False))
        out.writestr("net/byteorder", "little")
        for key, array in arrays:
            out.writestr(f"net/data/{key}", array.tobytes())
        out.writestr("net/version", "3\n")
    return stream.getvalue()


@pytest.fixture(params=[legacy, zipped])
def layout(request):
    return request.param


def written(tmp_path, body):
    path = tmp_path / "net.pth"
    path.write_bytes(body)
    return path


def stored(state):
    return [(str(i), array) for i, array in enumerate(state.values())]


def test_tensors_come_back_equal(tmp_path, layout):
    path = written(tmp_path, layout(tensors(STATE.items()), stored(STATE)))
    read = torch_pickle.read(path)
    assert list(read) == list(STATE)
    for name, array in STATE.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)


def test_nested_dictionaries_give_dotted_names(tmp_path, layout):
    tree = {"epoch": 3, "model": tensors(STATE.items()), "note": None}
    read = torch_pickle.read(written(tmp_path, layout(tree, stored(STATE))))
    np.testing.assert_array_equal(read["model.mean"], [1.5, -2.25])
    assert len(read) == 4


def test_views_of_a_storage_are_resolved(tmp_path, layout):
    base = np.arange(12, dtype="<f4")
    turned = {"offset": 1, "shape": (3, 2), "strides": (1, 4)}
    tree = tensors([("kernel", base)], kernel=turned)
    read = torch_pickle.read(written(tmp_path, layout(tree, [("0", base)])))
    np.testing.assert_array_equal(read["kernel"], [[1, 5], [2, 6], [3, 7]])


def test_bfloat16_becomes_float32(tmp_path, layout, monkeypatch):
    monkeypatch.setitem(DTYPES, "<f2", "BFloat16Storage")
    # 1.0, -2.0, 0.15625: the upper halves of their float32
    bits = np.array([0x3F80, 0xC000, 0x3E20], "<u2").view("<f2")
    tree = tensors([("kernel", bits)])
    read = torch_pickle.read(written(tmp_path, layout(tree, [("0", bits)])))
    assert read["kernel"].dtype == np.float32
    np.testing.assert_array_equal(read["kernel"], [1.0, -2.0, 0.15625])


class Call:
    def __init__(self, path, *arguments):
        self.path, self.arguments = path, arguments

    def __reduce__(self):
        return self.path, self.arguments


@pytest.mark.parametrize(
    "name",
    ["os.system", "builtins.eval", "builtins.getattr", "torch.load", "numpy.load"],
)
def test_a_function_to_call_is_refused_by_name(tmp_path, layout, name):
    module, _, attribute = name.rpartition(".")
    call = pickle.GLOBAL + f"{module}\n{attribute}\n".encode()
    proof = tmp_path / "proof"
    argument = pickled(f"touch {proof}")[2:-1]
    evil = b"\x80\x02" + call + b"(" + argument + b"tR."

    class Raw(Name):
        pass

    tree = {"kernel": Name(name)}
    path = written(tmp_path, layout(tree, []))
    with pytest.raises(errors.UserError, match=f"net.pth .* names {name}, .*refused"):
        torch_pickle.read(path)
    path = written(tmp_path, evil)
    with pytest.raises(errors.UserError, match=f"names {name}"):
        torch_pickle.read(path)
    assert not proof.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": (2, 3, 5)},
        {"offset": 1},
        {"offset": -1},
        {"shape": (2**40, 3, 4), "strides": (0, 4, 1)},
        {"shape": (2, -3, 4)},
        {"strides": (12, 4)},
        {"shape": (2.0, 3, 4)},
    ],
)
def test_a_tensor_beyond_its_storage_is_refused(tmp_path, layout, changes):
    tree = tensors(STATE.items(), kernel=changes)
    with pytest.raises(errors.UserError, match="no torch file of tensors"):
        torch_pickle.read(written(tmp_path, layout(tree, stored(STATE))))


def test_compressed_zips_are_refused(tmp_path):
    body = zipped(tensors(STATE.items()), stored(STATE), zipfile.ZIP_DEFLATED)
    with pytest.raises(errors.UserError, match="compressed"):
        torch_pickle.read(written(tmp_path, body))


def test_a_memo_index_reserves_no_memory(tmp_path):
    # LONG_BINPUT with the largest index: the C unpickler would ask for 32 GiB
    body = b"\x80\x02}r\xff\xff\xff\xff."
    with pytest.raises(errors.UserError):
        torch_pickle.read(written(tmp_path, body))


@pytest.mark.parametrize("body", [b"", b"\n", b"<html>not found</html>", b"\x80\x02N."])
def test_what_is_no_torch_file_is_said_so(tmp_path, body):
    with pytest.raises(errors.UserError, match="no torch file"):
        torch_pickle.read(written(tmp_path, body))


LEGACY = legacy(tensors(STATE.items()), stored(STATE))
ZIPPED = zipped(tensors(STATE.items()), stored(STATE))


@pytest.mark.parametrize("body", [LEGACY, ZIPPED], ids=["legacy", "zipped"])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 0.99])
def test_a_cut_file_is_refused(tmp_path, body, share):
    with pytest.raises(errors.UserError, match="no torch file"):
        torch_pickle.read(written(tmp_path, body[: int(len(body) * share)]))


@hypothesis.given(
    zip_layout=strategies.booleans(),
    place=strategies.floats(0, 1, exclude_max=True),
    value=strategies.binary(min_size=1, max_size=4),
)
@hypothesis.settings(deadline=None, max_examples=150)
def test_any_change_gives_tensors_or_a_user_error(
    tmp_path_factory, zip_layout, place, value
):
    body = bytearray(ZIPPED if zip_layout else LEGACY)
    start = int(place * len(body))
    body[start : start + len(value)] = value
    path = tmp_path_factory.getbasetemp() / "changed.pth"
    path.write_bytes(body)
    try:
        read = torch_pickle.read(path)
    except errors.UserError:
        return
    assert all(isinstance(array, np.ndarray) for array in read.values())
