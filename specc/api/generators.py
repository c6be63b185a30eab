"""Calls of specc draw and compute with torch as they need it, and leave it as the caller's program has it."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def leaving_torch_alone() -> Iterator[None]:
    """Afterwards torch is as before: its generators, of the CPU and of each GPU, its threads, and what `device.exact`
    sets. Also a decorator.
    """
    import torch

    from specc.backend.device import exactness, set_exactness

    flags = exactness()
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        torch.set_rng_state(state)
        torch.set_num_threads(threads)
        set_exactness(flags)
        if gpus:
            torch.cuda.set_rng_state_all(gpus)
