"""SmolLM2-135M in kd_jax and in transformers: a training step, generation, loading a folder.

    python -m experiments.bench.decoders MODULE TASK FOLDER REPEATS SEED

MODULE has a function of each task, task(folder, seed) -> job, which is called once for every line
on standard input. The last answer is the most memory that the process ever had.
"""

import functools
import importlib
import json
import pathlib
import sys
import tempfile

import numpy as np

from experiments.bench import implementations, worker
from experiments.bench.implementations import CORES, Implementation
from experiments.bench.rows import DECODERS, OURS
from kd_jax.language.decoder import starts
from kd_jax.pretrained import decoder_folder, load
from kd_jax.training import keys

LAYERS = 10  # of the student
TEXTS, PROMPT, ANSWER, GENERATED = 4, 48, 64, 32  # texts of a batch and tokens of each
RATE = 1e-4  # of AdamW
STEPS = 5  # of a turn: a training runs many without a break
BOTH = (
    Implementation(OURS, "ours_decoder"),
    Implementation(
        f"transformers, {CORES} threads", "torch_decoder", implementations.threads(CORES)
    ),
)


OF_STUDENT = {"step": True, "generate": False, "load": False}  # task: whether of its folder


def given(seed, vocabulary, width):
    """(token ids [N, PROMPT + ANSWER], the teacher's hidden states [N, ANSWER, width]).

    N texts are those of STEPS batches.
    """
    random = np.random.default_rng(keys.number(seed, "draw", "decoders"))
    ids = random.integers(0, vocabulary, (STEPS * TEXTS, PROMPT + ANSWER)).astype(np.int32)
    return ids, random.normal(size=(len(ids), ANSWER, width)).astype(np.float32)


def units(repeats, seed):
    """For Run.each, what names the records of a task, and what makes them."""
    return [
        ({"part": DECODERS, "task": task}, functools.partial(records, repeats, seed))
        for task in OF_STUDENT
    ]


def records(repeats, seed, task):
    """The records of a unit of `units`: both implementations take turns."""
    name, teacher = task.known["task"], load.load()
    net, params = teacher.net, teacher.params
    if OF_STUDENT[name]:
        student = starts.cut(teacher, LAYERS)
        net, params = student.net, student.params
    with tempfile.TemporaryDirectory() as folder:
        decoder_folder.save(pathlib.Path(folder), net, params, teacher)
        return _compare(name, folder, repeats, seed)


def _compare(task, folder, repeats, seed):
    arguments = task, folder, str(repeats + 1), str(seed)
    processes = {
        each: implementations.spawned("decoders", [each.module, *arguments], each.environment)
        for each in BOTH
    }
    turns = {each: [] for each in BOTH}
    for _ in range(repeats):
        for each, process in processes.items():
            turns[each].append(implementations.next_epoch(process))
    found = []
    for each, process in processes.items():
        last = implementations.next_epoch(process)
        process.communicate()
        count = STEPS if task == "step" else 1
        took = {
            name: [turn[name] / count for turn in turns[each]] for name in ("seconds", "processor")
        }
        found.append({"row": each.row, "seed": 0, **took, **last})
    return found


def main(module, task, folder, repeats, seed):
    """Do it and answer. Args: as on the command line."""
    job = getattr(importlib.import_module(f"experiments.bench.{module}"), task)(folder, int(seed))
    turns = worker.Turns()
    for _ in range(int(repeats)):
        job()
        turns()
    print(json.dumps({"peak_bytes": peak_bytes()}), flush=True)


def peak_bytes():
    """The most memory that this process had; of getrusage it would be its parent's too."""
    lines = pathlib.Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return 1024 * int(peak)


if __name__ == "__main__":
    main(*sys.argv[1:])
