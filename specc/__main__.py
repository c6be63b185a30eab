"""`specc`, and `python -m specc`."""

import signal
import sys


def main() -> int:
    """The program. Gives the exit status.

    While it loads, Ctrl-C ends it without a word, as it ends a program that has no say in it.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from specc.cli.app import main

    return main()


if __name__ == "__main__":
    sys.exit(main())
