"""`specc watch`: a run as a page on this machine while it is trained."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from specc.cli.loopback import OPEN, Answer, Reply, loopback, port_option
from specc.errors import clean

PORT = 8642  # where it is looked for first; any other that is free will do
POLICY = "frame-ancestors 'none'"  # the page brings its own, which also holds where it is kept


def watch(
    run: Annotated[Path, typer.Argument(help="A run, or a folder of runs.", metavar="RUN", show_default=False)],
    port: Annotated[int | None, port_option(PORT)] = None,
    open_browser: Annotated[bool, OPEN] = False,
) -> None:
    """Show a run as a page on this machine while it is trained: curves, epochs, the time left, what was kept.

    The page follows the run: it shows when the run begins, is stopped or killed, is resumed, and ends. Of a folder of
    runs, such as a study, it shows the curves over each other. Only browsers on this machine are answered; nothing is
    written, and any number may watch one run. Ctrl-C ends it.

    Examples:

      specc watch runs/Digits-1
      specc watch runs --port 9000
    """
    from specc.backend.run.manifest import refuse_file

    refuse_file(run)
    with loopback(port, PORT, page_of(run)) as server:
        print(f"watching {clean(str(run))} at {server.url} (Ctrl-C ends it)", flush=True)
        if not run.exists():
            print(f"there is no {clean(str(run))} yet; the page shows the run as soon as it begins", file=sys.stderr)
        if open_browser:
            import webbrowser

            webbrowser.open(server.url)
        server.serve_forever()


def page_of(run: Path) -> Answer:
    """What is answered: the page of a run, and nothing else."""
    from specc.backend.report_page.live import Watched

    watched = Watched(run)

    def answer(path: str) -> Reply | None:
        if path != "/":
            return None
        body = watched.page().encode("utf-8", "backslashreplace")
        return Reply("text/html; charset=utf-8", body, POLICY)

    return answer
