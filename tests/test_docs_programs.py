"""The programs of README and of docs/distill.md, methods.md and losses.md run as they stand there.

Only seeds and epochs are fewer, and what the text calls yours is small and made here.
"""

import pathlib
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from one_process import verified_here
from scipy import special

import kd_jax as kd

ROOT = pathlib.Path(__file__).parents[1]
BLOCK = re.compile(r"(<!-- example: (\S+) -->\n)?```python\n(.*?)```\n", re.DOTALL)
FEWER = {"seeds=10": "seeds=2", "epochs=20": "epochs=1"}
MOST_LINES = 20


def blocks(page):
    """[(name of the file or "", code)] of a page."""
    return [(name, code) for _, name, code in BLOCK.findall((ROOT / page).read_text())]


def files(page):
    """{name: code} of the files that a page shows."""
    return {name: code for name, code in blocks(page) if name}


def run(code, names):
    """Execute a program, shortened, with these names."""
    for long, short in FEWER.items():
        code = code.replace(long, short)
    exec(compile(code, "a program of the docs", "exec"), names)
    return names


@pytest.mark.parametrize(
    "page", ["README.md", "docs/distill.md", "docs/methods.md", "docs/losses.md"]
)
def test_no_program_is_longer_than_a_screen(page):
    signatures = "activation_boundary(student"  # of all losses: they are a list
    for code in [code for _, code in blocks(page) if not code.startswith(signatures)]:
        lines = [line for line in code.splitlines() if line.strip()]
        assert len(lines) <= MOST_LINES, code


class Student(nnx.Module):
    """Whatever a reader's network is."""

    def __init__(self, rngs):
        self.out = nnx.Linear(4, 3, rngs=rngs)

    def __call__(self, x):
        return self.out(x)


def clusters(seed, count):
    """Inputs [count, 4] around the unit vector of their label."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % 3)
    noise = rng.normal(0, 0.1, (count, 4))
    return (np.eye(3, 4)[labels] + noise).astype(np.float32), labels


def test_the_program_of_the_readme(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (x_train, y_train), (x_test, y_test) = clusters(0, 120), clusters(1, 30)
    np.save("teacher_logits.npy", 5 * x_train[:, :3])
    ((_, code),) = blocks("README.md")
    given = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    names = run(code, given | {"Student": Student})
    assert "soft targets, T=8" in capsys.readouterr().out
    rows = ["labels only", *(f"soft targets, T={t}" for t in (1, 2, 4, 8))]
    found = {r["row"] for r in names["result"].records}
    assert found >= set(rows)
    best, again = names["result"].best, kd.load("student/")
    np.testing.assert_allclose(again.logits(x_test), best.logits(x_test), rtol=1e-4, atol=1e-5)


def test_the_table_of_the_readme_says_what_its_sentence_says():
    """Both are of one run: the row that the sentence names is the one marked as chosen."""
    text = (ROOT / "README.md").read_text()
    sentence = re.search(r"BEATS: (.*?) against labels only: (\S+) points.*\n(\[.*?\])", text)
    assert sentence
    (line,) = re.findall(rf"^ +{sentence[1]} \(chosen\).*$", text, re.MULTILINE)
    assert line.split(")")[1].split()[:2] == ["▲", "BEATS"]
    assert line.endswith(f"{sentence[2]} {sentence[3]}")


def test_every_method_of_the_page_is_one():
    """The names of its table are those of the command, and of kd.methods."""
    from kd_jax.command.config import METHODS

    text = (ROOT / "docs/methods.md").read_text()
    rows = [line.split("|") for line in text.split("## One of")[0].splitlines() if "| `" in line]
    flags = [name for row in rows[1:] for name in re.findall(r"`(\w+)`", row[1])]
    assert sorted(flags) == sorted(METHODS)
    for name in {name for row in rows[1:] for name in re.findall(r"`(\w+)`", row[2])}:
        assert callable(getattr(kd.methods, name)), name


def test_every_flag_of_the_page_is_one_and_none_is_left_out():
    import dataclasses

    from kd_jax import experiment
    from kd_jax.command.config import Config

    own = {x.name for x in dataclasses.fields(Config)}
    general = {x.name for x in dataclasses.fields(experiment.Config)}
    text = (ROOT / "docs/distill.md").read_text().split("## All flags")[1]
    said = set(re.findall(r"`--(\w+)", text)) - {"help"}
    assert said <= own and own - general <= said


@pytest.fixture
def adult(tmp_path, monkeypatch):
    """adult.csv, adult_test.csv and forest.py of the page, in the current folder."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name, count in (("adult.csv", 160), ("adult_test.csv", 40)):
        rows = ["age,job,income"]
        for age, job in zip(rng.integers(20, 60, count), rng.choice(["cook", "clerk"], count)):
            rows.append(f"{age},{job},{'>50K' if age > 40 else '<=50K'}")
        (tmp_path / name).write_text("\n".join(rows))
    for name in ("forest.py", "short_forest.py"):
        (tmp_path / name).write_text(files("docs/distill.md")[name])


@pytest.mark.parametrize("name", ["forest", "short_forest"])
def test_the_forest_gives_probabilities_in_the_order_of_the_classes(adult, name):
    pa = pytest.importorskip("pyarrow")
    from kd_jax.distill import teacher_files

    teach = teacher_files.function(f"{name}.py:teach")
    found = teach(pa.table({"age": [25, 55], "job": ["cook", None]}))
    np.testing.assert_allclose(found.sum(1), 1)
    assert found.argmax(1).tolist() == [0, 1]  # "<=50K" is before ">50K"


def test_a_saved_model_teaches_by_four_lines(adult):
    joblib = pytest.importorskip("joblib")
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.pipeline import make_pipeline

    from kd_jax.distill import teacher_files

    raw = kd.read_data("adult.csv", label="income").raw["train"].to_pylist()
    labels = [">50K" if row["age"] > 40 else "<=50K" for row in raw]
    forest = make_pipeline(DictVectorizer(sparse=False), RandomForestClassifier(random_state=0))
    joblib.dump(forest.fit(raw, labels), "forest.joblib")
    code = files("docs/distill.md")["saved_forest.py"].replace("to_pandas", "to_pylist")
    pathlib.Path("saved_forest.py").write_text(code)
    data = kd.read_data("adult.csv", label="income")
    teach = teacher_files.function("saved_forest.py:teach")
    assert teach.classes == data.classes
    right = teach(data.raw["test"]).argmax(1) == data.test.labels
    assert right.mean() > 0.9


@pytest.mark.slow
def test_the_command_of_the_table(adult, capsys):
    from kd_jax.command.__main__ import main

    text = (ROOT / "docs/distill.md").read_text()
    command = re.search(r"\./run\.sh (distill --data=adult\.csv.*?)\n    python", text, re.DOTALL)
    assert command
    flags = command[1].replace("\\\n", "").split()
    main([*flags, "--preset=smoke", "--formats=stablehlo"])
    assert "soft targets, T=2" in capsys.readouterr().out
    assert pathlib.Path("small/student/predict.py").is_file()


@pytest.mark.slow
def test_the_programs_of_the_guide_are_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pytest.importorskip("equinox")
    names: dict = {"__name__": "guide"}
    for name, code in blocks("docs/distill.md"):
        if name in ("", "nets.py"):
            run(code, names)
    assert "attention transfer" in capsys.readouterr().out
    for model in ("in_nnx", "in_equinox", "by_hand"):
        fitted = kd.models.fitted(names[model], names["images"][:2], 10)
        (logits, _), _ = fitted.apply(fitted.init(jax.random.key(0)), names["images"][:2])
        assert logits.shape == (2, 10)
    assert not names["unlabeled"].comparison.labeled
    assert kd.load("student").predict(names["test"].inputs).shape == (397,)


@pytest.fixture
def images(tmp_path, monkeypatch):
    """images/ with two classes, dark and bright, new.png, a bright one, and the page's files."""
    drawn = pytest.importorskip("drawn_images")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    rng = np.random.default_rng(0)
    pixels = [rng.integers(128 * (n % 2), 128 * (n % 2) + 128, (8, 8, 3)) for n in range(81)]
    files_ = {
        f"{('dark', 'bright')[n % 2]}/{n}.png": drawn.encoded(each.astype(np.uint8))
        for n, each in enumerate(pixels[:80])
    }
    drawn.write_folder(tmp_path / "images", files_)
    (tmp_path / "new.png").write_bytes(drawn.encoded(pixels[79].astype(np.uint8)))
    for name in ("nets.py", "nnx_nets.py"):
        (tmp_path / name).write_text(files("docs/distill.md")[name])


@pytest.mark.parametrize(
    "where", ["nets.py:CNN", "nets.py:big", "nnx_nets.py:small", "nnx_nets.py:big"]
)
def test_the_networks_of_the_page_are_factories(images, where):
    from kd_jax.command import networks, problem
    from kd_jax.command.config import Config

    network = networks.student(where, problem.read(Config(data="images", image_size=8)))
    (logits, features), _ = jax.eval_shape(
        lambda key, x: network.apply(network.init(key), x),
        jax.random.key(0),
        np.zeros((2, 8, 8, 3)),
    )
    assert logits.shape == (2, 2)
    wide = 32 if where.endswith("big") else 8
    assert [x.shape for x in features.values()] == [(2, 4, 4, wide), (2, 2, 2, 2 * wide)]


@pytest.mark.slow
def test_images_in_class_folders_in_python(images, capsys):
    code = files("docs/distill.md")["images.py"].replace("image_size=32", "image_size=8")
    shorter = "methods=methods, seeds=2, recipe=kd.Recipe(epochs=3, batch_size=16)"
    run(code.replace("methods=methods", shorter), {})
    assert "attention transfer" in capsys.readouterr().out
    assert kd.load("small").classes == ["bright", "dark"]


def test_a_loss_of_one_s_own_is_a_method_with_one_line_more():
    """Of s·K + b and t, by hand: K doubles, b is 0, cosines 1 and 0, so (0 + 1)/2 = 1/2."""
    (method,) = run(files("docs/methods.md")["cosine.py"], {})["METHODS"]
    outputs = kd.distill.methods.Outputs
    student = outputs(None, {"hidden": jnp.array([[1.0, 0.0], [0.0, 1.0]])})
    teacher = outputs(None, {"hidden": jnp.array([[3.0, 0.0], [5.0, 0.0]])})
    extra = method.extra(jax.random.key(0), student, teacher)
    extra = {"Dense_0": {"kernel": 2 * jnp.eye(2), "bias": jnp.zeros(2)}} if extra else None
    np.testing.assert_allclose(method.term(student, teacher, None, extra), 0.5, rtol=1e-5)
    assert method.weights == (0.1, 1.0, 10.0)


def test_a_method_of_one_s_own_is_a_file():
    """Its term is the mean squared distance of s·K and t, by hand 1/4 (1 + 9 + 0 + 4) = 3.5."""
    names = run(files("docs/methods.md")["mine.py"], {})
    (method,) = names["METHODS"]
    outputs = kd.distill.methods.Outputs
    student = outputs(None, {"hidden": jnp.array([[1.0, 0.0], [0.0, 1.0]])})
    teacher = outputs(None, {"hidden": jnp.array([[0.0, 5.0], [3.0, 2.0]])})
    extra = {"kernel": jnp.array([[1.0, 2.0], [3.0, 4.0]])}
    assert method.term(student, teacher, None, extra) == 3.5
    assert method.extra(jax.random.key(0), student, teacher)["kernel"].shape == (2, 2)


@pytest.mark.slow
def test_a_method_of_one_s_own_trains_with_its_projector():
    """A student with 3 hidden units beside a teacher with 5."""
    (method,) = run(files("docs/methods.md")["mine.py"], {})["METHODS"]
    inputs, labels = clusters(0, 96)

    def network(width):
        def apply(variables, x, train=False, key=None):
            hidden = jnp.tanh(x @ variables["params"]["first"])
            return hidden @ variables["params"]["second"], {"hidden": hidden}

        def init(key):
            first, second = jax.random.split(key)
            return {
                "params": {
                    "first": jax.random.normal(first, (4, width)),
                    "second": jax.random.normal(second, (width, 3)),
                }
            }

        return kd.models.fitted(kd.Model(init, apply), inputs[:2], 3)

    big = network(5)
    variables = big.init(jax.random.key(0))
    teacher = kd.Network(big, variables)
    result = kd.distill(
        network(3), teacher, kd.Split(inputs, labels), seeds=2,
        methods=[kd.labels_only(), method], recipe=kd.Recipe(epochs=1),
    )  # fmt: skip
    assert {r["row"] for r in result.records} == {"teacher", "labels only", "regression"}


@pytest.fixture
def loop(tmp_path, monkeypatch):
    """The program of docs/losses.md, and the arrays that it reads in the current folder."""
    monkeypatch.chdir(tmp_path)
    verified_here(monkeypatch)
    inputs, labels = clusters(0, 120)
    arrays = {"inputs": inputs, "labels": labels, "teacher_logits": 5 * inputs[:, :3]}
    for name, array in arrays.items():
        np.save(f"{name}.npy", array)
    pytest.importorskip("jax2onnx", reason="its last line needs the extra export")
    return files("docs/losses.md")["loop.py"], inputs, labels, arrays["teacher_logits"]


def test_the_losses_in_a_loop_of_one_s_own(loop):
    """By hand ∂/∂b = mean 0.9 · 4 (softmax(z/4) − softmax(t/4)) + 0.1 (softmax(z) − onehot)."""
    code, inputs, labels, teacher = loop
    code = code.replace("optax.adam(2e-3)", "optax.sgd(1.0)").replace("range(1000)", "range(0)")
    names = run(code, {})
    student, last = names["student"], names["student"].layers[-1].bias
    z = np.asarray(student(inputs), np.float64)
    soft = special.softmax(z / 4, -1) - special.softmax(teacher / 4.0, -1)
    hard = special.softmax(z, -1) - np.eye(3)[labels]
    before = np.array(last[...])
    names["step"](student, names["optimizer"], inputs, labels, teacher)
    change = np.mean(0.9 * 4 * soft + 0.1 * hard, 0)
    np.testing.assert_allclose(before - np.array(last[...]), change, atol=1e-6)


def test_the_student_of_that_loop_predicts(loop):
    code, inputs, labels, _ = loop
    student = run(code.replace("range(1000)", "range(300)"), {})["student"]
    assert np.mean(student(inputs).argmax(-1) == labels) > 0.95
    loaded = kd.load("student")
    np.testing.assert_array_equal(loaded.predict(inputs), student(inputs).argmax(-1))
    assert loaded.classes == ["0", "1", "2"] and pathlib.Path("student/predict.py").is_file()
