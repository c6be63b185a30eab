"""`specc playground`: a page in which a spec is checked, shown and drawn while it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from specc.cli.loopback import OPEN, Answer, Reply, loopback, port_option
from specc.cli.options import given, refuse_with
from specc.errors import clean
from specc.playground.folder import playground as files_of
from specc.playground.folder import policy, write_folder

PORT = 8643  # where it is looked for first; any other that is free will do
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".zip": "application/zip",
}


def playground(
    context: typer.Context,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the page into this folder, a new one or its own, for any server of files.",
            metavar="DIR",
            show_default=False,
        ),
    ] = None,
    port: Annotated[int | None, port_option(PORT)] = None,
    open_browser: Annotated[bool, OPEN] = False,
) -> None:
    """Show a page in which a spec is checked, shown and drawn while it is typed: problems and fixes, shapes, layers.

    The checker runs in the browser: the page asks nobody for anything once it is loaded, and no text leaves it. The
    first time npm installs what it consists of. Only browsers on this machine are answered; Ctrl-C ends it.

    Examples:

      specc playground --open
      specc playground --out public
    """
    refuse_with(given(context), "--out", ("--port", "--open"), "writes a folder and serves nothing")
    if out is not None:
        size = write_folder(out)
        print(f"{clean(str(out))}: the playground, {size / 1e6:.1f} MB; any server of files can offer it")
        return
    answer = page()
    with loopback(port, PORT, answer) as server:
        print(f"the playground is at {server.url} (Ctrl-C ends it)", flush=True)
        if open_browser:
            import webbrowser

            webbrowser.open(server.url)
        server.serve_forever()


def page() -> Answer:
    """What is answered: the files of the playground. Raises SpeccError: E540, E542 a package is missing."""
    rule = f"{policy()}; frame-ancestors 'none'"
    replies = {
        f"/{name}": Reply(KINDS[Path(name).suffix], data, rule, is_kept=True) for name, data in files_of().items()
    }
    replies["/"] = replies["/index.html"]
    return replies.get
