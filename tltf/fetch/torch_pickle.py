"""Reads tensors from torch files without torch, running nothing that they name."""

import collections
import dataclasses
import math
import pathlib
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import numpy as np

from tltf import errors

_MAGIC = 0x1950A86A20F9469CFC6C  # torch/serialization.py, MAGIC_NUMBER
_DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
# what a broken or hostile stream can make the unpickler and NumPy raise
_BROKEN = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    struct.error,
    ArithmeticError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)


@dataclasses.dataclass(frozen=True)
class _Storage:
    key: str
    dtype: str
    length: int


@dataclasses.dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Returns the tensors of a file that `torch.save` wrote, by name.

    Both layouts are read, the one before torch 1.6 and the zip since. Nested
    dictionaries give names joined by dots; what is no tensor is left out.

    Args:
      path: A `.pth` or `.pt` file with a dictionary of tensors.

    Returns:
      Arrays of their own; bfloat16 becomes float32.

    Raises:
      UserError: The file is cut, no torch file, or names anything but tensors,
        such as a function to call.
    """
    try:
        with path.open("rb") as file:
            load = _zipped if zipfile.is_zipfile(file) else _legacy
            file.seek(0)
            return load(file)
    except _BROKEN as error:
        cause = str(error) or type(error).__name__
        raise errors.UserError(f"{path} is no torch file of tensors: {cause}") from None


def strings(path: pathlib.Path) -> list[str]:
    """Returns the list of strings that a file of Python's pickle holds.

    Raises:
      UserError: It holds anything else, or names something to call.
    """
    try:
        with path.open("rb") as file:
            found = _Unpickler(file).load()
    except _BROKEN as error:
        cause = str(error) or type(error).__name__
        raise errors.UserError(f"{path} is no list of words: {cause}") from None
    if not isinstance(found, list) or not all(type(word) is str for word in found):
        raise errors.UserError(f"{path} is no list of words but {type(found).__name__}")
    return found


class _Unpickler(pickle._Unpickler):
    """Builds dictionaries and tensor descriptions; refuses all other names.

    Python's own implementation, as the one in C lets a few bytes reserve
    gigabytes (an index in LONG_BINPUT is the length of its memo).
    """

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _parameter
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is refused")

    def persistent_load(self, identity: Any) -> _Storage:
        kind, dtype, key, _, length, *view = identity
        if (
            kind != "storage"
            or dtype not in _DTYPES.values()
            or view not in ([], [None])
        ):
            raise pickle.UnpicklingError(f"unknown storage {identity!r:.80}")
        return _Storage(str(key), dtype, _count(length))


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
    if not isinstance(storage, _Storage) or len(shape) != len(strides):
        raise pickle.UnpicklingError("a tensor without storage")
    shape, strides = (tuple(_count(n) for n in sizes) for sizes in (shape, strides))
    return _Tensor(storage, _count(offset), shape, strides)


def _parameter(data: Any, *_: Any) -> Any:
    return data


def _count(number: Any) -> int:
    if type(number) is not int or not 0 <= number < 2**48:
        raise pickle.UnpicklingError(f"a size of {number!r:.40}")
    return number


def _legacy(file: BinaryIO) -> dict[str, np.ndarray]:
    """Three pickles ahead, the objects, the storages' keys, then raw storages."""
    magic, _, system, tree, keys = (_Unpickler(file).load() for _ in range(5))
    if magic != _MAGIC:
        raise pickle.UnpicklingError("no magic number")
    if not system["little_endian"]:
        raise pickle.UnpicklingError("big-endian files are not read")
    tensors = _flat(tree)
    storages = {t.storage.key: t.storage for t in tensors.values()}
    arrays = {}
    for key in keys:
        (length,) = struct.unpack("<q", file.read(8))
        arrays[key] = _raw(storages.get(key), length, file.read)
    return {name: _array(tensor, arrays) for name, tensor in tensors.items()}


def _zipped(file: BinaryIO) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
            raise pickle.UnpicklingError("compressed entries are refused")
        (index,) = [n for n in names if n.count("/") == 1 and n.endswith("/data.pkl")]
        root = index.removesuffix("data.pkl")
        if (
            root + "byteorder" in names
            and archive.read(root + "byteorder") != b"little"
        ):
            raise pickle.UnpicklingError("big-endian files are not read")
        with archive.open(index) as stream:
            tensors = _flat(_Unpickler(stream).load())
        arrays: dict[str, np.ndarray] = {}
        for storage in {t.storage for t in tensors.values()}:
            data = archive.read(f"{root}data/{storage.key}")
            arrays[storage.key] = _numbers(storage, data)
    return {name: _array(tensor, arrays) for name, tensor in tensors.items()}


def _flat(tree: Any, prefix: str = "", depth: int = 0) -> dict[str, _Tensor]:
    if not isinstance(tree, Mapping) or depth > 8:
        raise pickle.UnpicklingError(f"a {type(tree).__name__} in place of tensors")
    found: dict[str, _Tensor] = {}
    for name, value in tree.items():
        if isinstance(value, _Tensor):
            found[f"{prefix}{name}"] = value
        elif isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{name}.", depth + 1)
    return found


def _raw(
    storage: _Storage | None, length: int, read: Callable[[int], bytes]
) -> np.ndarray:
    if storage is None or storage.length != length:
        raise pickle.UnpicklingError("a storage that no tensor describes")
    return _numbers(storage, read(length * _width(storage)))


def _width(storage: _Storage) -> int:
    return 2 if storage.dtype == "bfloat16" else np.dtype(storage.dtype).itemsize


def _numbers(storage: _Storage, data: bytes) -> np.ndarray:
    if len(data) != storage.length * _width(storage):
        raise EOFError(f"{len(data)} bytes where {storage.length} numbers should be")
    if storage.dtype == "bfloat16":  # the upper half of a float32
        upper = np.frombuffer(data, "<u2").astype("<u4") << 16
        return upper.view("<f4")
    return np.frombuffer(data, storage.dtype)


def _array(tensor: _Tensor, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    base = arrays[tensor.storage.key]
    steps = zip(tensor.shape, tensor.strides, strict=True)
    last = tensor.offset + sum((size - 1) * step for size, step in steps)
    empty = math.prod(tensor.shape) == 0
    # a stride of 0 would let a small file claim a huge tensor
    if not empty and (last >= len(base) or math.prod(tensor.shape) > len(base)):
        raise pickle.UnpicklingError("a tensor reaches beyond its storage")
    if empty:
        return np.zeros(tensor.shape, base.dtype)
    strides = [step * base.itemsize for step in tensor.strides]
    view = np.lib.stride_tricks.as_strided(base[tensor.offset :], tensor.shape, strides)
    return np.array(view, dtype=view.dtype.newbyteorder("="))
