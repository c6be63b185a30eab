"""A lock that its holder removes lets one in at a time, and no file is left."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from specc import locks
from specc.backend.data.shards.ledger import ledger_of
from specc.backend.run.lock import Lock, is_held
from specc.errors import SpeccError


@pytest.mark.parametrize("waits", [True, False])
def test_one_holds_what_is_removed_in_the_end(tmp_path: Path, waits: bool) -> None:
    within, most, held = 0, 0, 0

    def work(_: int) -> None:
        nonlocal within, most, held
        with suppress(BlockingIOError), locks.held(tmp_path / "lock", is_left=False, waits=waits):
            within, held = within + 1, held + 1
            most = max(most, within)
            time.sleep(0.002)
            within -= 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(40)))
    assert most == 1 and (held == 40 if waits else held > 0) and list(tmp_path.iterdir()) == []


def test_what_is_locked_is_what_lies_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last holder removes the file between the opening and the locking of the next one."""
    path, take, count = tmp_path / "lock", locks.take, [0]

    def late(descriptor: int, *, waits: bool) -> None:
        count[0] += 1
        if count[0] == 1:
            path.unlink()
        take(descriptor, waits=waits)

    monkeypatch.setattr(locks, "take", late)
    descriptor = locks.locked(path, waits=False)
    assert count == [2] and os.path.samestat(os.fstat(descriptor), path.stat())
    with pytest.raises(BlockingIOError):
        locks.locked(path, waits=False)
    os.close(descriptor)


def test_packing_and_training_hold_their_folders(tmp_path: Path) -> None:
    with ledger_of(tmp_path / "packed"), pytest.raises(SpeccError) as caught, ledger_of(tmp_path / "packed"):
        pass
    assert caught.value.code == "E485"
    lock = Lock(tmp_path)
    assert is_held(tmp_path)
    with pytest.raises(SpeccError, match=f"process {os.getpid()}"):
        Lock(tmp_path)
    lock.release()
    assert not is_held(tmp_path) and not (tmp_path / ".lock").exists()
