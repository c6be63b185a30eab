"""The processes that train one network together: who is who, and what they exchange.

A `Ranks` value is passed in wherever work is divided; a single process is the case of one, `ALONE`, which exchanges
nothing. Values travel as JSON and tensors as they are: nothing is pickled. Everything here is collective: each process
calls the same methods in the same order.
"""

import json
import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor

from specc.backend.device import devices, find
from specc.backend.ordered_sum import summed
from specc.errors import SpeccError

NAMES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")  # of torchrun's environment
PLACE = ("MASTER_ADDR", "MASTER_PORT")
MOST = 1 << 16  # processes
BUCKET = 1 << 22  # numbers that are exchanged at once: 16 MiB in fp32
CPU = torch.device("cpu")


class Ranks(NamedTuple):
    """One of the processes of a training.

    rank: its number, from 0. world: how many there are. local_rank, local_world: the same on its machine. device: where
    it computes. group: torch's process group; None: the default one.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    local_world: int = 1
    device: torch.device = CPU
    group: Any = None

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes and prints."""
        return self.rank == 0

    @property
    def is_alone(self) -> bool:
        return self.world == 1

    def share(self, count: int) -> range:
        """Which of so many things, numbered from 0, are this process's: a stretch, of one more or less than others."""
        return range(self.rank * count // self.world, (self.rank + 1) * count // self.world)

    def barrier(self) -> None:
        """Wait until all processes are here."""
        self.highest(0)

    def highest(self, *numbers: int) -> list[int]:
        """The highest value that a process has of each of these: a signal that any of them received, say."""
        if self.is_alone:
            return list(numbers)
        values = torch.tensor(numbers)
        dist.all_reduce(values, dist.ReduceOp.MAX, group=self.group)
        return values.tolist()

    def broadcast(self, value: Any) -> Any:
        """The first process's value, as JSON takes it; what the others give does not matter."""
        return value if self.is_alone else self.gather(value if self.is_first else None)[0]

    def broadcast_tensors(self, tensors: Mapping[str, Tensor] | None) -> dict[str, Tensor]:
        """The first process's tensors, which are on the CPU, by their names; what the others give does not matter."""
        if self.is_alone:
            return dict(tensors or {})
        mine = dict(tensors or {}) if self.is_first else {}
        told = self.broadcast([[name, list(value.shape), str(value.dtype)] for name, value in mine.items()])
        for name, shape, dtype in told:
            if not self.is_first:
                mine[name] = torch.empty(shape, dtype=getattr(torch, dtype.removeprefix("torch.")))
            data = mine[name].contiguous().reshape(-1).view(torch.uint8)
            dist.broadcast(data, group=self.group, group_src=0)
        return mine

    def gather(self, value: Any) -> list[Any]:
        """The value of each process, as JSON takes it, in the order of the ranks; all of them learn it."""
        if self.is_alone:
            return [value]
        data = torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8)
        return [json.loads(bytes(other.tolist())) for other in self.gather_tensors(data)]

    def gather_tensors(self, value: Tensor) -> list[Tensor]:
        """The tensor of each process, in the order of the ranks, on the device of `value`; all of them learn it.

        They may differ in the length of their first axis.
        """
        if self.is_alone:
            return [value]
        lengths = [torch.zeros(1, dtype=torch.int64) for _ in range(self.world)]
        dist.all_gather(lengths, torch.tensor([len(value)]), group=self.group)
        counts = [int(length) for length in lengths]
        padded = value.new_zeros(max(counts), *value.shape[1:])
        padded[: len(value)] = value
        all_of_them = [torch.empty_like(padded) for _ in range(self.world)]
        dist.all_gather(all_of_them, padded, group=self.group)
        return [other[:count] for other, count in zip(all_of_them, counts, strict=True)]

    def sum_in_order(self, parts: Tensor, *, as_tree: bool) -> Tensor:
        """The sum of all processes' parts, in the order of the ranks and of their parts (see `ordered_sum.summed`).

        parts: K x n numbers of each process, whose memory may be used up. Gives n numbers, the same bits on every
        process, and the same bits however the same parts are divided among processes.

        A process gets a stretch of every part, adds them up, and hands the sum out. Sent by each: K (N - 1) / N of n
        numbers and (N - 1) / N of n; with one part that is what a plain all-reduce sends.
        """
        if self.is_alone:
            return summed(parts, as_tree=as_tree)
        length = parts.shape[1]
        even = length - length % self.world
        total = parts.new_empty(length)
        bucket = BUCKET - BUCKET % self.world
        for first in range(0, even, bucket):
            last = min(first + bucket, even)
            self._sum_bucket([part[first:last] for part in parts], total[first:last], as_tree)
        if even < length:
            rest = torch.cat(self.gather_tensors(parts[:, even:].contiguous()))
            total[even:] = summed(rest, as_tree=as_tree)
        return total

    def _sum_bucket(self, parts: list[Tensor], total: Tensor, as_tree: bool) -> None:
        """The same for numbers that can be divided evenly among the processes."""
        received = [torch.empty_like(part) for part in parts]
        for part, stretches in zip(parts, received, strict=True):
            dist.all_to_all_single(stretches, part, group=self.group)
        of_each = zip(*(stretches.chunk(self.world) for stretches in received), strict=True)
        own = summed((part for of_rank in of_each for part in of_rank), as_tree=as_tree)
        gather_into = getattr(dist, "all_gather_single", None) or dist.all_gather_into_tensor  # its name before 2.13
        gather_into(total, own, group=self.group)

    def sum_in_any_order(self, value: Tensor) -> None:
        """Add up the processes' n numbers in place, by a plain all-reduce: the same bits on every process, but other
        bits with another number of processes."""
        if not self.is_alone:
            for bucket in torch.split(value, BUCKET):
                dist.all_reduce(bucket, group=self.group)


ALONE = Ranks()


def is_one_of_several(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether torchrun, or what sets the same variables, started this process as one of several."""
    return environment.get("WORLD_SIZE", "1") != "1"


def join(
    device: str = "auto",
    *,
    timeout: float | None = None,
    environment: Mapping[str, str] = os.environ,
    store: Any = None,
) -> Ranks:
    """Meet the other processes that torchrun started; `ALONE` where there are none.

    device: as `find` takes it; the CUDA device of `auto` and `cuda` is the one of this process's local rank.
    timeout: seconds after which an exchange that does not end is an error. store: torch's, where they meet; by default
    the one that the environment names.

    Raises SpeccError: E505 the environment is not whole, or the others cannot be reached; E430 no such device.
    """
    if not is_one_of_several(environment):
        return ALONE._replace(device=find(device))
    rank, world, local_rank, local_world = (_number(environment, name) for name in NAMES)
    missing = [name for name in PLACE if not environment.get(name)]
    if missing or not rank < world or not local_rank < local_world <= world:
        named = ", ".join(f"{name}={environment.get(name, '')}" for name in (*NAMES, *PLACE))
        raise _not_whole(f"the environment does not name one of several processes: {named}")
    place = find(_own(device, local_rank))
    backend = "cpu:gloo,cuda:nccl" if place.type == "cuda" else "gloo"
    if place.type == "cuda":
        torch.cuda.set_device(place)
    try:
        limit = None if timeout is None else timedelta(seconds=timeout)
        dist.init_process_group(backend, init_method="env://", rank=rank, world_size=world, timeout=limit)
    except (RuntimeError, ValueError, OSError) as error:
        where = f"{environment['MASTER_ADDR']}:{environment['MASTER_PORT']}"
        message = f"process {rank} of {world} cannot meet the others at {where}: {str(error).splitlines()[0]}"
        help = "check that all processes were started, and that each can reach this address"
        raise SpeccError("E505", message, help=help) from error
    return Ranks(rank, world, local_rank, local_world, place)


def leave(ranks: Ranks) -> None:
    """Part from the other processes; nothing is exchanged afterwards."""
    if not ranks.is_alone and dist.is_initialized():
        dist.destroy_process_group()


def _own(device: str, local_rank: int) -> str:
    """The name of a process's own device."""
    on_cuda = device == "cuda" or (device == "auto" and devices()[0].startswith("cuda"))
    return f"cuda:{local_rank}" if on_cuda else device


def _number(environment: Mapping[str, str], name: str) -> int:
    text = environment.get(name, "")
    if not (text.isascii() and text.isdecimal() and int(text) < MOST):
        raise _not_whole(f"the environment variable {name} is {text!r}, but a whole number is needed")
    return int(text)


def _not_whole(message: str) -> SpeccError:
    return SpeccError("E505", message, help="start the processes with `specc train FILE --devices N`, or with torchrun")
