"""Edits of the project: each that changes results changes fingerprints, no other does."""

import ast
import pathlib

import pytest
import recipes

from kd_jax import fingerprint
from kd_jax.fingerprint import _code
from kd_jax.fingerprint._source import Reader

ROOT = pathlib.Path(__file__).parents[2]
CIFAR = "experiments.compare_methods.cifar", "resnet56_to_20"
FIT = "kd_jax.distill.teachers", "fit"
COMPARE, ENCODER, FEDERATED, LANGUAGE, MNIST, QUICKSTART, REASONING, SPECIALISTS, SPEECH, GRID = (
    (f"experiments.{name}.run", "run")
    for name in (
        "compare_methods", "encoder", "federated", "language_model", "mnist_2015", "quickstart",
        "reasoning", "specialists", "speech_ensemble", "temperature_grid",
    )
)  # fmt: skip
METHODS = "experiments/compare_methods"
RESULTS = [  # (whose results, file, text, what takes its place)
    (CIFAR, f"{METHODS}/cifar.py", "constant_schedule(", "constant_schedule(2 * "),
    (CIFAR, f"{METHODS}/cifar.py", "210 / 240", "200 / 240"),
    (CIFAR, f"{METHODS}/cifar.py", "rows >= 0", "rows >= 9"),
    (CIFAR, f"{METHODS}/pairs.py", "np.flatnonzero(labeled)", "np.flatnonzero(labeled)[1:]"),
    (CIFAR, "kd_jax/models/resnet.py", "y = nn.relu(", "y = nn.tanh("),
    (CIFAR, "kd_jax/models/resnet.py", "GROUPS = 8", "GROUPS = 4"),
    (CIFAR, "kd_jax/models/resnet.py", "(16, 16, 32, 64)", "(16, 16, 32, 48)"),
    (CIFAR, "kd_jax/models/inputs.py", "jnp.zeros((1", "jnp.ones((1"),
    (CIFAR, "kd_jax/data/augment.py", "bernoulli(flip_key)", "bernoulli(flip_key, 0.1)"),
    (COMPARE, "kd_jax/losses/_math.py", "* (log_p - log_q)", "* (log_q - log_p)"),
    (COMPARE, "kd_jax/losses/_math.py", "(difference + 1) * to_p", "difference * to_p"),
    (COMPARE, "kd_jax/losses/_math.py", "jnp.exp(log_q) * jnp.sum(p", "jnp.exp(log_q) + jnp.sum(p"),
    (COMPARE, "kd_jax/losses/logits.py", "@_half_variance.defjvp", "@_half_variance.defjvp\n@abs"),
    (COMPARE, "kd_jax/losses/features.py", "by_logit * to_logit", "to_logit"),
    (COMPARE, "kd_jax/data/subsets.py", "rows[:per_class]", "rows[-per_class:]"),
    (COMPARE, "kd_jax/models/projectors.py", "range(3)", "range(4)"),
    (COMPARE, "kd_jax/distill/methods/terms.py", "losses.decoupled", "losses.hint"),
    (FIT, "kd_jax/distill/teachers.py", "train=True", "train=False"),
    (FIT, "kd_jax/training/state.py", "state.step + 1", "state.step + 2"),
    (FIT, "kd_jax/training/grid_program.py", "m, axis=0", "m, axis=-1"),
    (QUICKSTART, "experiments/quickstart/run.py", "dropout=0.5", "dropout=0.4"),
    (QUICKSTART, "kd_jax/models/mlp.py", "= nn.relu", "= nn.tanh"),
    (QUICKSTART, "kd_jax/models/mlp.py", "of_x, lax.dot_general(x", "of_x, 2 * lax.dot_general(x"),
    (QUICKSTART, "kd_jax/training/optimizers.py", "cosine_decay_schedule", "linear_schedule"),
    (QUICKSTART, "kd_jax/training/samplers.py", "fold_in(key, seed)", "fold_in(key, seed + 1)"),
    (QUICKSTART, "kd_jax/losses/logits.py", "temperature**2", "temperature"),
    (QUICKSTART, "kd_jax/distill/controls.py", "axis=1)", "axis=0)"),
    (QUICKSTART, "kd_jax/metrics/classification.py", '"errors": wrong', '"errors": wrong + 1'),
    (MNIST, "experiments/mnist_2015/run.py", "max_norm(", "max_norm(2 * "),
    (MNIST, "kd_jax/training/optimizers.py", "jnp.minimum(1, limit", "jnp.minimum(2, limit"),
    (MNIST, "kd_jax/distill/bias_correction.py", "10.01, 0.25", "10.01, 0.5"),
    (SPEECH, "kd_jax/distill/ensembles.py", "reduce(log_p, 0)", "reduce(log_p, 1)"),
    (SPEECH, "experiments/speech_ensemble/data.py", "STATES = 3", "STATES = 2"),
    (SPEECH, "experiments/speech_ensemble/metrics.py", "argmax", "argmin"),
    (SPECIALISTS, "kd_jax/distill/specialists.py", "np.log(len(rest))", "len(rest)"),
    (FEDERATED, "kd_jax/distill/aggregation.py", "_mean(p, n)", "_mean(p, 1)"),
    (GRID, "kd_jax/data/synthetic.py", "std(0)", "var(0)"),
    (ENCODER, "kd_jax/language/encoder/outputs.py", "jnp.float16", "jnp.float32"),
    (LANGUAGE, "kd_jax/models/llama_layer.py", "jax.lax.rsqrt", "jnp.sqrt"),
    (REASONING, "kd_jax/training/optimizers.py", "steps // 10", "steps // 20"),
]  # fmt: skip


def moved(name):
    """An edit that moves a function to the end of its file."""

    def edit(text):
        node = next(x for x in ast.parse(text).body if getattr(x, "name", "") == name)
        lines = text.splitlines(keepends=True)
        first, last = node.lineno - 1, node.end_lineno
        return "".join([*lines[:first], *lines[last:], "\n\n", *lines[first:last]])

    return edit


def replaced(old, new):
    def edit(text):
        assert old in text
        return text.replace(old, new)

    return edit


OTHERS = {  # (file, edit)
    "a docstring": ("kd_jax/distill/objective.py", replaced("One row of a table", "A row")),
    "a comment": ("kd_jax/training/state.py", replaced("  # that is not forgotten", "")),
    "an annotation": ("kd_jax/losses/_math.py", replaced('"*B C"', '"*N C"')),
    "the header of a table": ("experiments/quickstart/report.py", replaced("verdict", "decision")),
    "a progress bar": ("kd_jax/runtime/progress.py", replaced("mininterval=0.1", "mininterval=1")),
    "where checkpoints lie": ("kd_jax/storage/checkpoint.py", replaced("09d", "08d")),
    "a moved function": ("kd_jax/data/augment.py", moved("jitter")),
    "one of another experiment": ("experiments/black_box/outputs.py", moved("top_k")),
    "another experiment": ("experiments/black_box/outputs.py", replaced("1 + np.", "2 + np.")),
}


class Edited(Reader):
    """The project with another text in one file."""

    def __init__(self, base, file, edit):
        super().__init__(*base.folders)
        self.base, self.file, self.edit = base, ROOT / file, edit

    def text(self, module):
        return self.edit(super().text(module).decode()).encode()

    def _tree(self, module):
        return super()._tree(module) if self.path(module) == self.file else self.base.tree(module)


BASE = Reader(ROOT)


def digest(read, place):
    return _code.digest(_code.reached(read, [place]))


@pytest.mark.parametrize("place, file, old, new", RESULTS)
def test_an_edit_that_changes_results_changes_the_digest(place, file, old, new):
    assert digest(Edited(BASE, file, replaced(old, new)), place) != digest(BASE, place)


@pytest.mark.parametrize("what", OTHERS)
def test_an_edit_that_changes_no_result_does_not(what):
    edited = Edited(BASE, *OTHERS[what])
    for place in (CIFAR, COMPARE, FIT, MNIST, QUICKSTART, SPEECH):
        assert digest(edited, place) == digest(BASE, place)


TEACHERS = [
    ("kd_jax/models/inputs.py", "jnp.zeros((1", "jnp.ones((1"),
    ("kd_jax/models/mlp.py", "=glorot_uniform, name", "=lecun_normal, name"),
    ("kd_jax/data/augment.py", "2 * radius", "3 * radius"),
    ("kd_jax/training/samplers.py", "fold_in(key, seed)", "fold_in(key, seed + 1)"),
    ("tests/recipes.py", "augment.jitter(key", "augment.jitter(2 * key"),
]


@pytest.mark.parametrize("file, old, new", TEACHERS)
def test_an_edit_of_what_a_recipe_holds_makes_another_teacher(monkeypatch, file, old, new):
    held = recipes.recipe(), recipes  # the module hands on all that it imports
    before = [fingerprint.value(each) for each in held]
    edited = Edited(Reader(ROOT, ROOT / "tests"), file, replaced(old, new))
    monkeypatch.setattr(_code, "reader", lambda *folders: edited)
    after = [fingerprint.value(each) for each in held]
    assert before[0] != after[0] and before[1] != after[1]
