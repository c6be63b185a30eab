"""`specc lsp`: the language server, which an editor starts."""

import gc
import logging
import sys
from typing import Any

from specc.errors import SpeccError

PACKAGES = ("pygls", "lsprotocol", "cattrs", "attrs")


def lsp() -> int:
    """Run the language server for editors: problems, shapes, completion and more, over standard input and output.

    An editor starts it; docs/editors.md tells how.

    Examples:

      specc lsp
    """
    server = need_server()
    logging.basicConfig(level=logging.CRITICAL)
    gc.freeze()  # what is loaded stays: no collection needs to look at it, nor at each check anew
    gc.set_threshold(20_000, 20, 50)
    sys.setswitchinterval(0.001)  # seconds; an edit that cancels a check waits so long for the thread that checks
    status: int = server.serve(sys.stdin.buffer, sys.stdout.buffer)
    return status


def need_server() -> Any:
    """A server. Raises SpeccError E540 where a package that it needs is not installed."""
    try:
        from specc.lsp.server import create
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] not in PACKAGES:
            raise
        message = f"`specc lsp` needs the package {error.name.partition('.')[0]}, which is not installed"
        raise SpeccError("E540", message, help='pip install "specc-cnn[lsp]"') from None
    return create()
