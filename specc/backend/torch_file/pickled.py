"""A pickle's opcodes, those that weights need, interpreted into plain values: nothing is imported, no code is run.

Meanings: `pickletools` in Python's library. Every other opcode is refused by name, and so is every global that is not
in `values.GLOBALS`. The work is bounded: at most MOST_BYTES are read and MOST_STEPS done, and copying costs a step for
each item, so that no small pickle becomes large.
"""

import struct
from collections.abc import Callable, Mapping

from specc.backend.torch_file.problems import Damaged, Refused
from specc.backend.torch_file.values import CLASSES, GLOBALS, Function, Parameter, Storage, StorageKind, fill_parameter
from specc.backend.torch_file.values import refer as storage_of
from specc.backend.torch_file.values import set_item as set_one

MOST_BYTES = 1 << 24  # of a pickle: that of some 100,000 tensors
MOST_STEPS = 500_000  # those of some 15,000 tensors
MOST_ARGUMENTS = 8
STOP = ord(".")
EMPTY = "takes a value where its table of tensors has none"
ENDED = "ends in the middle of its table of tensors"


class Interpreter:
    """A pickle's stack, its marks (the stacks below), its memo, and the place that is read next."""

    def __init__(self, data: bytes, at: int, storages: dict[str, Storage]) -> None:
        self.data, self.at, self.storages = data, at, storages
        self.stack: list[object] = []
        self.marks: list[list[object]] = []
        self.memo: dict[int, object] = {}
        self.steps = 0

    def run(self) -> object:
        """The value. Raises Damaged and Refused."""
        while (code := self.opcode()) != STOP:
            self.spend(1)
            step = STEPS.get(code)
            if step is None:
                raise Refused(f"uses the opcode {REFUSED.get(code, f'0x{code:02x}')}, which no table of tensors needs")
            step(self)
        value = self.pop()
        if self.stack or self.marks:
            raise Damaged("ends its table of tensors in the middle of a value")
        return value

    def spend(self, steps: int) -> None:
        self.steps += steps
        if self.steps > MOST_STEPS:
            raise Refused(f"needs more than {MOST_STEPS:,} steps to be read")

    def opcode(self) -> int:
        if self.at == len(self.data):
            raise Damaged(ENDED)
        self.at += 1
        return self.data[self.at - 1]

    def take(self, count: int) -> bytes:
        """The next bytes."""
        if count > len(self.data) - self.at:
            raise Damaged(ENDED)
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, form: str) -> int:
        """The next number, of a form that `struct` knows."""
        value: int = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return value

    def line(self) -> str:
        """The text up to the next line break."""
        end = self.data.find(b"\n", self.at, self.at + 1000)
        if end < 0:
            raise Damaged(ENDED)
        return text(self.take(end + 1 - self.at)[:-1])

    def push(self, value: object) -> None:
        self.stack.append(value)

    def pop(self) -> object:
        if not self.stack:
            raise Damaged(EMPTY)
        return self.stack.pop()

    def top(self) -> object:
        if not self.stack:
            raise Damaged(EMPTY)
        return self.stack[-1]

    def since_mark(self) -> list[object]:
        """What was pushed since the last mark, which goes with it."""
        if not self.marks:
            raise Damaged("goes back to a mark where there is none")
        values, self.stack = self.stack, self.marks.pop()
        return values


def text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Damaged("has a text that is not UTF-8") from None


def mark(machine: Interpreter) -> None:
    machine.marks.append(machine.stack)
    machine.stack = []


def protocol(machine: Interpreter) -> None:
    version = machine.number("<B")
    if not 2 <= version <= 5:
        raise Refused(f"is a pickle of protocol {version}; PyTorch writes 2 to 5")


def frame(machine: Interpreter) -> None:
    machine.number("<Q")  # how much may be read ahead


def tuple_of(count: int) -> Callable[[Interpreter], None]:
    def step(machine: Interpreter) -> None:
        if len(machine.stack) < count:
            raise Damaged(EMPTY)
        values = tuple(machine.stack[-count:])
        del machine.stack[-count:]
        machine.push(values)

    return step


def put(machine: Interpreter, index: int) -> None:
    machine.memo[index] = machine.top()


def get(machine: Interpreter, index: int) -> None:
    if index not in machine.memo:
        raise Damaged(f"refers to a value {index} that it has not described")
    machine.push(machine.memo[index])


def append(machine: Interpreter, values: list[object]) -> None:
    target = machine.top()
    if type(target) is not list:
        raise Damaged(f"appends to something that is no list, but of the type {type(target).__name__}")
    target.extend(values)


def set_items(machine: Interpreter, values: list[object]) -> None:
    target = machine.top()
    if type(target) is not dict or len(values) % 2:
        raise Damaged(f"sets entries of something that is no dictionary, but of the type {type(target).__name__}")
    for key, value in zip(values[::2], values[1::2], strict=True):
        set_one(target, key, value)


def set_item(machine: Interpreter) -> None:
    value, key = machine.pop(), machine.pop()
    set_items(machine, [key, value])


def known(module: object, name: object) -> StorageKind | Function:
    """What a global stands for. Raises Refused, which names it."""
    full = f"{module}.{name}"
    value = GLOBALS.get(full) or CLASSES.get(full)
    if value is None:
        raise Refused(f"asks for `{full[:100]}`, which is neither a tensor nor a plain value")
    return value


def stack_global(machine: Interpreter) -> None:
    name, module = machine.pop(), machine.pop()
    if not (isinstance(name, str) and isinstance(module, str)):
        raise Damaged("asks for something whose name is no text")
    machine.push(known(module, name))


def call(machine: Interpreter, table: Mapping[str, StorageKind | Function]) -> None:
    """Put a tensor or a dictionary together, where the function is one of `table`."""
    arguments, function = machine.pop(), machine.pop()
    if not isinstance(function, Function) or function not in table.values():
        raise Refused("calls something that is not a function for tensors")
    if not isinstance(arguments, tuple) or len(arguments) > MOST_ARGUMENTS:
        raise Damaged("calls a function with arguments in an unknown form")
    machine.spend(sum(len(one) for one in arguments if isinstance(one, list | tuple)))
    machine.push(function.call(arguments))


def build(machine: Interpreter) -> None:
    """What `__setstate__` would get: a `state_dict`'s versions of modules, which are dropped, or a parameter's data."""
    state, target = machine.pop(), machine.top()
    if isinstance(target, Parameter):
        fill_parameter(target, state)
    elif not (type(target) is dict and type(state) is dict and state.keys() <= {"_metadata"}):
        raise Refused("sets attributes of an object")


def persistent(machine: Interpreter) -> None:
    machine.push(storage_of(machine.pop(), machine.storages))


def long(machine: Interpreter) -> None:
    machine.push(int.from_bytes(machine.take(machine.number("<B")), "little", signed=True))


STEPS: dict[int, Callable[[Interpreter], None]] = {
    0x80: protocol,
    0x95: frame,
    ord("("): mark,
    ord("N"): lambda machine: machine.push(None),
    0x88: lambda machine: machine.push(True),
    0x89: lambda machine: machine.push(False),
    ord("J"): lambda machine: machine.push(machine.number("<i")),
    ord("K"): lambda machine: machine.push(machine.number("<B")),
    ord("M"): lambda machine: machine.push(machine.number("<H")),
    ord("G"): lambda machine: machine.push(machine.number(">d")),
    0x8A: long,
    ord("X"): lambda machine: machine.push(text(machine.take(machine.number("<I")))),
    0x8C: lambda machine: machine.push(text(machine.take(machine.number("<B")))),
    ord("T"): lambda machine: machine.push(text(machine.take(machine.number("<I")))),
    ord("U"): lambda machine: machine.push(text(machine.take(machine.number("<B")))),
    ord(")"): lambda machine: machine.push(()),
    ord("t"): lambda machine: machine.push(tuple(machine.since_mark())),
    0x85: tuple_of(1),
    0x86: tuple_of(2),
    0x87: tuple_of(3),
    ord("]"): lambda machine: machine.push([]),
    ord("a"): lambda machine: append(machine, [machine.pop()]),
    ord("e"): lambda machine: append(machine, machine.since_mark()),
    ord("}"): lambda machine: machine.push({}),
    ord("s"): set_item,
    ord("u"): lambda machine: set_items(machine, machine.since_mark()),
    ord("q"): lambda machine: put(machine, machine.number("<B")),
    ord("r"): lambda machine: put(machine, machine.number("<I")),
    0x94: lambda machine: put(machine, len(machine.memo)),
    ord("h"): lambda machine: get(machine, machine.number("<B")),
    ord("j"): lambda machine: get(machine, machine.number("<I")),
    ord("c"): lambda machine: machine.push(known(machine.line(), machine.line())),
    0x93: stack_global,
    ord("R"): lambda machine: call(machine, GLOBALS),
    0x81: lambda machine: call(machine, CLASSES),
    ord("b"): build,
    ord("Q"): persistent,
}
REFUSED = {
    ord("0"): "POP",
    ord("1"): "POP_MARK",
    ord("2"): "DUP",
    ord("P"): "PERSID",
    ord("I"): "INT",
    ord("F"): "FLOAT",
    ord("L"): "LONG",
    ord("S"): "STRING",
    ord("V"): "UNICODE",
    ord("d"): "DICT",
    ord("l"): "LIST",
    ord("g"): "GET",
    ord("p"): "PUT",
    ord("B"): "BINBYTES",
    ord("C"): "SHORT_BINBYTES",
    ord("i"): "INST",
    ord("o"): "OBJ",
    0x82: "EXT1",
    0x83: "EXT2",
    0x84: "EXT4",
    0x8B: "LONG4",
    0x8D: "BINUNICODE8",
    0x8E: "BINBYTES8",
    0x8F: "EMPTY_SET",
    0x90: "ADDITEMS",
    0x91: "FROZENSET",
    0x92: "NEWOBJ_EX",
    0x96: "BYTEARRAY8",
    0x97: "NEXT_BUFFER",
    0x98: "READONLY_BUFFER",
}


def interpret(data: bytes, at: int, storages: dict[str, Storage]) -> tuple[object, int]:
    """The value of the pickle that begins at a place, and the place behind it. `storages` gets those that it refers to.

    Raises Damaged where it contradicts itself or ends early, Refused where it needs more than tensors and plain values.
    """
    machine = Interpreter(data, at, storages)
    value = machine.run()
    return value, machine.at
