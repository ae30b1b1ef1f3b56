"""The table of an exported network's formats, and its model card."""

from kd_jax.export import hub
from kd_jax.report import manifests, tables

HEADER = [
    "", "parameters", "multiply-adds", "bytes on disk", "ms for 1", "ms for 128",
    "peak memory, MB", "test errors", "agrees with teacher", "off by",
]  # fmt: skip

COUNTS = "parameters", "multiply_adds", "bytes"  # 0 multiply-adds: of a program nobody counts them


def table(report):
    """The Markdown table of a report {format: measures}, as export.write gives it."""
    lines = []
    for form, found in report.items():
        agreement = found["agreement"]
        lines.append([
            form,
            *(f"{found[name]:,}" if found[name] else "–" for name in COUNTS),
            f"{1000 * found['seconds_1']:.3f}",
            f"{1000 * found['seconds_128']:.3f}",
            f"{found['peak_bytes'] / 1e6:.0f}",
            f"{found['errors']:,} of {found['of']:,}" if found["of"] else "–",
            "–" if agreement is None else f"{agreement:.2%}",
            f"{found['deviation']:.0e}",
        ])  # fmt: skip
    missing = "" if "ONNX" in report else "\nONNX: its converter does not know this network.\n"
    return tables.markdown(HEADER, lines) + missing


def listing(groups):
    """The Markdown table of the networks that a run folder holds, from its groups."""
    lines = [
        [row, ", ".join(map(str, range(first, first + count))), " ".join(_flags(where))]
        for _, rows, (first, count), where, _ in groups
        for row in rows
    ]
    return tables.markdown(["--row", "--seed", ""], lines)


def _flags(where):
    return [f"--where={name}={value}" for name, value in where.items()]


def card(record, settings, manifest, report, digests, inputs):
    """The model card, Markdown, of one exported network.

    Args:
        record: its line of records.jsonl.
        settings: of its run.
        manifest: of its run.
        report: of the export.
        digests: {file: SHA-256}.
        inputs: what it reads, in words.
    """
    metrics = {k: v for k, v in record.items() if isinstance(v, float | int) and k != "seed"}
    head = hub.front_matter("kd_jax", metrics=["accuracy"] if "test_accuracy" in metrics else [])
    return head + "\n".join([
        *_introduction(record, manifest, inputs, "predict.py" in digests),
        table(report),
        "## Metrics of its run",
        "",
        tables.markdown(["metric", "value"], [[k, f"{v:.6g}"] for k, v in metrics.items()]),
        "## Settings",
        "",
        tables.markdown(["setting", "value"], settings.items()),
        "## Files",
        "",
        tables.markdown(["file", "SHA-256"], digests.items()),
    ])  # fmt: skip


def _introduction(record, manifest, inputs, predicts):
    """The lines of a card before its tables; predicts: whether predict.py is there."""
    how = (
        " `python predict.py new.npz` prints the class of each row of its `inputs` and the "
        "probabilities of all; it says which other files it reads, and needs numpy and onnxruntime "
        "or jax."
    )
    return [
        f"# {record['experiment']}: {record['row']}, seed {record['seed']}",
        "",
        "A network trained by knowledge distillation with kd_jax. `python measure.py "
        "student.stablehlo inputs.npz outputs.npz` runs it; that needs jax and numpy alone."
        + how
        * predicts,
        "",
        f"- Inputs: {inputs}, prepared as the experiment does.",
        "- Outputs: logits; their softmax is the probability of each class.",
        f"- Data: {_digest(manifest.get('data'))}",
        f"- Teacher: {_digest(manifest.get('teacher') or _teachers(manifest))}",
        f"- Trained: {manifest['finished']} on {manifest['device']}, commit "
        f"{manifests.commit(manifest)}",
        "- Limits: trained for a comparison of methods on one data set; nothing is known of "
        "inputs of another kind.",
        "",
        "## Formats, size and latency",
        "",
        "Every file was read again in a process of its own. ms: medians of 50 calls there; peak "
        "memory: of that process, all in all; off by: the largest difference of a logit, as a "
        "part of the largest where that is above 1. int8: kernels of dense layers alone.",
        "",
    ]


def _teachers(manifest):
    """{name: fingerprints} of the teachers that a run trained or restored."""
    names: dict[str, str] = {}
    for fingerprint, about in manifest.get("teachers", {}).items():
        name = f"{about['row']}, {about['data']}"
        names[name] = f"{names[name]} {fingerprint}" if name in names else fingerprint
    return names


def _digest(facts):
    """Fingerprints as text, of one thing or of several by name."""
    if isinstance(facts, dict):
        return "; ".join(f"{name} {_digest(x)}" for name, x in facts.items())
    return str(facts) if facts else "see the manifest of its run"
