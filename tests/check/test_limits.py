"""Whatever is written, the answer comes within two seconds, and is no traceback."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.checking import codes, fine, number, spec
from tests.helpers.surviving import calls, in_time

UNIT = "block unit(c) { conv(c, 3x3, bias=false) -> batch_norm -> relu }"


def timed(text: str, **options):
    """A spec, checked with all its variants, in good time."""
    return in_time(lambda: spec(text, everything=True, **options))


def body(text: str, before: str = "") -> str:
    return f"{before}\nnetwork N {{ input(8, 16x16)\n{text}\n}}"


@pytest.fixture(autouse=True)
def _parser():
    """The parser's tables are there before the clock starts."""
    spec("let a = 1")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (body("repeat(1000000000) { relu }"), "E214"),
        (body("repeat(50001) { }"), "E214"),
        (body("repeat(1000) { repeat(1000) { relu } }"), "E214"),
        (body("repeat(40000) { repeat(40000) { } }"), "E214"),
        (body("repeat(49000) { con(4) }"), "E201"),
        (body("for a in range(100000) { for b in range(100000) { } }"), "E214"),
        (body("for a in range(100000) { relu }"), "E214"),
        (body("for a in range(10 ** 9) { relu }"), "E222"),
        (body("repeat(9 ** 9 ** 9) { relu }"), "E222"),
        (body("conv(9 ** 9 ** 9)"), "E222"),
        (body("conv(100000000) -> conv(100000000)"), "E310"),
        (body("flatten -> dense(100000000) -> dense(100000000)"), "E310"),
        (body("conv(999999999999999999)"), "E310"),
        (body("conv_transpose(4, 999999999999999999x999999999999999999)"), "E310"),
        (body("upsample(999999999999999999)"), "E310"),
        (body("pad(999999999999999999)"), "E310"),
        (body("conv(3, dilation=999999999999999999)"), "E310"),
        (body("conv(3, padding=999999999999999999)"), "E310"),
        (body("repeat(30) { conv(4, 1x1, stride=999999999999999999) }\nupsample(2)\nconv(4)"), None),
        (body("repeat(2000) { upsample(2) -> max_pool(2) }"), None),
        (body("repeat(100) { upsample(2) }"), "E310"),
        (body("repeat(100) { conv(2 * in.channels) }"), "E310"),
        (body("repeat(40000) { let b = sum(a) }", "let a = range(100000)"), "E214"),
        (body("repeat(40000) { if a == b { relu } }", "let a = range(100000)\nlet b = range(100000)"), "E214"),
        (body("repeat(40000) { f(a) }", "let a = range(100000)\nblock f(a) { }"), "E214"),
        (body("repeat(200) { let b = a + a }", "let a = range(50000)"), "E214"),
        (body("f", "block f { f }"), "E214"),
        (body("f(0)", "block f(n) { add { | f(n + 1) | f(n + 1) } }"), "E214"),
        (body("f(60)", "block f(n) { if n > 0 { add { | f(n - 1) | f(n - 1) } } }"), "E214"),
        (
            body(
                "f(16)", f"{UNIT}\nblock f(n) {{ if n > 0 {{ add {{ | f(n - 1) | f(n - 1) }} }} else {{ unit(8) }} }}"
            ),
            "E214",
        ),
        (body("f(relu)", "block f(g) { f(g -> g) }"), "E214"),
        (body("f", "let f = relu -> f"), None),
        (body("a200", "let a0 = relu\n" + "\n".join(f"let a{i + 1} = a{i} -> a{i}" for i in range(200))), "E214"),
        (body("a2000", "let a0 = relu\n" + "\n".join(f"let a{i + 1} = a{i} -> relu" for i in range(2000))), None),
        (body("scale(1)", "let a0 = [1]\n" + "\n".join(f"let a{i + 1} = [a{i}, a{i}]" for i in range(99))), "E222"),
        (body("scale(1)", "let a0 = [1]\n" + "\n".join(f"let a{i + 1} = [a{i}]" for i in range(999))), "E222"),
        (body("\n".join(f"con{i}" for i in range(5000))), "E201"),
        ("network N { " * 10_000, None),
        ("{" * 10_000, "E101"),
        (body("residual { " * 10_000 + "}" * 10_000), "E102"),
        (body("add { | " * 10_000), "E102"),
        ("(" * 1_000_000, "E103"),
        ("let a = " + "(" * 999_000, "E103"),
        ("let a = " + "(" * 50_000, "E102"),
        ("let a = " + "[" * 50_000, "E102"),
        ("x" * 1_000_001, "E103"),
        ("x" * 1_000_000, "E101"),
        ("#" * 1_000_000, "E105"),
        ("\n" * 59_000, "E105"),
        ("\n" * 1_000_000, "E103"),
        (";" * 1_000_000, "E103"),
        ('"' * 50_000, "E101"),
        ("@" * 50_000, "E101"),
        ("\0" * 50_000, "E101"),
        ("é" * 1_000_000, "E101"),
        ("let a = " + "- " * 20_000 + "1", "E102"),
        ("let a = " + "not " * 20_000 + "true", "E102"),
        ("let a = " + "2 ** " * 20_000 + "1", "E102"),
        ("let a = " + "1 if true else " * 10_000 + "1", "E102"),
        ("let a = b" + "[0]" * 10_000, "E102"),
        (body("if false { relu } else " * 8_000 + "{ relu }"), "E102"),
        ("let a = [" + "1, " * 25_000 + "]\nlet b = a + a\nlet c = b + b", None),
        ("let a = [" + "1, " * 40_000 + "]", "E103"),
        ("let a = " + "9" * 500_000, "E104"),
        ("let a = 0." + "9" * 500_000, "E105"),
        ('let a = "' + "x" * 900_000 + '"', "E105"),
        ("let " + "x" * 500_000 + " = 1\nlet " + "x" * 400_000 + "y = 2", "E105"),
        ("\n".join(f"let a{i} = 1" for i in range(10_000)) + "\nnetwork N { input(3, 8x8)\nconv(a) }", "E201"),
        (body("\n".join(f"let a{i} = 1" for i in range(8_000))), None),
        (body("\n".join(f"let a = relu -> relu; let b{i} = 1" for i in range(3_000))), None),
        (
            body("\n".join(f"abcdeg{i}(3)" for i in range(999)), "\n".join(f"let abcdef{i} = 1" for i in range(7_000))),
            "E201",
        ),
        ("let " + "x" * 20_000 + " = 1\n" + body("x" * 20_001 + "(3)"), "E201"),
        (body("relu") + "\n".join(f"variant v{i} {{ }}" for i in range(8_000)), None),
        (body("relu") + "\n".join(f"variant v{i} extends v{i + 1} {{ }}" for i in range(5_000)), None),
        (body("repeat(20000) { relu }") + "\n".join(f"variant v{i} {{ }}" for i in range(100)), "E214"),
        (body("f", "block f { f }") + "\n".join(f"variant v{i} {{ }}" for i in range(100)), "E214"),
        (body("relu") + "\nsearch { train.epochs = choice(" + "1, " * 20_000 + ") }", None),
        (body("relu") + "\ntrain { " + "epochs = 3; " * 10_000 + "}", "E209"),
        (body("relu") + "\ntrain { schedule = " + "constant -> " * 20_000 + "constant }", None),
        (body("as(x); repeat(20000) { group_norm(7) -> from(x) }", ""), "E304"),
        (body("conv(1099511627, 1x1) -> global_avg_pool -> as(x)\nrepeat(9000) { pixel_shuffle(1) -> from(x) }"), None),
        (body("global_avg_pool -> conv(2147483647, 1x1) -> as(x)\nrepeat(999) { group_norm(7) -> from(x) }"), "E304"),
    ],
    ids=lambda value: value.strip()[:40].replace("\n", " ") if isinstance(value, str) else "",
)
def test_in_good_time(text, code):
    checked = timed(text)
    if code is not None:
        assert code in codes(checked)


def test_one_mistake_however_large_is_one_message():
    assert codes(timed(body("repeat(1000000000) { relu } -> conv(4)"))) == ["E214"]
    assert codes(timed(body("f(0)", "block f(n) { add { | f(n + 1) | f(n + 1) } }"))) == ["E214"]
    assert codes(timed(body("f", "block f { f }") + "\nvariant a { }\nvariant b { }")) == ["E214"]
    assert codes(timed(body("conv(9 ** 9 ** 9) -> conv(4)"))) == ["E222"]


def test_a_long_sum_works():
    assert number(" + ".join(["1"] * 5000)) == 5000
    assert number("sum([" + "1, " * 20_000 + "])") == 20_000


def test_nests_within_the_bounds_work():
    fine(timed(body("residual { " * 90 + "relu" + " }" * 90)))
    fine(timed(body("scale(" + "(" * 90 + "1" + ")" * 90 + ")")))
    fine(timed(body("if false { relu } else " * 150 + "{ tanh }")))
    fine(timed(body("scale(" + "- " * 200 + "1)")))
    fine(timed(body("scale(" + "1 if false else " * 150 + "2)")))
    fine(timed(body("f(90)", "block f(n) { if n > 0 { residual { f(n - 1) } } else { relu } }")))
    fine(timed(body("a90", "let a0 = relu\n" + "\n".join(f"let a{i + 1} = a{i} -> relu" for i in range(90)))))


def test_ten_thousand_layers():
    checked = timed(body("repeat(5000) { conv(8) -> relu }"))
    assert len(fine(checked).graph.nodes) == 10_001
    checked = in_time(lambda: spec(body("conv(8)\n" * 10_000)))
    assert len(fine(checked).graph.nodes) == 10_001


def test_the_work_is_linear_in_layers():
    """Counted in calls; `benchmarks/check_time.py` measures the time."""

    def work(count: int) -> int:
        return calls(lambda: fine(spec(body(f"repeat({count}) {{ unit(8) }}", UNIT))))

    work(100)
    few, many = work(400), work(1600)
    assert 3.5 * few < many < 4.1 * few


def test_a_very_wide_layer_works():
    graph = fine(timed(body("global_avg_pool -> dense(100000000) -> relu"))).graph
    assert graph.parameters == 9 * 10**8


def test_many_problems_are_cut_short():
    checked = timed(body("\n".join(f"con{i}" for i in range(1000))))
    assert 100 <= len(checked.errors) < 1000
    assert checked.errors[-1].code == "E106"


def test_too_many_problems_before_anything_runs():
    lets = "let a = 1\n" * 500
    assert codes(spec(lets + body("relu"), variant="v"))[-1] == "E106"
    assert codes(spec(lets + body("rleu"), everything=True))[-1] == "E106"
    assert codes(spec(body("relu"), sets=["train.epoch=3"] * 3 + [f"train.e{i}=3" for i in range(500)]))[-1] == "E106"


def test_the_callers_recursion_limit_is_left_alone():
    limit = sys.getrecursionlimit()
    spec(body("f", "let f = relu -> f"))
    spec("let a = " + "- " * 20_000 + "1")
    assert sys.getrecursionlimit() == limit


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_memory():
    """The worst of them, each in a process of its own, below 500 MB."""
    script = """
import json, os, re, sys
from specc.check import check
from specc.source import Source
for text in json.load(sys.stdin):
    if os.fork() == 0:
        check(Source("net.cnn", text), everything=True)
        # getrusage would count what the process was before it became this one
        print(int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) // 1024, flush=True)
        os._exit(0)
    os.wait()
"""
    texts = [
        body("repeat(24000) { conv(8) }"),
        "let a = [" + "1, " * 29_000 + "]",
        body("repeat(200) { let b = a + a }", "let a = range(50000)"),
        body("f(60)", "block f(n) { if n > 0 { add { | f(n - 1) | f(n - 1) } } }"),
    ]
    command, root = [sys.executable, "-c", script], Path(__file__).parents[2]
    done = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=True, cwd=root)
    peaks = list(map(int, done.stdout.split()))
    assert len(peaks) == len(texts) and max(peaks) < 500
