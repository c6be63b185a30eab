"""The program `specc`: its commands, its exit status, and the promise that no traceback reaches a user.

A command is a function in a module of its own; the module is imported when the command is called for. The function's
docstring is its help, where an indented paragraph (an example) keeps its lines. What it returns is the exit status:
0 (or None) fine, 1 the user's input has errors, 2 the command could not do its work.
"""

import inspect
import os
import signal
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial, wraps
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup
from typer.models import TyperPath

from specc import __version__
from specc.cli import streams
from specc.cli.complete import dress
from specc.cli.options import refuse_repeated
from specc.diagnostics import nearest
from specc.errors import SpeccError, clean
from specc.fit import limited, width_of
from specc.render import render_error, style_of

# name: (module:function, what it does), in the order of `specc --help`
COMMANDS = {
    "new": ("specc.cli.new:new", "create a commented starter spec"),
    "check": ("specc.cli.check:check", "report every problem in specs and all their variants"),
    "fmt": ("specc.cli.fmt:fmt", "format specs in the one canonical style; comments are kept"),
    "show": ("specc.cli.show:show", "print the layers as a table: shapes, parameters, MACs, receptive field, memory"),
    "diff": ("specc.cli.diff:diff", "compare two specs: layers, parameters, MACs, data and training"),
    "ops": ("specc.cli.ops:ops", "list the layers, tricks and settings, with their parameters and examples"),
    "zoo": ("specc.cli.zoo:zoo", "list the published networks that come with specc, or show one of them"),
    "lsp": ("specc.cli.lsp:lsp", "run the language server that an editor starts: problems, shapes, completion"),
    "playground": (
        "specc.cli.playground:playground",
        "show a page that checks and draws a spec while it is typed",
    ),
    "explain": ("specc.cli.explain:explain", "explain an error or warning code and how to fix it"),
    "probe": ("specc.cli.probe:probe", "run one batch through the untrained network to predict whether it will learn"),
    "train": ("specc.cli.train:train", "train a network, export it to ONNX and verify the exported file"),
    "study": ("specc.cli.study:study", "train variants with several seeds and compare their results and curves"),
    "search": ("specc.cli.search:search", "try values for settings: draw, train in several processes, prune"),
    "eval": ("specc.cli.eval:eval_run", "evaluate a run: accuracy, per-class metrics, most frequent mistakes"),
    "report": (
        "specc.cli.report:report",
        "write runs as one HTML page: curves, classes, mistakes, calibration",
    ),
    "watch": ("specc.cli.watch:watch", "show a run as a page on this machine while it is trained"),
    "log": ("specc.cli.log:log", "send a run to TensorBoard, MLflow, Weights & Biases or Trackio"),
    "runs": ("specc.cli.runs:runs", "list the runs in a folder: spec, figures, time, state"),
    "predict": ("specc.cli.predict:predict", "classify image files with a run or an exported model"),
    "export": ("specc.cli.export:export", "export a run as a certified ONNX file"),
    "verify": ("specc.cli.verify:verify", "verify an exported file again, from the file and its data set alone"),
    "emit": ("specc.cli.emit:emit", "generate readable PyTorch source that does not depend on specc"),
    "pack": ("specc.cli.pack:pack", "write the data of a spec as shards that stream: decoded once, indexed, hashed"),
    "import": ("specc.cli.import_:import_weights", "convert published weights to safetensors, without unpickling"),
    "doctor": ("specc.cli.doctor:doctor", "check this machine's setup, and say how to fix what is wrong"),
}
INTERRUPTED = 130  # the exit status after Ctrl-C
LESS = "try a smaller `batch` or `resize`"
# Commands that look no word up, and so work whatever a package's words break. `explain` sees to itself.
WITHOUT_WORDS = ("new", "fmt", "explain", "doctor")
AGENT = "specc.backend.launch.start"  # torchrun's agent leaves threads behind, which may abort while Python ends
NARROW = 52  # characters, below which Typer's help does not get narrower by itself
HELP = {"help_option_names": ["-h", "--help"]}


class Commands(TyperGroup):
    """Lists the commands without importing any; imports the one that is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, short_help=does) for name, (_, does) in COMMANDS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            help = nearest(args[0], COMMANDS) or "run `specc --help` to list the commands"
            raise SpeccError("E477", f"there is no command `{args[0]}`", help=help)
        name, listed, rest = super().resolve_command(ctx, args)
        return name, load(name) if name else listed, rest


class Command(TyperCommand):
    """A command that refuses empty paths, and an option whose value another one would replace."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        given = list(args)
        rest = super().parse_args(ctx, args)
        for parameter in self.params:
            value = ctx.params.get(parameter.name or "")
            if isinstance(parameter.type, TyperPath) and (value == "" or (isinstance(value, tuple) and "" in value)):
                what = (
                    parameter.human_readable_name.rstrip(".")
                    if isinstance(parameter, TyperArgument)
                    else parameter.opts[0]
                )
                help = "a variable of the shell that stands there may be unset"  # as a path it is the current folder
                raise SpeccError("E483", f"`specc {ctx.info_name}` was given an empty {what}", help=help)
        refuse_repeated(ctx, given)
        return rest

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The help; on a narrow terminal what an option does stands below it."""
        if formatter.width <= NARROW:
            formatter.write_dl = partial(formatter.write_dl, col_max=8)
        super().format_help(ctx, formatter)


def load(name: str) -> TyperCommand:
    """The command of that name, with its parameters."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    function: Callable[..., Any] = getattr(import_module(module), attribute)
    if name not in WITHOUT_WORDS:
        function = _with_words(function)
    one = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    one.command(name, cls=Command, help=_help(function), context_settings=HELP)(function)
    command = typer.main.get_command(one)
    assert isinstance(command, TyperCommand)
    for parameter in command.params:
        dress(name, parameter)
    return command


def _with_words(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of a command, before which the words of installed packages are let into the vocabulary."""

    @wraps(function)
    def command(*arguments: Any, **options: Any) -> Any:
        from specc.plugins import load_words

        load_words()
        return function(*arguments, **options)

    return command


def _help(function: Callable[..., Any]) -> str:
    """The docstring, its indented paragraphs marked so that they are not filled."""
    paragraphs = (inspect.getdoc(function) or "").split("\n\n")
    return "\n\n".join("\b\n" + part if "\n  " in part or part.startswith("  ") else part for part in paragraphs)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"specc {__version__}")
        raise typer.Exit


def _leave(status: int | None, **_: Any) -> None:
    raise typer.Exit(status or 0)


def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """A compiler for convolutional networks: from a .cnn file to a trained, verified ONNX model.

    Get started:

      specc new first
      specc check first.cnn
      specc train first.cnn
    """


app = typer.Typer(
    cls=Commands,
    callback=root,
    help=_help(root),
    result_callback=_leave,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=HELP,
)


def run(arguments: list[str]) -> int:
    """Run a command line and give its exit status. Whatever goes wrong becomes a message on standard error."""
    try:
        width = width_of(sys.stdout)
        narrow = {"terminal_width": width - 1} if 0 < width <= NARROW else {}
        with limited(width):
            status = typer.main.get_command(app)(arguments, prog_name="specc", standalone_mode=False, **narrow)
    except SystemExit as leave:
        status = streams.LEFT if streams.has_left(leave) else leave.code
    except typer.TyperException as error:
        return _misused(error, arguments)
    except SpeccError as error:
        return _fail(error.code, error.message, error.help, error.status)
    except KeyboardInterrupt:
        return INTERRUPTED
    except MemoryError:
        return _fail("E479", "out of memory", LESS)
    except OSError as error:
        return streams.LEFT if streams.has_left(error) else _refused(error)
    except Exception as error:  # noqa: BLE001 - the last line of defense
        if _is_interrupted(error):
            return INTERRUPTED
        if "memory" in str(error) and "torch" in sys.modules:
            from specc.backend.memory import is_out_of_memory, not_enough

            if is_out_of_memory(error):
                explained = not_enough(error)
                return _fail(explained.code, explained.message, explained.help)
        if isinstance(error, RuntimeError) and str(error).startswith("Symlink loop"):  # pathlib's, until Python 3.13
            return _fail("E478", clean(f"operating system error: {error}"))
        return _defect(error, arguments)
    return status if isinstance(status, int) else 0


def _is_interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind an exception: a library that it meets while it is loaded turns it into another one."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _misused(error: typer.TyperException, arguments: list[str]) -> int:
    """E483, in place of Typer's usage errors; the help where nothing at all is asked for."""
    if not arguments:
        print(error.format_message(), file=sys.stderr)
        return 2
    context, option = getattr(error, "ctx", None), getattr(error, "option_name", None)
    command = f"specc {arguments[0]}" if arguments[0] in COMMANDS else "specc"
    help = f"run `{command} --help` to list the options"
    found = clean(error.format_message().rstrip(".").replace("'", "`"))
    if context and option and f"No such option: {option}" in found:
        found = f"`{command}` has no option `{option}`"
        help = (
            _as_setting(option, context.command, arguments)
            or nearest(option, [name for one in context.command.params for name in one.opts if "--" in name])
            or help
        )
    return _fail("E483", found[:1].lower() + found[1:], help)


def _as_setting(option: str, command: TyperCommand, arguments: list[str]) -> str:
    """The help for `--epochs 3`, where the command has `--set`: `--set train.epochs=3`."""
    from specc.tricks.sections import SECTIONS

    name = option.lstrip("-").replace("-", "_")
    section = next((section for section, params in SECTIONS.items() if any(name == one.name for one in params)), "")
    if not section or not any("--set" in parameter.opts for parameter in command.params):
        return ""
    words = " ".join(arguments).partition(option)[2].lstrip(" =").split()
    return f"did you mean --set {section}.{name}={words[0] if words else '…'}?"


def _fail(code: str, message: str, help: str = "", status: int = 2) -> int:
    with suppress(OSError):  # nobody reads it; the exit status still tells
        print(render_error(code, message, help, style_of(sys.stderr)), file=sys.stderr)
    return status


def _refused(error: OSError) -> int:
    where = f": {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""
    return _fail("E478", clean(f"operating system error: {error.strerror or error}{where}"))


def _defect(error: Exception, arguments: list[str]) -> int:
    """Say that specc itself is wrong, and keep the traceback for those who mend it."""
    import tempfile
    import traceback

    print(f"internal error in specc (this is a bug): {type(error).__name__}: {clean(str(error))}", file=sys.stderr)
    if os.environ.get("SPECC_TRACEBACK"):
        traceback.print_exception(error)
        return 2
    head = f"specc {__version__}, Python {sys.version}, {sys.platform}\nspecc {' '.join(arguments)}\n\n"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="specc-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(head)
            traceback.print_exception(error, file=file)
        help = f"please report it, and attach the spec and {file.name}"
    except OSError:
        help = "please report it, with the traceback that SPECC_TRACEBACK=1 prints"
    print(f"  = help: {help}", file=sys.stderr)
    return 2


def main() -> int:
    """The program. Gives the exit status."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # they are for developers
    sys.unraisablehook = _not_after_interrupt
    try:
        streams.prepare()
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # that of `specc.__main__`, while this is loaded
            signal.signal(signal.SIGINT, signal.default_int_handler)
        status = _finish(run(sys.argv[1:]))
    except KeyboardInterrupt:
        status = INTERRUPTED
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if "torch" not in sys.modules or AGENT in sys.modules:
        _leave_at_once(status)
    return status


def _finish(status: int) -> int:
    try:
        return streams.finish(status)
    except OSError as error:
        return _refused(error)


def _not_after_interrupt(unraisable: "sys.UnraisableHookArgs") -> None:
    """Python's hook for exceptions in callbacks, silent where Ctrl-C is behind it."""
    if not _is_interrupted(unraisable.exc_value):
        sys.__unraisablehook__(unraisable)


def _leave_at_once(status: int) -> None:
    """End the process without freeing each object by itself, a tenth of the time of `specc check` (mypy does the same).

    For commands of the front end: they hold nothing that must be closed.
    """
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(status)
