"""What editors and Git know of .cnn files: held against specc's own lexer and commands."""

import json
import os
import re
import shutil
import subprocess
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given, settings

from specc.cli.app import COMMANDS
from specc.lsp import hints, lenses
from specc.source import Source
from specc.syntax.format import format_source
from specc.syntax.grammar import parser
from specc.syntax.layout import Filter
from specc.syntax.parse import parse
from tests.helpers.spec_texts import specs

ROOT = Path(__file__).parent.parent
VSCODE = ROOT / "editors" / "vscode"
SPECS = sorted([*(ROOT / "examples").glob("*.cnn"), *(ROOT / "tests").rglob("*.cnn")])
GRAMMAR = json.loads((VSCODE / "syntaxes" / "cnn.tmLanguage.json").read_text())
RULES = [(rule, re.compile(rule["match"])) for rule in GRAMMAR["patterns"]]

NAMES = ("variable.", "entity.", "support.")
SCOPES: dict[str, str | tuple[str, ...]] = {
    "NAME": NAMES,
    "STRING": "string.quoted",
    "SIZE": "constant.numeric.size",
    "PERCENT": "constant.numeric.percent",
    "FLOAT": "constant.numeric.float",
    "INTEGER": "constant.numeric.integer",
    "TRUE": "constant.language",
    "FALSE": "constant.language",
    **dict.fromkeys(("IF", "ELSE", "FOR"), "keyword.control"),
    "IN": ("keyword.control", "variable.language"),
    **dict.fromkeys(("AND", "OR", "NOT"), "keyword.operator.logical"),
    **dict.fromkeys(("LET", "SHARED", "DEFAULT", "BLOCK", "NETWORK"), "storage.type"),
    **dict.fromkeys(("DATA", "TRAIN", "EXPORT", "SEARCH", "VARIANT"), "keyword.other.section"),
    "EXTENDS": "keyword.other.extends",
    "COMPARE": "keyword.operator.comparison",
    **dict.fromkeys(("PLUS", "MINUS", "TIMES", "POWER"), "keyword.operator.arithmetic"),
    "->": "keyword.operator.pipe",
    "EQUAL": "keyword.operator.assignment",
    "VBAR": "keyword.operator.branch",
    **dict.fromkeys(("COMMA", "DOT"), "punctuation.separator"),
    **dict.fromkeys(("LPAR", "RPAR", "LBRACE", "RBRACE", "LSQB", "RSQB"), "punctuation.bracket"),
}


def scopes(text: str) -> list[str]:
    """The scope of each character, as a TextMate engine finds it: line by line, the leftmost match of all rules, and of
    two that begin together the first rule."""
    out: list[str] = []
    for line in text.splitlines(keepends=True):
        found = [""] * len(line)
        at = 0
        while at < len(line):
            matches = [
                (match.start(), i, match) for i, (_, rule) in enumerate(RULES) if (match := rule.search(line, at))
            ]
            if not matches:
                break
            _, number, match = min(matches)
            assert match.end() > at, "a rule that matches nothing would hang an editor"
            rule = RULES[number][0]
            parts = {0: rule["name"]} if "name" in rule else {}
            parts |= {int(i): part["name"] for i, part in rule.get("captures", {}).items() if "name" in part}
            for group, name in parts.items():
                start, end = match.span(group)
                found[start:end] = [name] * (end - start)
            at = match.end()
        out += found
    return out


def agree(text: str) -> None:
    """Each token of the lexer, and each comment, has the scope of its kind, from its first to its last character."""
    lark, layout, comments = parser()
    comments.clear()
    layout.raw = True
    try:
        raw = list(lark.lex(text))
    finally:
        layout.raw = False
    given_scopes = scopes(text)
    of_layout = Filter()
    tokens = [fed for token in raw for fed in of_layout.feed(token) if fed.type != "_NL"]
    assert tokens or comments
    for token in (*tokens, *comments):
        kind = SCOPES.get(token.type) or SCOPES.get(str(token), "comment.line")
        found = set(given_scopes[token.start_pos : token.end_pos])
        assert len(found) == 1 and found.pop().startswith(kind), (token.type, str(token), token.line)


def _can_be_read(path: Path) -> bool:
    return not parse(Source(str(path), path.read_text())).diagnostics


@pytest.mark.parametrize("path", [path for path in SPECS if _can_be_read(path)], ids=lambda path: path.name)
def test_colors_of_every_spec_that_can_be_read(path):
    agree(path.read_text())


def test_colors_of_examples_of_the_vocabulary_and_of_pages():
    bodies = "".join(f"network N {{\n  {example}\n}}\n" for example in _examples())
    agree(bodies)
    for page in (ROOT / "specc" / "pages").glob("*.md"):
        for text in re.findall(r"```cnn\n(.*?)```", page.read_text(), re.DOTALL):
            if text.strip() and not parse(Source("page", text)).diagnostics:
                agree(text)


ESCAPE = "string.quoted.double.cnn"  # what an escape is within
ENGINE = VSCODE / "node_modules" / "vscode-textmate"
has_engine = pytest.mark.skipif(
    shutil.which("node") is None or not ENGINE.exists(), reason="`make vscode` has not been run: its engine is not here"
)


def engine(paths: list[Path]) -> list[list[str]]:
    """The innermost scope of each character of files, as the engine of Visual Studio Code finds it."""
    command = ["node", "test/scopes.js", *map(str, paths)]
    done = subprocess.run(command, cwd=VSCODE, capture_output=True, text=True, check=True, timeout=60)
    result = []
    for path, lines in zip(paths, json.loads(done.stdout), strict=True):
        found: list[str] = []
        for text, tokens in zip(path.read_text().split("\n"), lines, strict=True):
            line = [""] * (len(text) + 1)
            for start, end, scope in tokens:
                line[start : min(end, len(text))] = [scope.rpartition(" ")[2]] * (min(end, len(text)) - start)
            found += line
        result.append(found[:-1])
    return result


@has_engine
def test_the_engine_of_the_editor_colors_as_the_one_here() -> None:
    paths = [path for path in SPECS if _can_be_read(path) and path.read_text().isascii()]
    for path, found in zip(paths, engine(paths), strict=True):
        text = path.read_text()
        outer = [ESCAPE if scope.startswith("constant.character.escape") else scope for scope in found]
        assert outer == ["" if here == "\n" else scope for here, scope in zip(text, scopes(text), strict=True)]


COLORED = """\
network Net(width=8) {
  input(3, 32x32) -> conv(width) -> batch_norm -> relu
  for (c, s) in [(8, 1), (16, 2)] { unit(c, stride=s) }
  for k in kernels { conv(k, bias=false) }  # each
  if in.channels > width { relu } else { act }
  add { | from(skip) | identity }
}
variant wide extends base { network.width = 16 }
"""


@has_engine
def test_colors_of_an_example_as_a_person_sees_them(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    (tmp_path / "colored.cnn").write_text(COLORED)
    (found,) = engine([tmp_path / "colored.cnn"])
    lines = []
    at = 0
    for scope, letters in groupby(zip(found, COLORED, strict=True), key=lambda pair: pair[0]):
        text = "".join(letter for _, letter in letters)
        if scope:
            lines.append(f"{COLORED.count(chr(10), 0, at) + 1}: {text.strip()}  {scope.removesuffix('.cnn')}")
        at += len(text)
    golden = ROOT / "tests" / "lsp" / "golden" / "colored.scopes.txt"
    text = "\n".join(lines) + "\n"
    if request.config.getoption("--update-pages"):
        golden.write_text(text)
    assert text == golden.read_text()


def _examples() -> list[str]:
    from specc.ops import OPS
    from specc.tricks import COMPONENTS

    ops = [op.example for op in OPS.values() if op.example]
    return ops + [trick.example for family in COMPONENTS.values() for trick in family.values() if trick.example]


@settings(max_examples=30)
@given(specs())
def test_colors_of_any_spec_that_is_laid_out(text):
    laid_out = format_source(Source("net.cnn", text)).text
    assert laid_out is not None
    if laid_out:
        agree(laid_out)


@pytest.mark.parametrize(
    ("line", "word", "scope"),
    [
        ("for k in kernels { conv(k) }", "kernels", "variable.other"),
        ("for i in range(3) { relu }", "range", "entity.name.function"),
        ("if is_basic { relu }", "is_basic", "variable.other"),
        ("if a and not b { relu }", "b", "variable.other"),
        ("if in.channels != c { relu }", "c ", "variable.other"),
        ("if true { relu }", "true", "constant.language"),
        ("conv(3) -> relu", "relu", "support.function.layer"),
        ("conv(3) -> relu", "conv", "support.function.layer"),
        ("unit(3) -> other", "other", "variable.other"),
        ("conv(in.channels)", "channels", "variable.other"),
        ("resize = 3x3", "resize", "variable.parameter"),
        ("residual { relu }", "residual", "support.function.layer"),
        ("variant wide { train.epochs = 3 }", "wide", "entity.name.type.variant"),
    ],
)
def test_what_a_name_looks_like(line, word, scope):
    assert scopes(line)[line.index(word)].startswith(scope)


def test_the_grammar_knows_every_layer():
    from specc.ops import OPS

    (rule,) = (rule for rule, _ in RULES if rule.get("name") == "support.function.layer.cnn")
    assert set(rule["match"].partition("(?:")[2].partition(")")[0].split("|")) == set(OPS)


def test_escapes_within_texts():
    (string,) = (rule for rule, _ in RULES if rule.get("name", "").startswith("string"))
    (escape,) = string["captures"]["0"]["patterns"]
    text = r'"a\n\t\"\\\q"'
    assert re.fullmatch(string["match"], text)
    assert re.findall(escape["match"], text) == [r"\n", r"\t", r"\"", r"\\"]


def test_every_scope_is_one_of_cnn():
    names = re.findall(r'"name": "([^"]+)"', (VSCODE / "syntaxes" / "cnn.tmLanguage.json").read_text())
    assert names[0] == "cnn"
    assert all(name.endswith(".cnn") for name in names[1:])


def test_what_the_extension_names_is_there():
    package = json.loads((VSCODE / "package.json").read_text())
    (language,), (grammar,) = package["contributes"]["languages"], package["contributes"]["grammars"]
    assert (language["id"], language["extensions"]) == (grammar["language"], [".cnn"])
    assert grammar["scopeName"] == GRAMMAR["scopeName"]
    assert json.loads((VSCODE / grammar["path"]).read_text()) == GRAMMAR
    configuration = json.loads((VSCODE / language["configuration"]).read_text())
    word = re.compile(configuration["wordPattern"])
    assert all(word.fullmatch(text) for text in ("batch_norm", "3x3", "1e-3", "50%", "0.5", "64"))


def test_commands_and_settings_of_the_extension():
    package = json.loads((VSCODE / "package.json").read_text())["contributes"]
    code = (VSCODE / "extension.js").read_text()
    commands = {command["command"] for command in package["commands"]}
    assert set(re.findall(r'register\("([^"]+)"', code)) == commands
    settings = set(package["configuration"]["properties"])
    assert {f"specc.{name}" for name in re.findall(r'\.get\("(\w+)"\)', code)} <= settings
    assert {command["command"] for menu in package["menus"].values() for command in menu} <= commands
    assert set(package["configuration"]["properties"]["specc.hints"]["enum"]) == set(hints.MODES)
    assert re.findall(r"^const COMMANDS = (.*);", code, re.MULTILINE)[0].startswith(
        f'["{lenses.TRAIN}", "{lenses.SHOW}"]'
    )


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed here")
def test_where_the_extension_looks_for_specc():
    script = """
        const { candidates } = require("./program.js");
        console.log(JSON.stringify([candidates("", ["/work"], "linux"), candidates("", ["/work"], "win32"),
                                    candidates("/own/specc", ["/work"], "linux")]));
    """
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(["node", "-e", script], cwd=VSCODE, env=environment, capture_output=True, text=True)
    linux, windows, own = json.loads(done.stdout)
    assert linux == ["/work/.venv/bin/specc", "/work/venv/bin/specc", "/work/env/bin/specc", "specc"]
    assert windows[0].endswith("specc.exe") and "Scripts" in windows[0]
    assert own == ["/own/specc"]
    for file in VSCODE.glob("*.js"):
        assert subprocess.run(["node", "--check", file]).returncode == 0


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed here")
def test_the_extension_takes_the_first_program_that_runs(tmp_path: Path) -> None:
    """An environment without specc, one whose specc is broken, and one where it runs."""
    for name, status in (("venv", 1), ("env", 0)):
        program = tmp_path / name / "bin" / "specc"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\nexit {status}\n")
        program.chmod(0o755)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    script = """
        const { candidates, firstThatRuns } = require("./program.js");
        const [folder] = process.argv.slice(1);
        console.log(JSON.stringify([firstThatRuns(candidates("", [folder], "linux")),
                                    firstThatRuns([folder + "/nowhere", folder + "/venv/bin/specc"]) ?? null]));
    """
    done = subprocess.run(["node", "-e", script, tmp_path], cwd=VSCODE, capture_output=True, text=True)
    assert json.loads(done.stdout) == [str(tmp_path / "env" / "bin" / "specc"), None]


def test_snippets_are_specs():
    for name, snippet in json.loads((VSCODE / "snippets" / "cnn.json").read_text()).items():
        body = snippet["body"] if isinstance(snippet["body"], str) else "\n".join(snippet["body"])
        text = re.sub(r"\$\{\d+:([^}]*)\}", r"\1", body).replace("$0", "")
        if not re.match(r"\w+ .*\{|extends", text):
            text = f"network N {{ {text} }}"
        assert not parse(Source("", text)).diagnostics, name


@pytest.mark.parametrize(
    ("line", "more", "less"),
    [
        ("network Net {", True, False),
        ("  add {  # two ways", True, False),
        ("  let a = [", True, False),
        ("  conv(3)", False, False),
        ("  repeat(2) { relu }", False, False),
        ('  source = folder("{")', False, False),
        ("}", False, True),
        ("  ] {", True, True),
    ],
)
def test_indentation_while_typing(line, more, less):
    rules = json.loads((VSCODE / "language-configuration.json").read_text())["indentationRules"]
    assert bool(re.match(rules["increaseIndentPattern"], line)) is more
    assert bool(re.match(rules["decreaseIndentPattern"], line)) is less


def test_hooks_of_pre_commit():
    text = (ROOT / ".pre-commit-hooks.yaml").read_text()
    hooks = [dict(re.findall(r"^[- ] (\w+): (.+)$", hook, re.MULTILINE)) for hook in text.split("\n\n")[1:]]
    assert [hook["id"] for hook in hooks] == ["specc-fmt", "specc-check"]
    for hook in hooks:
        program, command = hook["entry"].split()
        assert program == "specc"
        assert command in COMMANDS
        assert hook["name"] == hook["entry"]
        assert re.search(hook["files"], "specs/net.cnn")
        assert not re.search(hook["files"], "net.cnn.txt")
