"""Ctrl-C and SIGTERM."""

import os
import signal

import pytest

from specc.backend.interrupt import Interrupt


def test_a_second_ctrl_c_stops_at_once() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupt() as interrupt:
        assert (interrupt.signal, interrupt.status) == (None, 0)
        os.kill(os.getpid(), signal.SIGINT)
        assert (interrupt.signal, interrupt.status) == (signal.SIGINT, 130)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_within_another_knows_what_that_has_seen() -> None:
    with Interrupt() as outer:
        os.kill(os.getpid(), signal.SIGTERM)
        with Interrupt() as inner:
            assert inner.signal == signal.SIGTERM and inner.status == 143
    with Interrupt() as outer, Interrupt() as inner:
        os.kill(os.getpid(), signal.SIGINT)
    assert inner.signal == signal.SIGINT and outer.signal is None
