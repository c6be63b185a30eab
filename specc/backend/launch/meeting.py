"""All processes of a training meet in torch's store, before they train.

torchrun keeps its store when it starts processes again, with what those before them left in it. So each meeting is
known by a word of its own, which the first process draws once it has heard from all others that live now, and what is
exchanged stands below that word.
"""

import json
import secrets
import sys
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from torch.distributed import PrefixStore, Store, TCPStore  # type: ignore[attr-defined]

from specc.errors import SpeccError

MEETING = 600.0  # seconds in which all processes have to be there
PATIENT = 15.0  # seconds until the first one says for whom it waits
PAUSE = 0.05  # seconds between looks
ANSWER = 20.0  # seconds in which a store has to answer


class Address(NamedTuple):
    """Where the store is. is_hosted: the agent has opened it; else rank 0 does."""

    host: str
    port: int
    is_hosted: bool

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def address_in(environment: Mapping[str, str]) -> Address:
    """The one that torchrun's variables tell."""
    host, port = environment.get("MASTER_ADDR", "localhost"), environment.get("MASTER_PORT", "")
    if not port.isdecimal():
        message = f"the environment variable MASTER_PORT is {port!r}, but a port is needed"
        raise SpeccError("E505", message, help="start with `specc train FILE --devices N`, with torchrun or with srun")
    return Address(host, int(port), environment.get("TORCHELASTIC_USE_AGENT_STORE") == "True")


def meet(address: Address, rank: int, world: int, seconds: float = MEETING) -> tuple[Store, Store]:
    """Wait until all are here. Gives two connections to what they share: a store serves one thread at a time.

    Raises SpeccError E505 where the store cannot be reached, or not all come in time.
    """
    try:
        opens = rank == 0 and not address.is_hosted
        patience = timedelta(seconds=seconds)
        stores = [
            TCPStore(address.host, address.port, None, opens, patience, wait_for_workers=False, multi_tenant=True)
            for opens in (opens, False)
        ]
        for store in stores:
            store.set_timeout(timedelta(seconds=ANSWER))
        word = _lead(stores[0], world, seconds) if rank == 0 else _follow(stores[0], rank, world, seconds)
    except (RuntimeError, ValueError, OSError) as error:
        message = f"process {rank} of {world} cannot meet the others at {address}: {str(error).splitlines()[0]}"
        help = "check that all processes were started, and that they reach it"
        raise SpeccError("E505", message, help=help) from error
    first, second = (PrefixStore(f"specc/{word}", store) for store in stores)
    return first, second


def _lead(store: Store, world: int, seconds: float) -> str:
    """Rank 0: draw a word for those that are here now, and again when one of them turns out to be another."""
    began, is_told = time.monotonic(), False
    store.set("hello/0", secrets.token_hex(8))
    word, known = "", list[str]()
    while True:
        missing = [rank for rank in range(world) if not store.check([f"hello/{rank}"])]
        if not missing:
            hellos = [hello.decode() for hello in store.multi_get([f"hello/{rank}" for rank in range(world)])]
            if hellos != known:
                word, known = secrets.token_hex(8), hellos
                store.set("meeting", json.dumps([word, hellos]))
            if store.add(f"joined/{word}", 0) == world - 1:
                store.set(f"go/{word}", "")
                return word
        waited = time.monotonic() - began
        if waited > seconds:
            raise TimeoutError(_waiting(missing, world))
        if waited > PATIENT and not is_told:
            is_told = True
            print(_waiting(missing, world), file=sys.stderr, flush=True)
        time.sleep(PAUSE)


def _waiting(missing: list[int], world: int) -> str:
    who = f"rank {', '.join(map(str, missing))}" if missing else "processes that were started again"
    return f"waiting for {who} of {world}"


def _follow(store: Store, rank: int, world: int, seconds: float) -> str:
    """Another rank: wait for a word that is meant for this very process, and until all have heard it."""
    own, joined, began = secrets.token_hex(8), set[str](), time.monotonic()
    store.set(f"hello/{rank}", own)
    while time.monotonic() - began < seconds:
        if store.check(["meeting"]):
            word, hellos = json.loads(store.get("meeting"))
            if len(hellos) == world and hellos[rank] == own:
                if word not in joined:
                    joined.add(word)
                    store.add(f"joined/{word}", 1)
                if store.check([f"go/{word}"]):
                    return str(word)
        time.sleep(PAUSE)
    raise TimeoutError("rank 0 does not answer")
