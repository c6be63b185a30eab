"""How fast `specc lsp` answers a keystroke: problems and shapes of a network of 427 layers, DenseNet-121 of the zoo.

    python benchmarks/language_server.py [EDITS]

Each edit changes one digit of the text, as typing does, and waits for the problems and the shapes of the new text.
Typing fast: edits come every 20 ms without waiting; what counts is the answer to the last one. Prints milliseconds
and the memory of the server before and after.
"""

import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from specc.zoo import FOLDER
from tests.helpers.editor import Editor

NAME = "densenet.cnn"
BURST = 10  # edits that come without waiting
PAUSE = 0.02  # seconds between them


def main(count: int) -> None:
    text = (FOLDER / NAME).read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        editor = Editor(Path(folder))
        editor.open(NAME, text)
        editor.diagnostics(NAME)
        place = text.index("growth=32") + len("growth=3")
        before = memory(editor)
        pairs = [(keystroke(editor, place, number), cpu(editor)) for number in range(count)]
        print(f"one keystroke: {summary([seconds for seconds, _ in pairs])} over {count} edits")
        used = [after - now for (_, now), (_, after) in pairwise(pairs)]
        print(f"of which the server computes: {summary(used)}")
        bursts = [burst(editor, place) for _ in range(max(1, count // 20))]
        print(f"the last of {BURST} keystrokes, {1000 * PAUSE:.0f} ms apart: {summary(bursts)}")
        print(f"memory: {before:.0f} MB before, {memory(editor):.0f} MB after")
        editor.leave()


def keystroke(editor: Editor, place: int, number: int) -> float:
    """Seconds from an edit to its problems and shapes."""
    start = time.perf_counter()
    editor.edit(NAME, place, place + 1, str(number % 8 + 1))
    assert editor.diagnostics(NAME) == []
    return time.perf_counter() - start


def burst(editor: Editor, place: int) -> float:
    """Seconds from the last of several fast edits to its problems and shapes."""
    for number in range(BURST):
        editor.edit(NAME, place, place + 1, str(number % 8 + 1))
        time.sleep(PAUSE)
    return keystroke(editor, place, 0)


def summary(seconds: list[float]) -> str:
    tenth = sorted(seconds)[int(0.9 * (len(seconds) - 1))]
    return f"median {1000 * statistics.median(seconds):.0f} ms, nine of ten within {1000 * tenth:.0f} ms"


def cpu(editor: Editor) -> float:
    """Seconds that the server has computed so far, all threads together; Linux only."""
    fields = Path(f"/proc/{editor.process.pid}/schedstat").read_text().split()
    return int(fields[0]) / 1e9 + sum(
        int(Path(task, "schedstat").read_text().split()[0]) / 1e9
        for task in Path(f"/proc/{editor.process.pid}/task").iterdir()
        if int(task.name) != editor.process.pid
    )


def memory(editor: Editor) -> float:
    """Megabytes that the server holds in memory; Linux only."""
    status = Path(f"/proc/{editor.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
