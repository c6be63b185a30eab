"""`specc playground`: as a folder, and as a page for browsers of this machine."""

import http.client
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specc.cli.loopback import Loopback
from specc.cli.playground import page
from tests.helpers.playground import small


@pytest.fixture(autouse=True)
def _small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = small(tmp_path / "modules")
    monkeypatch.setattr("specc.playground.folder.node_modules", lambda: modules)


def test_a_folder(specc: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "public" / ".git").mkdir(parents=True)
    assert specc("playground", "--out", tmp_path / "public").status == 0
    (tmp_path / "public" / "own.txt").write_text("mine")
    (tmp_path / "public" / "app.js").write_text("of an older version")
    answer = specc("playground", "--out", tmp_path / "public")
    assert answer.status == 0 and answer.err == "" and "any server of files" in answer.out
    written = {path.relative_to(tmp_path / "public").as_posix() for path in (tmp_path / "public").rglob("*")}
    assert {"index.html", "worker.js", "specc.zip", "pyodide/pyodide.asm.wasm", "modules/@codemirror/view.js"} < written
    assert (tmp_path / "public" / "own.txt").read_text() == "mine"
    assert (tmp_path / "public" / "app.js").read_text().startswith("// The playground")


def test_it_serves_its_files_and_nothing_else() -> None:
    with Loopback(0, page()) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        kinds = {}
        for path in (
            "/",
            "/worker.js",
            "/pyodide/pyodide.asm.wasm",
            "/specc.zip?x=1",
            "/web/package.json",
            "/../session.py",
        ):
            connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            kinds[path] = answer.headers["Content-Type"].partition(";")[0] if answer.status == 200 else answer.status
            assert answer.headers["Cache-Control"] == ("no-cache" if answer.status == 200 else "no-store")
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy and (answer.status != 200 or "frame-ancestors 'none'" in policy)
            connection.close()
        server.shutdown()
        thread.join()
    assert list(kinds.values()) == ["text/html", "text/javascript", "application/wasm", "application/zip", 404, 404]


def test_the_command(specc: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(server: Loopback) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("specc.cli.loopback.Loopback.serve_forever", interrupted)
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    answer = specc("playground", "--open")
    assert answer.status == 130 and f"at {opened[0]} (Ctrl-C" in answer.out
    with Loopback(0, lambda path: None) as other:
        answer = specc("playground", "--port", other.server_port)
        assert answer.status == 2 and "error[E533]" in answer.err
        monkeypatch.setattr("specc.cli.playground.PORT", other.server_port)
        assert specc("playground").status == 130
    refused = specc("playground", "--out", "public", "--open")
    assert refused.status == 2 and "error[E475]" in refused.err
