"""A PostgreSQL server of a test's own, in a folder that is removed with it; it never runs as root."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USER = "postgres"  # whose the server is where the tests run as root; Debian's package makes that user


def missing() -> str:
    """Why there can be no server here; "" where there can."""
    if _programs() is None:
        return "there is no PostgreSQL server: apt-get install postgresql"
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        return "PostgreSQL does not run as root, and there is no runuser"
    return ""


def _programs() -> Path | None:
    """The folder with initdb and pg_ctl, which Debian keeps out of the path."""
    known = [Path(found).resolve().parent for name in ("initdb", "postgres") if (found := shutil.which(name))]
    known += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in known if (folder / "initdb").exists() and (folder / "pg_ctl").exists()), None)


class Server:
    """A server with a database. url: of it. stop, start: as when the machine goes down and comes up again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._run("initdb", "--auth=trust", "--username=specc", "--no-sync")
        self.url = f"postgresql://specc@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._run("pg_ctl", "--wait", "--options", options, "--log", str(self.folder / "log"), "start")

    def stop(self) -> None:
        self._run("pg_ctl", "--wait", "--mode=immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        programs = _programs()
        assert programs is not None
        command = [str(programs / program), "--pgdata", str(self.data), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", USER, "--", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder)


@contextmanager
def server() -> Iterator[Server]:
    """A server that runs."""
    folder = Path(tempfile.mkdtemp(prefix="specc-postgres-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, USER)
        own = Server(folder)
        own.start()
        yield own
        own.stop()
    finally:
        shutil.rmtree(folder)
