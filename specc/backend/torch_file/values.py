"""What the globals in a weights file stand for: kinds of storages, and the few functions that put a tensor together.

`GLOBALS` is the whole list, by the names that versions of `torch.save` write. Nothing is imported by such a name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import torch

from specc.backend.torch_file.problems import Damaged, Refused

MOST_DIMENSIONS = 16
MOST_VALUES = 1 << 48  # of one tensor, dimensions of zero left aside; above what any memory holds
LARGEST_KEY = 1 << 60  # Python's hash of a smaller integer is the integer itself


@dataclass(frozen=True, eq=False, slots=True)
class StorageKind:
    """A class such as `torch.FloatStorage`."""

    dtype: torch.dtype


@dataclass(eq=False)
class Storage:
    """A row of `length` numbers in the file. start: where they begin, in bytes, once the layout has been read."""

    key: str
    dtype: torch.dtype
    length: int
    start: int = -1


@dataclass(frozen=True, eq=False, slots=True)
class StoredTensor:
    """A view of a storage, all of it inside; offset and strides in numbers, not bytes."""

    storage: Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def dtype(self) -> torch.dtype:
        return self.storage.dtype

    @property
    def values(self) -> int:
        return prod(self.size)

    @property
    def extent(self) -> int:
        """How many numbers lie between the first and the last, both included."""
        return _extent(self.size, self.stride)


@dataclass(eq=False)
class Parameter:
    """A `torch.nn.Parameter` of PyTorch 0.1, which is created first and filled later."""

    tensor: StoredTensor | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Function:
    """Something that a file may call, with values that have been read."""

    call: Callable[[tuple[object, ...]], object]


def refer(identity: object, storages: dict[str, Storage]) -> Storage:
    """The storage that a persistent identity names: ("storage", kind, key, device, length), of old files with a view.

    Raises Refused for other identities, Damaged where one storage is described in two ways.
    """
    match identity:
        case ("storage", StorageKind(dtype), str(key), str(), int(length)):
            pass
        case ("storage", StorageKind(dtype), str(key), str(), int(length), None):
            pass
        case ("storage", StorageKind(), str(), str(), int(), (*_,)):
            raise Refused("holds a view of a storage, as only PyTorch before 0.4 wrote it")
        case (str(kind), *_) if kind != "storage":
            raise Refused(f"refers to an object of the kind `{kind[:40]}`")
        case _:
            raise Damaged("refers to a storage in an unknown way")
    if not 0 <= length <= MOST_VALUES:
        raise Damaged(f"has a storage of {length:,} numbers")
    storage = storages.setdefault(key, Storage(key, dtype, length))
    if (storage.dtype, storage.length) != (dtype, length):
        raise Damaged("describes one storage in two ways")
    return storage


def set_item(table: dict[object, object], key: object, value: object) -> None:
    """Raises Refused for a key that is neither text nor an integer below 2^60, Damaged for one that occurs twice."""
    if not (type(key) is str or (type(key) is int and -LARGEST_KEY < key < LARGEST_KEY)):
        raise Refused(f"has a dictionary with a key of the type {type(key).__name__}")
    if key in table:
        raise Damaged(f"has the key `{str(key)[:80]}` twice in one dictionary")
    table[key] = value


def _ordered_dict(arguments: tuple[object, ...]) -> object:
    """`OrderedDict()`, or, from Python 2, `OrderedDict([[key, value], …])`."""
    table: dict[object, object] = {}
    match arguments:
        case ():
            pass
        case ([*pairs],):
            for pair in pairs:
                if not (isinstance(pair, list | tuple) and len(pair) == 2):
                    raise Damaged("has an ordered dictionary whose entries are no pairs")
                set_item(table, *pair)
        case _:
            raise Damaged("creates an ordered dictionary in an unknown way")
    return table


def _counter(arguments: tuple[object, ...]) -> object:
    """`Counter({…})`, which schedules of the learning rate keep."""
    match arguments:
        case (dict(table),):
            return table
    raise Damaged("creates a counter in an unknown way")


def _size(arguments: tuple[object, ...]) -> object:
    """`torch.Size((3, 4))`."""
    match arguments:
        case (tuple(size),):
            return size
    raise Damaged("creates a size in an unknown way")


def _tensor(arguments: tuple[object, ...]) -> object:
    """`_rebuild_tensor(storage, offset, size, stride)`."""
    match arguments:
        case (Storage() as storage, int(offset), tuple(size), tuple(stride)):
            return _view(storage, offset, size, stride)
    raise Damaged("creates a tensor in an unknown way")


def _tensor_2(arguments: tuple[object, ...]) -> object:
    """`_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks, metadata=None)`."""
    if not 6 <= len(arguments) <= 7:
        raise Damaged("creates a tensor in an unknown way")
    _refuse_hooks(arguments[5])
    if len(arguments) == 7 and arguments[6]:
        raise Refused("has a tensor that is a lazy conjugate or negative of its storage")
    return _tensor(arguments[:4])


def _parameter(arguments: tuple[object, ...]) -> object:
    """`_rebuild_parameter(tensor, requires_grad, hooks)`."""
    match arguments:
        case (StoredTensor() | Parameter() as tensor, bool(), hooks):
            _refuse_hooks(hooks)
            return tensor
    raise Damaged("creates a parameter in an unknown way")


def _early_parameter(arguments: tuple[object, ...]) -> object:
    """`Parameter()` or `Parameter(tensor, requires_grad)`, as PyTorch 0.1 wrote it."""
    match arguments:
        case () | (StoredTensor(),) | (StoredTensor(), bool()):
            return Parameter(*arguments[:1])  # type: ignore[arg-type]
    raise Damaged("creates a parameter in an unknown way")


def fill_parameter(parameter: Parameter, state: object) -> None:
    """What `Parameter.__setstate__` took: (requires_grad, volatile, hooks), or five values that begin with the data."""
    match state:
        case (bool(), bool(), hooks):
            pass
        case (StoredTensor() as tensor, _, hooks, bool(), bool()):
            parameter.tensor = tensor
        case _:
            raise Damaged("fills a parameter in an unknown way")
    _refuse_hooks(hooks)


def _refuse_hooks(hooks: object) -> None:
    if hooks is not None and hooks != {}:
        raise Refused("has a tensor with hooks, which are code")


def _view(storage: Storage, offset: int, size: tuple[object, ...], stride: tuple[object, ...]) -> StoredTensor:
    """A tensor that lies in its storage, and in which each number has a place of its own."""
    if not len(size) == len(stride) <= MOST_DIMENSIONS:
        raise Damaged(f"has a tensor of {len(size)} dimensions and {len(stride)} strides")
    sizes = tuple(one for one in size if type(one) is int and 0 <= one <= MOST_VALUES)
    strides = tuple(one for one in stride if type(one) is int and 0 <= one <= MOST_VALUES)
    shape = " x ".join(str(one)[:20] for one in size)
    if len(sizes) < len(size) or len(strides) < len(stride) or prod(max(one, 1) for one in sizes) > MOST_VALUES:
        raise Damaged(f"has a tensor of an impossible shape: {shape}")
    tensor = StoredTensor(storage, offset, sizes, strides)
    if not 0 <= offset <= storage.length or (tensor.values and offset + tensor.extent > storage.length):
        raise Damaged(f"has a tensor of {shape} that reaches beyond its storage of {storage.length:,} numbers")
    if tensor.values > tensor.extent:
        raise Damaged(f"has a tensor of {shape} whose numbers overlap: its storage holds {tensor.extent:,} of them")
    return tensor


def _extent(size: tuple[int, ...], stride: tuple[int, ...]) -> int:
    return 1 + sum((length - 1) * step for length, step in zip(size, stride, strict=True)) if all(size) else 0


STORAGES = {
    "Double": torch.float64,
    "Float": torch.float32,
    "Half": torch.float16,
    "BFloat16": torch.bfloat16,
    "Long": torch.int64,
    "Int": torch.int32,
    "Short": torch.int16,
    "Char": torch.int8,
    "Byte": torch.uint8,
    "Bool": torch.bool,
}
GLOBALS: dict[str, StorageKind | Function] = {
    **{f"torch.{name}Storage": StorageKind(dtype) for name, dtype in STORAGES.items()},
    "collections.OrderedDict": Function(_ordered_dict),
    "collections.Counter": Function(_counter),
    "torch._utils._rebuild_tensor": Function(_tensor),
    "torch._utils._rebuild_tensor_v2": Function(_tensor_2),
    "torch._utils._rebuild_parameter": Function(_parameter),
    "torch.Size": Function(_size),
}
CLASSES = {"torch.nn.parameter.Parameter": Function(_early_parameter)}  # of which a file may ask for a new object
