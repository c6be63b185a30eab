"""How many processes `--devices` asks for, and whether there is a device for each."""

from specc.backend.device import devices
from specc.errors import SpeccError, counted

ALL = "all"
MOST = 1024  # processes on one machine


def process_count(asked: str, device: str, *, has_all: bool = True) -> int:
    """The processes that `--devices` asks for: a number, or one for each CUDA device of this machine.

    device: as `--device` names it. has_all: each must have a device here.

    Raises SpeccError E506 where it is no number, or where there are fewer devices.
    """
    there = [name for name in devices() if name.startswith("cuda")]
    kind = device if device != "auto" else "cuda" if there else "cpu"
    on_cpu = "--device cpu --devices 3 trains with three processes on the CPU"
    if kind not in ("cpu", "cuda"):
        message = f"--device {device} is a single device, but --devices is for several"
        raise SpeccError("E506", message, help=f"leave --devices out, or --device; {on_cpu}")
    if asked == ALL and kind == "cuda":
        if not there:
            raise SpeccError("E506", "--devices all needs CUDA devices, and this machine has none", help=on_cpu)
        return len(there)
    if not (asked.isascii() and asked.isdecimal() and 0 < int(asked) <= MOST):
        what = "the CPU is one device" if asked == ALL else f"it has to be a number from 1 to {MOST}, or `{ALL}`"
        raise SpeccError("E506", f"--devices is {asked!r}, but {what}", help=on_cpu)
    count = int(asked)
    if has_all and kind == "cuda" and count > len(there):
        names = ", ".join(there) or "no CUDA device"
        message = f"--devices {count} asks for {counted(count, 'device')}, but this machine has {names}"
        raise SpeccError("E506", message, help=f"--devices {len(there)} uses them all" if there else on_cpu)
    return count
