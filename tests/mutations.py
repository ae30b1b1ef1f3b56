"""Do the tests notice? Forty lines of the library are changed, one at a time, and the tests run.

    python tests/mutations.py [FIRST [LAST]]

Each change is made in a copy of the project, and the tests of the file that should notice it run;
where they pass, all others do. The result is tests/mutations.md.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parents[1]
RESULT = ROOT / "tests" / "mutations.md"


class Mutation(NamedTuple):
    """A change of one line: its kind, the file, the text and what takes its place, whose tests."""

    kind: str
    file: str
    old: str
    new: str
    tests: str


def of(room, tests, *changes):
    """The Mutations of one room that one file of its tests should notice."""
    return [
        Mutation(kind, f"kd_jax/{room}/{file}", *text, f"tests/{tests}.py")
        for kind, file, *text in changes
    ]


ALL = [
    *of("losses", "losses/test_golden",
        ("sign", "_math.py", "p * (log_p - log_q))", "p * (log_q - log_p))"),
        ("T²", "logits.py", "temperature**2 * kl(log_p, log_q)", "temperature * kl(log_p, log_q)"),
        ("sum for mean", "logits.py", "-jnp.mean(log_q, -1)", "-jnp.sum(log_q, -1)"),
        ("order", "sequence.py", "kl(log_q, log_mixture(log_q, log_p, alpha))",
         "kl(log_q, log_mixture(log_p, log_q, alpha))"),
        ("index", "relations.py", "error[:-1] * error[1:]", "error[1:] * error[1:]"),
        ("sign", "relations.py", "- 2 * gram(x)", "+ 2 * gram(x)"),
        ("T²", "logit_parts.py", "temperature**2 * both", "both"),
        ("comparison", "features.py", "(student > -margin)", "(student > margin)"),
        ("sum for mean", "features.py", "jnp.mean(flat((student - teacher) ** 2), -1)",
         "jnp.sum(flat((student - teacher) ** 2), -1)"),
    ),
    *of("losses", "losses/test_masks",
        ("mask", "sequence.py", "jnp.sum(jnp.where(kept, values, 0))", "jnp.sum(values)"),
    ),
    *of("losses", "losses/test_identities",
        ("factor", "logits.py", "0.5 * jnp.sum(centered**2, -1)", "jnp.sum(centered**2, -1)"),
    ),
    *of("losses", "losses/test_contract",
        ("stop_gradient", "_arrays.py", "jax.lax.stop_gradient(promoted(x))", "promoted(x)"),
    ),
    *of("metrics", "models/test_networks_and_metrics",
        ("comparison", "classification.py", "wrong, hits = jnp.sum(~right, -1)",
         "wrong, hits = jnp.sum(right, -1)"),
    ),
    *of("metrics", "metrics/test_classification",
        ("mean for sum", "classification.py", "jnp.mean(jnp.sum((q - truth) ** 2, -1), -1)",
         "jnp.mean(jnp.mean((q - truth) ** 2, -1), -1)"),
        ("weight", "classification.py", '* bins["count"]', '* (bins["count"] > 0)'),
        ("mask", "classification.py", "jnp.arange(logits.shape[-1]) != labels[:, None]",
         "jnp.arange(logits.shape[-1]) >= 0 * labels[:, None]"),
    ),
    *of("metrics", "metrics/test_statistics",
        ("degrees of freedom", "statistics.py", "values.std(ddof=1)", "values.std(ddof=0)"),
        ("degrees of freedom", "statistics.py", "_t(n - 1, level)", "_t(n, level)"),
    ),
    *of("metrics", "metrics/test_cka",
        ("centering", "cka.py", "x = x - x.mean(0)", "x = x - x.mean()"),
    ),
    *of("metrics", "storage/test_run_folder",
        ("index", "records.py", "values[seed].tolist()", "values[0].tolist()"),
    ),
    *of("training", "training/test_state",
        ("seed", "state.py", "key = jax.random.fold_in(state.key, state.step)",
         "key = jax.random.fold_in(state.key, 0)"),
        ("sign", "state.py", "state.step + 1, -state.step - 1)", "state.step + 1, state.step - 1)"),
    ),
    *of("training", "training/test_loop",
        ("sum for mean", "grid_program.py", "jnp.mean(m, axis=0), metrics)",
         "jnp.sum(m, axis=0), metrics)"),
    ),
    *of("training", "training/test_resumed",
        ("index", "chunking.py", "target[rows, arms] = source", "target[rows, arms] = source[:1]"),
    ),
    *of("training", "training/test_loop",
        ("seed", "samplers.py",
         "jax.random.fold_in(jax.random.fold_in(key, seed), epoch)\n"
         "        return jax.random.permutation",
         "jax.random.fold_in(key, epoch)\n        return jax.random.permutation"),
    ),
    *of("training", "training/test_optimizers",
        ("axis", "optimizers.py", "tuple(range(weights.ndim - 1))",
         "tuple(range(1, weights.ndim))"),
    ),
    *of("training", "training/test_keys",
        ("key", "keys.py", "json.dumps([base_seed, *names])", "json.dumps([*names])"),
    ),
    *of("training", "training/test_streaming",
        ("index", "streaming.py", "self.drawn(epoch)[step]", "self.drawn(epoch)[0]"),
    ),
    *of("storage", "training/test_resumed",
        ("comparison", "checkpoint.py", "if facts == self.facts:", "if facts:"),
    ),
    *of("storage", "storage/test_store",
        ("comparison", "checkpoint.py", "if expected.get(name) != found.get(name)",
         "if name not in found"),
    ),
    *of("storage", "storage/test_run_folder",
        ("key", "run_folder.py", 'IDENTITY = "row", "seed",', 'IDENTITY = "row",'),
        ("comparison", "jsonl.py", "wanted.items() <= record.items()",
         "wanted.keys() <= record.keys()"),
    ),
    *of("storage", "storage/test_run_folder",
        ("comparison", "jsonl.py", "if _digest(record, place, count) != found[3]:",
         "if not found[3]:"),
    ),
    *of("distill", "distill/test_students",
        ("sign", "objective.py", 'numbers["weight"] * soft +', 'numbers["weight"] * soft -'),
        ("index", "students.py", "values[:, a]", "values[:, 0]"),
        ("key", "students.py", '"source"] = [teachers.index(arm.teacher)',
         '"source"] = [0 * teachers.index(arm.teacher)'),
    ),
    *of("distill", "models/test_networks_and_metrics",
        ("mask", "controls.py", "!= np.asarray(labels)[:, None]",
         ">= 0 * np.asarray(labels)[:, None]"),
    ),
    *of("distill", "distill/test_ensembles",
        ("axis", "ensembles.py", "np.logaddexp.reduce(log_p, 0)", "np.logaddexp.reduce(log_p, -1)"),
    ),
    *of("distill", "distill/test_transfer",
        ("sign", "bias_correction.py", ".sum(-1).mean() - prior", ".sum(-1).mean() + prior"),
    ),
    *of("distill", "distill/test_federated",
        ("mean for sum", "aggregation.py", "return jnp.mean(logits, 0)",
         "return jnp.sum(logits, 0)"),
    ),
]  # fmt: skip


def tried(tree: pathlib.Path, *tests: str) -> str:
    """The first of some tests that fails in a copy of the project; "" where all pass."""
    done = subprocess.run(
        ["./run.sh", "test", "-x", "-q", "--no-header", "--tb=no", *tests],
        cwd=tree, capture_output=True, text=True, check=False,
    )  # fmt: skip
    failed = [x for x in done.stdout.splitlines() if x.startswith(("FAILED", "ERROR"))]
    if done.returncode and not failed:
        sys.exit(done.stdout + done.stderr)
    return failed[0].split(" - ")[0].split(" ", 1)[1] if failed else ""


def noticed(mutation: Mutation, tree: pathlib.Path) -> str:
    """The first test that fails with a mutation in a copy of the project; "" for none."""
    path = tree / mutation.file
    text = path.read_text(encoding="utf-8")
    assert text.count(mutation.old) == 1, f"{mutation.file} holds {mutation.old!r} not once"
    path.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
    try:
        return tried(tree, "-n0", mutation.tests) or tried(tree)
    finally:
        path.write_text(text, encoding="utf-8")


def main(first: int = 1, last: int = len(ALL)) -> None:
    """Try mutations first to last, and write the result when all were tried."""
    lines = [f"# {len(ALL)} mutations", ""]
    lines += ["| kind | file | was | became | noticed by |", "|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder) / "tree"
        ignored = shutil.ignore_patterns(".git", ".venv", "runs", "__pycache__")
        shutil.copytree(ROOT, tree, ignore=ignored)
        for number, mutation in enumerate(ALL[first - 1 : last], first):
            began = time.monotonic()
            test = noticed(mutation, tree)
            seconds = time.monotonic() - began
            print(f"{number}/{len(ALL)} {test or 'NOT NOTICED'} {seconds:.0f} s", flush=True)
            shown = (x.replace("|", "\\|").replace("\n", " ") for x in (mutation.old, mutation.new))
            cells = [mutation.kind, mutation.file, *(f"`{x}`" for x in shown), test or "nothing"]
            lines.append(f"| {' | '.join(cells)} |")
    if (first, last) == (1, len(ALL)):
        RESULT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
