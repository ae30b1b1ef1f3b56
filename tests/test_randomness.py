"""Every random choice follows from --base_seed: no generator has a seed of the code's own."""

import ast
import pathlib

ROOT = pathlib.Path(__file__).parents[1]
GENERATORS = {"key", "PRNGKey", "default_rng", "RandomState", "Generator", "manual_seed"}
SHAPES_ONLY = {"eval_shape"}  # what is traced for its shapes draws nothing
TRIALS = {  # {file: how many of its seeds decide nothing}
    "kd_jax/distill/driver/augmented.py": 1,  # views that a teacher is tried on
    "kd_jax/distill/driver/distill.py": 1,  # a recipe that is tried
    "kd_jax/distill/driver/running_averages.py": 2,  # rows that a note is about, seen once
    "kd_jax/distill/driver/term_values.py": 2,  # rows and projectors that a term is tried on
    "kd_jax/export/student_files.py": 1,  # rows by which files are compared
    "kd_jax/models/adapters/equinox.py": 1,  # an evaluation, which draws nothing
    "kd_jax/models/adapters/nnx.py": 1,  # likewise
}


def fixed(node):
    """Whether an expression is a number, or a collection of numbers, of the code's own."""
    if isinstance(node, (ast.Tuple, ast.List)):
        return all(map(fixed, node.elts))
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def name_of(call):
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def literal_seeds(tree):
    """The lines of calls that seed a generator with a literal, or hand a literal seed on."""
    found = []

    def visit(node, shapes):
        if isinstance(node, ast.Call):
            shapes = shapes or name_of(node) in SHAPES_ONLY
            first = node.args[:1] if name_of(node) in GENERATORS else []
            handed = [k.value for k in node.keywords if (k.arg or "").endswith("seed")]
            if not shapes and any(map(fixed, [*first, *handed])):
                found.append(node.lineno)
        if isinstance(node, ast.Assign) and fixed(node.value):
            names = [t.id for target in node.targets for t in ast.walk(target) if hasattr(t, "id")]
            if any(name.endswith(("KEY", "SEED", "SAMPLER")) for name in names):
                found.append(node.lineno)
        for child in ast.iter_child_nodes(node):
            visit(child, shapes)

    visit(tree, False)
    return found


def test_what_the_search_finds():
    text = """
A_KEY, B_SEED = 1, 2
k = jax.random.key(3)
rng = np.random.default_rng(4)
f(x, seed=5)
like = jax.eval_shape(init, jax.random.key(6))
k = jax.random.key(base_seed)
f(x, seed=number)
"""
    assert literal_seeds(ast.parse(text)) == [2, 3, 4, 5]


def test_no_generator_has_a_seed_of_the_code_s_own():
    files = (path for folder in ("kd_jax", "experiments") for path in (ROOT / folder).rglob("*.py"))
    found = {
        str(path.relative_to(ROOT)): literal_seeds(ast.parse(path.read_text(encoding="utf-8")))
        for path in files
    }
    assert {path: len(lines) for path, lines in found.items() if lines} == TRIALS
