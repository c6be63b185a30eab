"""What a run cost and what its network costs: time, memory, speed; and what the exported file was certified for."""

from datetime import datetime
from typing import Any

from specc.backend.memory import needed
from specc.backend.report_page.html import Section, facts, paragraph, table
from specc.backend.report_page.subject import Subject
from specc.backend.run.files import CERTIFICATE, MODEL, MOST_BYTES
from specc.errors import counted
from specc.files import parse_json, read_file, reason
from specc.report.layers import activation_bytes, byte_text
from specc.report.study import duration


def cost(subject: Subject) -> Section:
    """Time, memory and speed."""
    info, lines, spec = subject.info, subject.lines, subject.run.spec
    seconds = sum(line["seconds"] for line in lines if isinstance(line.get("seconds"), int | float))
    speeds = [line["images_per_second"] for line in lines if isinstance(line.get("images_per_second"), int | float)]
    images, batch = subject.measured.figures.images, spec.train.batch
    speed = f"{images / max(subject.seconds, 1e-9):,.0f}"
    shown = f"{speeds[-1]:,.0f}" if speeds else ""
    model = subject.run.path / MODEL
    pairs = [
        ("Device", f"{info.get('device_name', info['device'])}, {info.get('precision', 'fp32')}"),
        ("Training", f"{duration(seconds)} in {counted(len(lines), 'epoch')}"),
        ("From start to end", span(info)),
        ("Training speed", f"{shown} images/s in the last epoch" if speeds else "–"),
        ("Evaluation for this page", f"{speed} images/s, intervals included"),
        ("Parameters", f"{spec.graph.parameters:,} ({byte_text(4 * spec.graph.parameters)} in fp32)"),
        ("Multiply-accumulates", f"{spec.graph.total_macs:,} per image"),
        ("Activations", f"{byte_text(activation_bytes(spec.graph))} per image in fp32"),
        ("Memory of a training step", f"{byte_text(needed(spec, batch))} by a rough estimate, batch {batch}"),
    ]
    if model.is_file():
        pairs.append(("Exported file", byte_text(model.stat().st_size)))
    versions = ", ".join(f"{name} {version}" for name, version in info["versions"].items())
    pairs += [("Versions", versions), ("Platform", str(info.get("platform", "–")))]
    plan = info.get("plan")
    body = facts(pairs)
    if isinstance(plan, dict) and plan:
        rows = [
            [name, str(one.get("is")), str(one.get("because"))] for name, one in plan.items() if isinstance(one, dict)
        ]
        body += "<h3>How it was carried out</h3>" + table(["", "is", "because"], rows, texts=3) if rows else ""
    return Section("cost", "Cost", body)


def span(info: dict[str, Any]) -> str:
    """From when to when a run was trained."""
    try:
        begin, end = (datetime.fromisoformat(info[name]) for name in ("started", "ended"))
        return f"{duration((end - begin).total_seconds())}: {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"
    except (KeyError, TypeError, ValueError):
        return "–"


def certificate(subject: Subject) -> Section:
    """What the certificate of the run's exported file says; what to do where there is none."""
    path = subject.run.path / CERTIFICATE
    try:
        content = parse_json(read_file(path, MOST_BYTES))
        rows = _comparisons(content)
        values = [
            ("Exported", f"{content['output']} in {content['precision']}, opset {content['opset']}"),
            ("Model, SHA-256", str(content["model_sha256"])),
            ("Weights, SHA-256", str(content["weights_sha256"])),
            ("Data, SHA-256", str(content["data_sha256"])),
            ("Spec, SHA-256", str(content["spec_sha256"])),
        ]
    except FileNotFoundError:
        words = f"This run has no exported file yet. specc export {subject.run.path} writes one, and certifies it."
        return Section("certificate", "Certificate", paragraph(words))
    except (OSError, ValueError) as error:
        return Section("certificate", "Certificate", paragraph(f"{path} cannot be read: {reason(error)}", "warn"))
    except (KeyError, TypeError, AttributeError):
        return Section(
            "certificate", "Certificate", paragraph(f"{path} holds something else than a certificate", "warn")
        )
    head = ["provider", "images", "same answer", "largest difference", "allowed"]
    note = "The exported file was compared with the trained network on real images before it was released."
    body = paragraph(note) + table(head, rows) + facts(values)
    known = subject.info.get("data_sha256")
    if known != content["data_sha256"]:
        body += paragraph("The data of the certificate are not those of the run.", "warn")
    return Section("certificate", "Certificate", body)


def _comparisons(content: dict[str, Any]) -> list[list[str]]:
    allowed = content["tolerance"]
    return [
        [
            name,
            f"{one['images']:,}",
            "–" if one["agreement"] is None else f"{one['agreement']:.2%}",
            f"{one['largest_difference']:.2g}",
            "–" if allowed is None else f"{allowed:g} x scale" if content["scale"] != 1 else f"{allowed:g}",
        ]
        for name, one in content["providers"].items()
    ]
