"""How to bring about each problem that lies outside a spec: a function a code, which prepares the current folder.

The commands that then run into the problem, and what they print, are on the code's page.
"""

import errno
import io
import json
import os
import shutil
import sys
from collections.abc import Callable
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import onnx
import pytest
from onnx import external_data_helper, helper, numpy_helper
from PIL import Image

from specc.backend.data.download import DownloadFailed, OtherContent
from specc.backend.onnx.precision import convert
from specc.backend.onnx.write import write_model
from specc.files import refuse_bytes
from specc.reading import LARGEST
from tests.helpers.packing import packed
from tests.helpers.tiny_data import picture as picture_of
from tests.helpers.tiny_data import write_folder, write_mnist, write_shard
from tests.helpers.tiny_model import sealed, tiny_body
from tests.helpers.torch_files import archive, named, row, table, tensor, text

NETWORK = "network Net {\n  conv(8) -> relu\n  global_avg_pool -> dense(10)\n}\n"
SPEC = "data { source = digits }\n" + NETWORK


class Stage:
    """The current folder, what the test may replace, and a trained run to copy."""

    def __init__(self, patch: pytest.MonkeyPatch, finished: Path) -> None:
        self.patch, self.finished = patch, finished

    def raises(self, target: str, error: BaseException) -> None:
        """From now on, what is at `target` raises."""

        def fail(*arguments: Any, **options: Any) -> Any:
            raise error

        self.patch.setattr(target, fail)

    def copy_run(self) -> Path:
        """The trained run, and its data beside it."""
        shutil.copy(self.finished.parent / "pictures.npz", "pictures.npz")
        path = Path(shutil.copytree(self.finished, "run"))
        self.change_info(base=str(Path.cwd()))
        return path

    def change_info(self, **values: object) -> None:
        path = Path("run/run.json")
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def bare_run(spec: str = SPEC) -> None:
    """A run with a spec and nothing else."""
    Path("run").mkdir()
    Path("run/spec.cnn").write_text(spec)
    about: dict[str, Any] = {"format": 1, "data_dir": None, "device": "cpu", "base": ".", "classes": list("0123456789")}
    about |= {"validated_on": "", "data_sha256": "0" * 64, "mean": [0.5], "std": [0.5], "steps_per_epoch": 1}
    about |= {"versions": {}, "spec_sha256": sha256(spec.encode()).hexdigest()}
    Path("run/run.json").write_text(json.dumps(about))


def model(body: bytes | None = None) -> None:
    Path("model.onnx").write_bytes(sealed(tiny_body() if body is None else body))


def picture() -> None:
    Image.new("RGB", (4, 4)).save("cat.png")


def e103(stage: Stage) -> None:
    Path("net.cnn").write_text("#" * (LARGEST + 1))


def e106(stage: Stage) -> None:
    Path("net.cnn").write_text("network Net {\n  input(3, 8x8)\n" + "  conv(0)\n" * 250 + "}\n")


def e401(stage: Stage) -> None:
    failed = DownloadFailed("its server does not answer: Name or service not known")
    stage.raises("specc.backend.data.places.fetch", failed)


def e402(stage: Stage) -> None:
    folder = write_mnist(Path("data"), packed=False)
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-100])


def e404(stage: Stage) -> None:
    Path("flowers").mkdir()
    for name in ("daisy1", "rose1"):
        Image.new("RGB", (6, 5)).save(f"flowers/{name}.png")


def e405(stage: Stage) -> None:
    write_folder(Path("flowers"))
    Path("flowers/class0/2.png").write_bytes(b"<html>not found</html>")
    path = Path("flowers/class1/0.png")
    path.write_bytes(path.read_bytes()[:-40])


def e406(stage: Stage) -> None:
    write_folder(Path("flowers"), size=(8, 8))
    Image.new("RGB", (9, 8)).save("flowers/class1/3.png")


def e407(stage: Stage) -> None:
    write_folder(Path("flowers/train"), classes=3)
    write_folder(Path("flowers/test"), classes=2)
    Path("flowers/train/class2").rename("flowers/train/tulips")
    Path("flowers/test/class1").rename("flowers/test/class01")


def e408(stage: Stage) -> None:
    write_folder(Path("flowers"))


def e409(stage: Stage) -> None:
    write_folder(Path("flowers"))


def e410(stage: Stage) -> None:
    Path("flowers").mkdir()
    stage.raises("specc.backend.data.walk.os.scandir", PermissionError(errno.EACCES, "Permission denied"))


def e411(stage: Stage) -> None:
    np.savez("letters.npz", images=np.zeros((4, 8, 8)), labels=np.arange(4) % 2)


def e412(stage: Stage) -> None:
    write_shard(Path("flowers-00.tar"), {"1.png": picture_of(1), "1.cls": b"0", "2.png": picture_of(2)})
    write_shard(Path("flowers-01.tar"), {"3.png": picture_of(3), "3.cls": b"1", "4.cls": b"0"})


def flowers(rows: str) -> None:
    """A table of flowers, three of which are there."""
    Path("flowers.csv").write_text("file,species\n" + rows)
    for name in ("1.png", "2.png", "3.png"):
        Path(name).write_bytes(picture_of(1))


def e413(stage: Stage) -> None:
    flowers("1.png,rose\n2.png,daisy\n")


def e414(stage: Stage) -> None:
    flowers("1.png,rose\n2.png,\n3.png,daisy\n4.png,rose\n1.png,daisy\n")


def photos(masks: dict[str, Any]) -> None:
    """Two photos and some masks."""
    for folder in ("photos", "masks"):
        Path(folder).mkdir()
    for name in ("1.png", "2.png"):
        Image.new("RGB", (6, 5)).save(f"photos/{name}")
    for name, mask in masks.items():
        mask.save(f"masks/{name}")


def e415(stage: Stage) -> None:
    photos({"1_mask.png": Image.new("L", (6, 5)), "2_mask.png": Image.new("L", (6, 5))})


def e418(stage: Stage) -> None:
    draw = np.random.default_rng(0)
    for number in range(12):
        Image.fromarray(draw.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(f"{number}.png")
    rows = "".join(f"{number}.png,{1_700_000_000 + number}\n" for number in range(12))
    Path("times.csv").write_text(f"file,second\n{rows}")


def e416(stage: Stage) -> None:
    photos({"1.png": Image.new("RGB", (6, 5)), "2.png": Image.new("L", (6, 5), 3)})


def write_table(name: str, header: str, rows: str) -> None:
    Path(name).write_text(f"{header}\n{rows}")


def packed_flowers(to: str = "flowers") -> None:
    """Packed data with a shard of two images."""
    write_folder(Path("photos"))
    packed('folder("photos")', Path(to), shard_size=4_300)


def e520(stage: Stage) -> None:
    stage.raises("fsspec.core.url_to_fs", ImportError("Install s3fs to access S3"))


def e521(stage: Stage) -> None:
    packed_flowers()
    index = json.loads(Path("flowers/index.json").read_text())
    Path("flowers/index.json").write_text(json.dumps({**index, "format": 2}))


def e522(stage: Stage) -> None:
    Path("letters").mkdir()
    Path("letters/to-ada.txt").write_text("Dear Ada")


def e523(stage: Stage) -> None:
    stage.patch.setattr("specc.backend.data.shards.remote.WAIT", 0)
    stage.raises("fsspec.implementations.memory.MemoryFileSystem._open", TimeoutError("the server does not answer"))


def e524(stage: Stage) -> None:
    packed_flowers()
    path = Path("flowers/train-000001.tar")
    path.write_bytes(path.read_bytes().replace(b"\x00", b"\x01"))


def e525(stage: Stage) -> None:
    packed_flowers("there")
    for path in Path("there").iterdir():
        fsspec.filesystem("memory").pipe_file(f"/bucket/flowers/{path.name}", path.read_bytes())
    stage.patch.setenv("SPECC_CACHE_SIZE", "20kB")


def e526(stage: Stage) -> None:
    packed_flowers()
    stage.patch.setenv("SPECC_MEMORY", "half")


def e425(stage: Stage) -> None:
    write_table(
        "birds.csv", "file,order,habitat", "1.png,owls,wood\n2.png,gulls,sea\n3.png,owls,wood\n4.png,gulls,sea\n"
    )
    write_table("chess.csv", "file,pieces", "".join(f"{number}.png,{2 + number % 7}\n" for number in range(40)))


def e426(stage: Stage) -> None:
    write_table("birds.csv", "species,weight", "owl,350\ngull,900\nowl,420\ngull,880\n")
    write_table("frogs.csv", "file,species", "1.png,toad\n2.png,newt\n3.png,toad\n4.png,newt\n")
    Path("pictures").mkdir()
    for number in range(1, 5):
        Path(f"pictures/{number}.png").write_bytes(picture_of(number))


def e427(stage: Stage) -> None:
    Path("birds.zip").write_bytes(b"PK\3\4" + bytes(60))
    Path("frogs").mkdir()
    Path("frogs/1.png").write_bytes(picture_of(1))
    write_table("frogs/labels.csv", "file,species", "1.png,toad\n")


def e417(stage: Stage) -> None:
    stage.patch.setitem(sys.modules, "pyarrow", None)
    Path("flowers.parquet").write_bytes(b"PAR1")


def e435(stage: Stage) -> None:
    bare_run()


def e438(stage: Stage) -> None:
    bare_run()


def e440(stage: Stage) -> None:
    bare_run(SPEC.replace("conv(8)", "conf(8)"))


def e441(stage: Stage) -> None:
    stage.copy_run()
    stage.change_info(data_sha256="0" * 64)


def e434(stage: Stage) -> None:
    path = stage.copy_run() / "spec.cnn"
    path.write_text(path.read_text().replace("relu", "tanh", 1))


def e442(stage: Stage) -> None:
    bare_run()


def e443(stage: Stage) -> None:
    bare_run()
    Path("run/best.safetensors").write_bytes(b"half of a fi")


def e445(stage: Stage) -> None:
    path = stage.copy_run() / "spec.cnn"
    text = path.read_text().replace("conv(8)", "conv(9)", 1)
    path.write_text(text)
    stage.change_info(spec_sha256=sha256(text.encode()).hexdigest())


def e447(stage: Stage) -> None:
    Path("run").mkdir()
    Path("run/run.json").write_text('{"format": 7, "versions": {"specc": "9.0"}}')


def e448(stage: Stage) -> None:
    import torch

    stage.raises("specc.backend.engine.trainer.Trainer.run", torch.OutOfMemoryError("CUDA out of memory."))


def e449(stage: Stage) -> None:
    import torch._dynamo

    stage.raises("specc.backend.build.Net.forward", torch._dynamo.exc.TorchDynamoException("no C++ compiler found"))
    stage.patch.setattr("torch.compile", lambda net, **options: net)


def e451(stage: Stage) -> None:
    Path("model.onnx").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")


def e452(stage: Stage) -> None:
    picture()
    model = onnx.load_from_string(tiny_body())
    model.producer_name = "pytorch"
    del model.metadata_props[:]
    Path("model.onnx").write_bytes(model.SerializeToString())


def e453(stage: Stage) -> None:
    model = onnx.load_from_string(tiny_body())
    external_data_helper.set_external_data(model.graph.initializer[0], location="../../secrets")
    Path("model.onnx").write_bytes(model.SerializeToString())


def e454(stage: Stage) -> None:
    stage.copy_run()


def e455(stage: Stage) -> None:
    """An exporter that writes another padding than was trained."""
    from specc.backend.onnx import export

    stage.copy_run()
    real = write_model

    def faulty(*arguments: Any) -> Any:
        written = real(*arguments)
        second = [node for node in written.model.graph.node if node.op_type == "Conv"][1]
        (pads,) = (attribute for attribute in second.attribute if attribute.name == "pads")
        second.attribute.remove(pads)
        second.attribute.append(helper.make_attribute("pads", [0, 0, 2, 2]))
        return written

    stage.patch.setattr(export, "write_model", faulty)


def e456(stage: Stage) -> None:
    stage.copy_run()
    content = Path("run/model.onnx").read_bytes()
    Path("model.onnx").write_bytes(content.replace(b'["red", "green", "blue"]', b'["blue", "green", "red"]'))


def e457(stage: Stage) -> None:
    picture()
    model(tiny_body({"specc.classes": '["cat", "dog", "eel", "fox"]'}))


def e458(stage: Stage) -> None:
    stage.copy_run()
    stage.patch.setattr("specc.backend.onnx.model_file.LARGEST", 1000)


def e459(stage: Stage) -> None:
    """An exporter that leaves dropout in."""
    from specc.backend.onnx import export

    stage.copy_run()
    real = write_model

    def faulty(*arguments: Any) -> Any:
        written = real(*arguments)
        nodes = written.model.graph.node
        at = next(number for number, node in enumerate(nodes) if node.name == "conv2")
        nodes[at].input[0] = "dropped"
        nodes.insert(at, helper.make_node("Dropout", ["relu1"], ["dropped"], name="dropout1"))
        return written

    stage.patch.setattr(export, "write_model", faulty)


def e460(stage: Stage) -> None:
    model()


def e461(stage: Stage) -> None:
    model()
    Image.new("F", (4, 4)).save("cat.tif")
    Path("cat.tif").rename("cat.png")


def e462(stage: Stage) -> None:
    """A conversion that knows only one class."""
    from specc.backend.onnx import export

    stage.copy_run()
    real = convert

    def coarse(model: Any, *arguments: Any) -> Any:
        converted = real(model, *arguments)
        bias = next(tensor for tensor in converted.graph.initializer if tensor.name == "dense1.bias_quantized")
        answers = numpy_helper.to_array(bias) + np.array([0, 0, 1 << 28], np.int32)
        bias.CopyFrom(numpy_helper.from_array(answers.astype(np.int32), bias.name))
        return converted

    stage.patch.setattr(export, "convert", coarse)


def e466(stage: Stage) -> None:
    """A layer whose values are far too large."""
    from specc.backend.onnx import half

    stage.copy_run()
    stage.patch.setattr(half, "_values", lambda *_: [half.Range("conv2", 1_523_418.0, False)])


def e463(stage: Stage) -> None:
    """Nothing is installed, and npm is not there."""
    from specc.backend.onnx.web import runtime

    stage.copy_run()
    stage.patch.setattr(runtime, "_packages", list)
    stage.patch.setattr("shutil.which", lambda name: None)
    Path("onnxruntime-web").mkdir()
    Path("onnxruntime-web", runtime.GLUE).write_bytes(b"of another version")


def e464(stage: Stage) -> None:
    from specc.backend.onnx.web.runtime import Runtime

    stage.copy_run()
    stage.patch.setattr("specc.backend.onnx.web.runtime.find_runtime", lambda folder: Runtime(b"", b""))
    stage.patch.setattr("specc.backend.onnx.model_file.LARGEST", 1000)


def e465(stage: Stage) -> None:
    """Weights that are finite, of a network that is not."""
    from safetensors.torch import load

    from specc.backend.run.manifest import read_info
    from specc.backend.run.same_data import meaning_of
    from specc.backend.run.weights import weights_bytes

    picture()
    path = stage.copy_run() / "best.safetensors"
    tensors = load(path.read_bytes())
    tensors["conv2.weight"] = tensors["conv2.weight"].sign() * 3e38
    path.write_bytes(weights_bytes(tensors, meaning_of(read_info(stage.finished))))


def e472(stage: Stage) -> None:
    Path("model.cnn").write_bytes(b"\x93NUMPY\x01\x00v\x00")


def e469(stage: Stage) -> None:
    path = Path(os.fsdecode(b"caf\xe9/run"))  # as the shell gives it
    stage.patch.setattr("specc.backend.run.manifest.refuse_bytes", lambda _: refuse_bytes(path))


def e474(stage: Stage) -> None:
    stage.raises("specc.reading.read_file", PermissionError(errno.EACCES, "Permission denied"))


def e478(stage: Stage) -> None:
    stage.raises("specc.cli.app.load", OSError(errno.ENOSPC, "No space left on device"))


def e479(stage: Stage) -> None:
    np.savez("letters.npz", images=np.zeros((4, 8, 8), np.uint8), labels=np.arange(4) % 2)
    stage.patch.setattr("specc.backend.data.archive.free_memory", lambda: 100)


def e484(stage: Stage) -> None:
    stage.patch.setenv("SPECC_WORKERS", "many")


def e485(stage: Stage) -> None:
    bare_run()
    Path("run/.lock").write_text("4711\n")
    stage.patch.setattr("specc.backend.run.folder.is_held", lambda folder: True)
    stage.raises("specc.backend.run.lock._locked_soon", BlockingIOError())


def e486(stage: Stage) -> None:
    stage.copy_run()
    versions = json.loads(Path("run/run.json").read_text())["versions"]
    stage.change_info(versions={**versions, "torch": "2.0"})
    stage.patch.setattr("specc.backend.run.manifest.version", {**versions, "torch": "2.13.0"}.get)


def e487(stage: Stage) -> None:
    import subprocess

    stage.patch.setattr("specc.backend.train.prove.subprocess.run", lambda *a, **o: subprocess.CompletedProcess(a, 1))


def e488(stage: Stage) -> None:
    stage.copy_run()


def e489(stage: Stage) -> None:
    stage.copy_run()


def e498(stage: Stage) -> None:
    stage.copy_run()


def e490(stage: Stage) -> None:
    from specc.plugins import load_words

    folder = Path("specc_mosaic-1.2.dist-info")
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: specc-mosaic\nVersion: 1.2\n")
    (folder / "entry_points.txt").write_text("[specc.vocabulary]\nmosaic = specc_mosaic:WORDS\n")
    Path("specc_mosaic.py").write_text(
        "from specc.vocabulary.family import Loss\n"
        'WORDS = (Loss("mosaic", "", example="mosaic", target="specc_mosaic.mosaic"),)\n'
    )
    stage.patch.syspath_prepend(Path.cwd())
    load_words.cache_clear()


def e491(stage: Stage) -> None:
    from specc.vocabulary.family import Loss
    from specc.vocabulary.registry import COMPONENTS

    huber = Loss("huber", "Huber's.", example="huber", target="specc_huber.losses.huber")
    stage.patch.setitem(COMPONENTS["loss"], "huber", huber)


def e492(stage: Stage) -> None:
    stage.copy_run()
    stage.change_info(packages={"specc-mosaic": "1.2"})


def e493(stage: Stage) -> None:
    shell = named("os", "system") + row(text("rm -rf ~")) + b"R"
    Path("weights.pth").write_bytes(archive(table(text("conv.weight"), tensor(), text("conv.bias"), shell)))


def e494(stage: Stage) -> None:
    Path("weights.pth").write_bytes(archive(table(text("conv.weight"), tensor()))[:-100])


def e495(stage: Stage) -> None:
    weights = table(text("conv.weight"), tensor())
    Path("weights.pth").write_bytes(archive(table(text("model"), weights, text("model_ema"), weights)))


ADDRESS = "https://download.pytorch.org/models/resnet18-f37072fd.pth"


def e496(stage: Stage) -> None:
    actual = sha256(b"a page that says that the file has moved").hexdigest()
    message = f"{ADDRESS} did not send the published file: its SHA-256 is {actual}, but f37072fd is published"
    stage.raises("specc.backend.run.published.fetch", OtherContent(message))


def e497(stage: Stage) -> None:
    failed = DownloadFailed(f"{ADDRESS}: [Errno -2] Name or service not known")
    stage.raises("specc.backend.run.published.fetch", failed)


def ends_with(stage: Stage, kind: str, text: str) -> None:
    """Processes that end as one of them did."""
    from specc.backend.launch.start import Ending
    from specc.backend.launch.watch import Outcome

    ending = Ending(2, Outcome(kind, 2, 0, 2, text))
    stage.patch.setattr("specc.backend.launch.start._processes", lambda *_: ending)


def e507(stage: Stage) -> None:
    ends_with(stage, "lost", "rank 2 of 4 was killed (SIGKILL)")


def e508(stage: Stage) -> None:
    ends_with(stage, "hung", "rank 2 of 4 (process 4711 on gpu07) has not answered for 60 seconds")


def e510(stage: Stage) -> None:
    stage.patch.setenv("SLURM_JOB_ID", "4711")
    stage.patch.setattr("shutil.which", lambda name: None)
    stage.patch.setattr("specc.cli.training.train", lambda *_, **__: 140)


class OneOfTwo:
    """What process 0 of two learns, where the other has another value. change: what makes that of one."""

    is_alone = False

    def __init__(self, change: Callable[[Any], Any]) -> None:
        self.change = change

    def gather(self, value: Any) -> list[Any]:
        return [value, self.change(value)]


def e502(stage: Stage) -> None:
    from specc.backend.train import prepare, processes

    stage.patch.setattr(prepare, "refuse_world", lambda shards, world: processes.refuse_world(shards, 5))


def e503(stage: Stage) -> None:
    from specc.backend.train import prepare, processes

    def refuse(ranks: object, about: dict[str, Any]) -> None:
        about |= {"versions": {"torch": "2.13.0"}}
        other: Any = OneOfTwo(lambda value: value | {"versions": {"torch": "2.12.1"}})
        processes.refuse_different(other, about)

    stage.patch.setattr(prepare, "refuse_different", refuse)


def e504(stage: Stage) -> None:
    from specc.backend.engine import shards, trainer

    other: Any = OneOfTwo(lambda value: value + 1)
    stage.patch.setattr(trainer, "refuse_divergence", lambda net, step, _: shards.refuse_divergence(net, step, other))


def e505(stage: Stage) -> None:
    from specc.backend.ranks import join
    from specc.backend.train import job

    told = {"RANK": "1", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4", "MASTER_ADDR": "10.0.0.1"}
    stage.patch.setattr(job, "prepare", lambda request: join("cpu", environment=told))


def e530(stage: Stage) -> None:
    model()
    picture()


def e531(stage: Stage) -> None:
    stage.copy_run()
    shutil.copytree("run", "numbers")
    path = Path("numbers/run.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "task": "regression"}))


def e532(stage: Stage) -> None:
    Path("there").mkdir()


def search_head(**values: object) -> None:
    """A folder with the first line of a search."""
    Path("searches/net").mkdir(parents=True)
    line = {
        "what": "search",
        "format": 1,
        "figure": "accuracy",
        "threads": 1,
        "data_dir": None,
        "subset": None,
        **values,
    }
    Path("searches/net/suggestions.jsonl").write_text(json.dumps(line) + "\n")


def e512(stage: Stage) -> None:
    stage.patch.setitem(sys.modules, "optuna", None)


def e516(stage: Stage) -> None:
    search_head(**dict.fromkeys(("spec_sha256", "data_sha256"), "0" * 64))


def e518(stage: Stage) -> None:
    text = "network Net { input(1, 8x8) -> flatten -> dense(10) }\nsearch { train.batch = choice(16, 32) }\n"
    search_head(text_sha256=sha256(text.encode()).hexdigest())
    Path("searches/net/spec.cnn").write_text(text)


def e519(stage: Stage) -> None:
    command = [
        sys.executable,
        "-c",
        "import sys; sys.exit('ImportError: libtorch_cpu.so: cannot open shared object file')",
    ]
    stage.patch.setattr("specc.cli.search._worker", lambda about: command)


def e533(stage: Stage) -> None:
    stage.raises("socketserver.TCPServer.server_bind", OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE)))


def e534(stage: Stage) -> None:
    stage.copy_run()
    stage.patch.setitem(sys.modules, "tensorboard", None)


def e535(stage: Stage) -> None:
    stage.copy_run()
    stage.patch.setattr("specc.backend.sinks.sink.need", lambda name: None)
    stage.raises("specc.backend.sinks.sink.open_sink", ConnectionError("the server does not answer"))


def e540(stage: Stage) -> None:
    stage.patch.delitem(sys.modules, "specc.lsp.server", raising=False)
    stage.patch.setitem(sys.modules, "pygls.lsp.server", None)
    present = {"lark", "attr", "attrs"}
    stage.patch.setattr("specc.playground.folder.find_spec", lambda name: find_spec(name) if name in present else None)


def e541(stage: Stage) -> None:
    stage.patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"conv(8) -> relu\n")))
    stage.patch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO()))


def e542(stage: Stage) -> None:
    """Nothing is installed, and npm is not there."""
    kept = Path("/home/ada/.cache/specc/playground-57f345517ca83b0d")
    stage.patch.setattr("specc.playground.packages.kept", lambda: kept)
    stage.patch.setattr("shutil.which", lambda name: None)


PROVOKE: dict[str, Callable[[Stage], None]] = {
    name.upper(): function for name, function in list(globals().items()) if name[0] == "e" and name[1:].isdigit()
}
