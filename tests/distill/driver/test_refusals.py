"""What does not fit is one line before anything is trained, from every argument of kd.distill."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import small_driver as small
from scipy import special

import kd_jax as kd
from kd_jax.distill import methods, students
from kd_jax.distill.methods import terms
from kd_jax.errors import InputError
from kd_jax.models import fitted

SOFT = kd.soft_targets(2)[0]
X, Y, LOGITS = small.INPUTS[:60], (np.arange(60) % 3).astype(np.int32), small.LOGITS[:60]
IMAGES = np.zeros((60, 8, 8, 1), np.float32)
NAN = np.where(np.arange(60)[:, None] == 7, np.nan, X)


def network(maps, inputs=(8, 8, 1)):
    """A student of images, with a feature map of that shape."""

    def apply(params, x):
        pooled = x.reshape(len(x), -1) @ params["w"]
        return pooled, {"map": jnp.broadcast_to(pooled.sum(), (len(x), *maps))}

    return kd.Model(lambda key: {"w": jnp.zeros((int(np.prod(inputs)), 3))}, apply)


def teacher(maps):
    """A Network of images."""
    model = fitted(network(maps), IMAGES[:2])
    variables = {"params": {"w": np.ones((64, 3), np.float32)}, "state": {}}
    return kd.Network(model, variables, list("abc"), (8, 8, 1), "float32", {"kind": "arrays"})


class Trained(Exception):
    """A training began."""


@pytest.fixture(autouse=True)
def untrained(monkeypatch):
    def fit(*arguments, **options):
        raise Trained

    monkeypatch.setattr(students, "fit", fit)


def distill(student=small.STUDENT, teacher=LOGITS, train=(X, Y), **options):
    kd.distill(student, teacher, kd.Split(*train), **options)


def of_images(student, teacher=LOGITS):
    method = methods.of_maps()[0]
    distill(student, teacher, (IMAGES, Y), methods=[kd.labels_only(), method])


@pytest.mark.parametrize(
    "options, said",
    [
        (
            {"train": (NAN, Y)},
            "train has inputs .* not finite in 1 of 60 rows, the first is row 7",
        ),
        ({"train": (X, Y / 1)}, "train has labels float64 .* expected whole numbers"),
        ({"train": (X, Y + 3)}, "labels are up to 5 and the teacher has 3 classes"),
        ({"train": (X, Y * 0)}, "train has one class, 0: expected two or more"),
        ({"train": (X[:1], Y[:1]), "teacher": LOGITS[:1]}, "train has one class"),
        ({"train": (X[:0], Y[:0])}, "train has inputs float32 .0, 4.: expected numbers"),
        ({"train": ([[1, 2], [3]], [0, 1])}, "train has inputs that are no array: "),
        ({"test": kd.Split(X[:, :3], Y)}, r"test has inputs \[3\], train \[4\]: expected alike"),
        ({"validation": kd.Split(X, Y + 1)}, r"validation has labels that train lacks: \[3\]"),
        ({"test": kd.Split(X, None)}, "one has labels, the other has none"),
        ({"seeds": 0}, "seeds=0: expected a whole number, 1 or more"),
        ({"seeds": 2.0}, "seeds=2.0: expected a whole number"),
        ({"base_seed": -1}, "base_seed=-1: expected a whole number, 0 or more"),
        ({"base_seed": 2**32}, "below 4,294,967,296"),
        ({"execution": 3}, "execution is int: expected"),
    ],
)
def test_rows_and_numbers(options, said):
    with pytest.raises(InputError, match=said):
        distill(**options)


@pytest.mark.parametrize(
    "given, said",
    [
        ([], "there are no methods: expected one or more"),
        (3, "methods=3: expected some, like"),
        ("labels", "methods hold 'l': expected each to be a kd.Method"),
        ([kd.labels_only], r"expected each to be a kd.Method, like \[kd.labels_only\(\), \*kd"),
        ([kd.labels_only(), [3]], "methods hold 3: expected each to be a kd.Method"),
        ([SOFT, SOFT], "two methods are called soft targets, T=2: name each once"),
        (SOFT._replace(teacher="other"), "the teacher other, which is not given: .* of teacher"),
        (SOFT._replace(row="teacher"), "method teacher is called as a teacher is"),
        (SOFT._replace(row="a\nb"), "a method is called .*: expected a name, in one line"),
        (SOFT._replace(weights=()), r"weights=\(\): expected finite numbers"),
        (SOFT._replace(weights=(np.nan,)), r"weights=\(nan,\): expected finite numbers"),
        (SOFT._replace(temperature=0), "temperature=0: expected a finite number above 0"),
        (SOFT._replace(temperature=1e20), "temperature=1e\\+20: .*whose square is finite too"),
        (SOFT._replace(temperature=()), r"temperature=\(\): expected a finite number above 0"),
        (SOFT._replace(temperature=(1, 0)), r"temperature=\(1, 0\): expected a finite number"),
        (SOFT._replace(label_weight=-1), "label_weight=-1: expected a finite number, 0 or more"),
        (SOFT._replace(smoothing=2), "smoothing=2: expected a number from 0 to 1"),
        (SOFT._replace(term=3), "has term=3: expected a function"),
        (SOFT._replace(term=lambda s, t, b, e: s.logits), r"gives float32 \[4, 3\]: expected one"),
        (SOFT._replace(term=lambda s, t, b, e: None), "gives NoneType: expected one float"),
        (SOFT._replace(term=lambda s, t, b, e: b.rows["x"]), "does not fit .* KeyError: 'x'"),
        (SOFT._replace(term=lambda s, t, b, e: jnp.nan * s.logits.sum()), "a term that is nan on"),
        (SOFT._replace(term=jax.tree_util.Partial(lambda *x: jnp.inf)), "a term that is inf on"),
        (SOFT._replace(term=terms.on_logits(lambda s, t: s.sum(-1) / 0)), "a term that is inf on"),
    ],
)
def test_methods(given, said):
    with pytest.raises(InputError, match=said):
        distill(methods=given)


@pytest.mark.parametrize(
    "recipe, said",
    [
        (None, "recipe is NoneType: expected kd.Recipe"),
        (optax.adam(0.1), "recipe is GradientTransformation.*: expected kd.Recipe"),
        (kd.Recipe(epochs=0), "Recipe: epochs=0: expected a whole number, 1 or more"),
        (kd.Recipe(batch_size=0), "Recipe: batch_size=0: expected a whole number"),
        (kd.Recipe(optimizer=3), "Recipe: optimizer=3: expected one of optax, like optax.adam"),
        (kd.Recipe(optax.adam), "Recipe: optimizer=<function adam.*: expected one of optax"),
        (kd.Recipe(augment=lambda key, x: x[:2]), r"augment makes float32 \[2\] of an input"),
        (kd.Recipe(augment=lambda x: x), r"augment fails on an input \[4\]: TypeError"),
    ],
)
def test_recipes(recipe, said):
    with pytest.raises(InputError, match=said):
        distill(recipe=recipe)


@pytest.mark.parametrize(
    "given, said",
    [
        (special.softmax(LOGITS, -1), r"say that they are probabilities, as kd.probabilities\("),
        (kd.probabilities(LOGITS), "expected no negative entry and sum 1"),
        (LOGITS[:50], r"has outputs \[50, 3\]: expected 60 rows, a number per class"),
        (None, "teacher teacher is None: expected outputs of 60 rows"),
        ("none.npy", "teacher teacher is the path none.npy: expected a folder that kd.load reads"),
        ({}, "there is no teacher"),
        ([], "teacher teacher is an ensemble of none"),
        ({1: LOGITS}, "a teacher is called 1: expected a name"),
        ([LOGITS, LOGITS[:, :2]], r"teacher teacher, 1 gives \[60, 2\]: expected \[N, 3\]"),
        ({"teacher": LOGITS, "b": LOGITS[:, :2]}, r"teacher b gives \[60, 2\]: expected \[N, 3\]"),
        (lambda x: x[:5], r"gives \[5, 4\]: expected \[42, C\]"),
        (lambda x: 1 / 0, "fails on inputs .42, 4.: ZeroDivisionError"),
        (teacher((8, 8, 5)), r"takes inputs \[8, 8, 1\]: these are \[4\]"),
    ],
)
def test_teachers(given, said):
    with pytest.raises(InputError, match=said):
        distill(teacher=given)


def test_students():
    for student, said in [
        (None, "student is NoneType: expected kd.from_flax"),
        (small.apply, "student is function: expected kd.from_flax"),
        (small.STUDENT._replace(apply=lambda p, x: x), r"the student gives logits \[2, 4\]"),
        (small.STUDENT._replace(apply=lambda p, x: x @ p["a"]), "the student raises KeyError"),
    ]:
        with pytest.raises(InputError, match=said):
            distill(student)


def test_features_that_are_not_there_or_in_another_order():
    channels_first, channels_last = (5, 8, 8), (8, 8, 5)
    for student, taught, said in [
        (network(channels_last), LOGITS, "the teacher teacher has no features that are known"),
        (network(channels_last), lambda x: LOGITS[: len(x)], "has no features that are known"),
        (network(channels_first), teacher(channels_last), r"student has a feature map map \[4, 5"),
        (network(channels_last), teacher(channels_first), r"teacher teacher has a feature map .*"
         r"seems to be \[B, C, H, W\]: expected \[B, H, W, C\]; give it transposed"),
    ]:  # fmt: skip
        with pytest.raises(InputError, match=said):
            of_images(student, taught)
    with pytest.raises(Trained):
        of_images(network(channels_last), teacher(channels_last))
    with pytest.raises(Trained):  # what no method reads may be as it is
        distill(network(channels_first), LOGITS, (IMAGES, Y))
    vectors = [methods.of_vectors()[0], methods.of_relations()[0]]
    with pytest.raises(InputError, match="method hint .* the teacher teacher has no features"):
        distill(methods=vectors)
    of_second = methods.of_maps()[0]._replace(teacher="b")
    both = {"a": teacher(channels_last), "b": teacher(channels_last)}
    with pytest.raises(InputError, match="the teacher b has no features that are known"):
        distill(network(channels_last), both, (IMAGES, Y), methods=of_second)


def test_a_term_may_map_over_what_it_is_given():
    def of_each(student, teacher, batch, extra):
        apart = jax.vmap(lambda s, t, rows: jnp.sum((s.logits - t.logits) ** 2) + rows["labels"])
        return jnp.mean(apart(student, teacher, batch.rows))

    def of_all(student, teacher, batch, extra):
        pairs = zip(jax.tree.leaves(student.features), jax.tree.leaves(teacher.features))
        return sum(jnp.mean(ours) * jnp.mean(theirs) for ours, theirs in pairs)

    with pytest.raises(Trained):
        distill(methods=kd.Method("each", of_each))
    with pytest.raises(Trained):
        distill(network((8, 8, 5)), teacher((8, 8, 5)), (IMAGES, Y),
                methods=kd.Method("all", of_all))  # fmt: skip
    with pytest.raises(InputError, match="method all has a term that gives int32 .*: expected one"):
        distill(methods=kd.Method("all", of_all))


def test_a_term_need_not_be_finite_on_numbers_of_every_kind():
    for of_logits in [
        lambda s, t: jnp.log(s) - jnp.log(t),  # above 0
        lambda s, t: jnp.arccosh(1.5 + s) - jnp.arccosh(t),  # above 1
        lambda s, t: jnp.arctanh(s) - jnp.arctanh(t),  # below 1
    ]:
        with pytest.raises(Trained):
            distill(methods=kd.Method("mine", terms.on_logits(of_logits)))


def test_methods_that_need_labels_where_there_are_none():
    more = [kd.labels_only(), kd.label_smoothing(), *methods.without_teacher()[1:]]
    for method in more:
        with pytest.raises(InputError, match="needs labels, and there are none: take kd.pseudo"):
            distill(train=(X, None), methods=[kd.pseudo_labels(), method])
    with pytest.raises(InputError, match="without labels the teacher's outputs are needed for te"):
        distill(train=(X, None), test=kd.Split(X, None))
    for method in [SOFT, methods.of_logits()[4]]:
        with pytest.raises(Trained):
            distill(train=(X, None), methods=method)


def test_what_fits_is_trained():
    for options in [
        {"methods": kd.labels_only()},
        {"methods": (each for each in [SOFT])},
        {"methods": SOFT._replace(weights=np.array([1.0, 2.0]))},
        {"seeds": np.int64(2), "base_seed": np.int64(3)},
        {"train": (X.astype(np.float64), Y.tolist())},
        {"train": (jnp.asarray(X), jnp.asarray(Y)), "teacher": jnp.asarray(LOGITS)},
        {"train": ((10 * X).astype(int), Y.astype(np.uint8)), "teacher": {"teacher": LOGITS}},
    ]:
        with pytest.raises(Trained):
            distill(**options)
