"""Methods on equal terms: what is shared by all of them, what is chosen, and the chains."""

import jax
import numpy as np
import optax
import pytest
from scipy import special

from experiments.compare_methods import chains, pairs, report
from experiments.compare_methods.config import Config
from kd_jax import models
from kd_jax.data import Dataset, Split
from kd_jax.distill import methods, objective, students
from kd_jax.distill.methods import selection, training
from kd_jax.distill.teachers import NetworkRecipe
from kd_jax.models import projectors
from kd_jax.runtime.execution import Execution
from kd_jax.storage import checkpoint
from kd_jax.training import samplers
from kd_jax.training.state import Batch

RANDOM = np.random.default_rng(11)
KEYS = jax.random.split(jax.random.key(0), 2)
OPTIMIZER, ON_LABELS, SOFT = (
    optax.sgd(0.1),
    methods.labels_only(),
    methods.of_logits()[0].times((0.1, 1, 10)),
)


def image_set(count=40, side=4, classes=3):
    """Images whose class is their brightest third, so that a few steps learn something."""
    labels = np.arange(count) % classes
    inputs = RANDOM.random((count, side, side)).astype(np.float32)
    inputs[np.arange(count), labels] += 1
    split = Split(inputs, labels.astype(np.int32))
    return Dataset("generated", classes, split, split, split, "none")


def by_chance(model):
    """Parameters of a network, mostly positive, so that its units are not silent."""
    like, random = jax.eval_shape(model.init, jax.random.key(0)), np.random.default_rng(12)
    return jax.tree.map(lambda x: random.normal(0.1, 0.3, x.shape).astype(np.float32), like)


def a_pair(student, teacher, labeled=None):
    data = image_set()
    labeled = np.ones(40, bool) if labeled is None else labeled
    params = by_chance(teacher)
    lesson = training.lesson(teacher, params, data.train, labeled, permutation_seed=0)
    logits, _ = training.outputs(teacher.apply, params, data.test.inputs)
    shown = training.layers(teacher, params, data.test.inputs)
    sampler = samplers.shuffled(jax.random.key(1), 40, 10)
    recipe = NetworkRecipe(student, OPTIMIZER, sampler, epochs=60)
    return training.TeacherStudentPair("generated", data, lesson, logits, logits, shown, recipe)


def mlp(*hidden):
    return models.functional(models.MLP(hidden, 3), (4, 4))


def convnet(*channels):
    return models.functional(models.ConvNet(channels, (1, 2), 3), (4, 4))


VECTORS = a_pair(mlp(4, 5), mlp(6, 7))
MAPS = a_pair(convnet(3, 4), convnet(5, 6))
FACTOR = RANDOM.normal(size=(10, 2, 2, 2)).astype(np.float32)
OF_LOGITS = {method.row for method in methods.without_teacher() + methods.of_logits()}


def everything(pair):
    found = [*methods.without_teacher(), *methods.of_logits(), *methods.of_relations()]
    found += [*methods.of_vectors(), methods.mutual(pair.recipe.model)]
    if pair is MAPS:
        found += methods.of_maps() + methods.of_projected_maps()
        found.append(methods.factor_transfer(2))
    return found


def first_rows(pair, rows):
    """A batch of these rows, as training gathers them."""
    split, teachers, more = pair.lesson
    arrays = {**split._asdict(), **more, "teachers": np.stack([*teachers.values()], axis=1)}
    return jax.tree.map(lambda x: x[rows], arrays)


def to_outputs(pair, batch, method, student):
    """A method's loss and its gradient by the student's outputs, as if these were parameters."""
    loss_fn = objective.objective(
        lambda variables, *_, **__: (variables["params"], {}), method.term
    )
    teacher = methods.Outputs(batch["teachers"][:, 0], batch["features"])
    start = jax.eval_shape(method.extra, KEYS[0], student, teacher)
    random = np.random.default_rng(3)
    extra = jax.tree.map(lambda x: 0.3 * random.normal(size=x.shape).astype(np.float32), start)
    params = {"student": tuple(student), "extra": extra}
    numbers = students._numbers(method.arms()[-1:], [*pair.lesson.teachers], 1)
    weighted = Batch(batch, {name: x[0, 0] for name, x in numbers.items()})

    def loss(params):
        return loss_fn({"params": params, "state": {}}, weighted, jax.random.key(4)).loss

    value, grads = jax.value_and_grad(loss)(params)
    return value, grads["student"]


@pytest.mark.parametrize("pair", [VECTORS, MAPS], ids=["vectors", "maps"])
def test_every_term_is_finite_and_reaches_the_student(pair):
    """The gradient of every method is finite, and another than that of the labels alone."""
    batch = {**first_rows(pair, slice(10)), "factor": FACTOR}
    labels, *others = everything(pair)
    if pair is MAPS:  # of logits there are the same in both
        others = [each for each in others if each.row not in OF_LOGITS]

    @jax.jit  # one program for all methods: most of the time is compilation
    def gradients(params):
        student = methods.Outputs(*pair.recipe.model.apply(params, batch["inputs"])[0])
        return [to_outputs(pair, batch, method, student) for method in (labels, *others)]

    (_, plain), *found = jax.tree.map(np.asarray, gradients(by_chance(pair.recipe.model)))
    assert len(found) == len(others)
    for method, (value, grads) in zip(others, found):
        leaves = jax.tree.leaves(grads)
        assert np.isfinite(value) and all(np.isfinite(x).all() for x in leaves), method.row
        moved = jax.tree.map(lambda x, y: abs(x - y).max(), grads, plain)
        assert max(jax.tree.leaves(moved)) > 0, method.row


def test_flow_is_of_the_averages_of_projected_maps():
    """Yim et al. 2017, equations 1 and 2, in float64: the first maps, projected, then averaged."""
    random = np.random.default_rng(5)
    s0, s1, t0, t1 = (
        random.normal(size=(2, size, size, channels))
        for size, channels in ((4, 3), (2, 4), (4, 5), (2, 6))
    )
    layers = [
        {"Dense_0": {"kernel": random.normal(size=shape), "bias": random.normal(size=shape[1])}}
        for shape in ((3, 5), (4, 6))
    ]

    def through(x, layer):
        return x @ layer["Dense_0"]["kernel"] + layer["Dense_0"]["bias"]

    def matrix(first, second):
        averages = first.reshape(2, 2, 2, 2, 2, -1).mean((2, 4))
        return np.einsum("bhwi,bhwj->bij", averages, second) / 4

    ours, theirs = matrix(through(s0, layers[0]), through(s1, layers[1])), matrix(t0, t1)
    flow = next(x for x in methods.of_projected_maps() if x.row == "flow (FSP)")
    student, teacher = (
        jax.tree.map(np.float32, methods.Outputs(np.zeros((2, 3)), {"a": a, "b": b}))
        for a, b in ((s0, s1), (t0, t1))
    )
    found = flow.term(student, teacher, None, jax.tree.map(np.float32, layers))
    np.testing.assert_allclose(found, np.mean((ours - theirs) ** 2), rtol=1e-5)


def meeting(method, our_side, their_side):
    """A method's term of maps whose entries are repeated from 2 × 2 to these heights and widths."""
    random = np.random.default_rng(6)
    outputs = []
    for side, channels in ((our_side, 4), (their_side, 5)):
        x = np.float32(random.normal(size=(3, 2, 2, channels)))
        x = x.repeat(side // 2, 1).repeat(side // 2, 2)
        outputs.append(methods.Outputs(np.zeros((3, 2)), {"map": x}))
    return method.term(*outputs, None, method.extra(KEYS[0], *outputs))


@pytest.mark.parametrize("ours, theirs", [(2, 4), (4, 2)], ids=["smaller", "larger"])
def test_maps_of_other_sizes_meet_at_the_smaller(ours, theirs):
    """A map whose entries are repeated to twice its size teaches, and learns, what it did."""
    found = [*methods.of_vectors(), *methods.of_maps(), *methods.of_projected_maps()]
    # CRD flattens maps: no entry of one faces an entry of the other
    compared = [each for each in found if not each.row.startswith("contrastive")]
    assert len(compared) == len(found) - 1 == 10
    for method in compared:
        at_one_size = meeting(method, 2, 2)
        np.testing.assert_allclose(
            meeting(method, ours, theirs), at_one_size, rtol=1e-4, err_msg=method.row
        )


@pytest.mark.parametrize("side", [2, 4])
def test_a_factor_of_another_size_is_met_at_the_smaller(side):
    """Kim et al. 2018: mean |s / ‖s‖ − t / ‖t‖|, s the translated map, in float64."""
    random = np.random.default_rng(8)
    factor = random.normal(size=(3, 2, 2, 2))
    student = methods.Outputs(
        np.zeros((3, 2)), {"map": np.float32(random.normal(size=(3, 4, 4, 5)))}
    )
    method = methods.factor_transfer(2)
    extra = method.extra(KEYS[0], student, None)
    translated = np.float64(projectors.Translator(2).apply({"params": extra}, student.last))
    s = translated.reshape(3, 2, 2, 2, 2, 2).mean((2, 4)) if side == 2 else translated
    t = factor.repeat(side // 2, 1).repeat(side // 2, 2)
    rows = {"factor": np.float32(t)}
    s, t = (x.reshape(3, -1) / np.linalg.norm(x.reshape(3, -1), axis=1)[:, None] for x in (s, t))
    found = method.term(student, None, Batch(rows, {}), extra)
    np.testing.assert_allclose(found, np.abs(s - t).mean(), rtol=1e-5)


def test_rows_have_names_of_their_own():
    rows = [method.row for method in everything(MAPS)]
    assert len(set(rows)) == len(rows)


def loss_of_labels(pair, rows):
    """The loss of the baseline on some rows, and the student's parameters."""
    variables = by_chance(pair.recipe.model)
    params = {"student": variables["params"], "extra": {}}
    numbers = {"weight": 0.0, "label_weight": 1.0, "smoothing": 0.0, "temperature": 1.0}
    batch = Batch(rows, numbers | {"source": 0})
    loss_fn = jax.jit(objective.objective(pair.recipe.model.apply))
    found = loss_fn({"params": params, "state": {}}, batch, jax.random.key(0))
    return found.loss, variables


def test_the_baseline_is_cross_entropy_of_the_labels():
    rows = first_rows(VECTORS, slice(10))
    found, params = loss_of_labels(VECTORS, rows)
    logits, _ = training.outputs(VECTORS.recipe.model.apply, params, rows["inputs"])
    log_q = special.log_softmax(np.float64(logits), -1)
    expected = -log_q[np.arange(10), rows["labels"]].mean()
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_rows_without_a_label_teach_through_the_teacher_alone():
    """Changing the true label of an unlabeled row changes nothing; its array has the teacher's."""
    labeled = np.arange(40) < 10
    pair = a_pair(mlp(4, 5), mlp(6, 7), labeled)
    chosen = np.asarray(pair.lesson.teachers["teacher"]).argmax(-1)
    np.testing.assert_array_equal(pair.lesson.split.labels[10:], chosen[10:])
    np.testing.assert_array_equal(pair.lesson.split.labels[:10], pair.data.train.labels[:10])
    found, _ = loss_of_labels(pair, first_rows(pair, slice(10, 20)))
    assert float(found) == 0


def test_semi_supervised_batches_are_half_labeled():
    labeled = np.arange(40) % 4 == 0
    draw = jax.jit(training.semi_supervised(jax.random.key(0), labeled, 8))
    indices, of_another_epoch, of_another_seed = (
        np.asarray(draw(*of)) for of in ((0, 0), (0, 1), (1, 0))
    )
    assert indices.shape == (30 // 4, 8)
    assert labeled[indices[:, :4]].all() and not labeled[indices[:, 4:]].any()
    rest = indices[:, 4:].ravel()
    assert len(set(rest)) == len(rest)  # an epoch passes once over the others
    assert (of_another_seed != indices).any() and (of_another_epoch != indices).any()


def test_every_method_begins_with_the_same_student():
    """With no epoch trained the students of all methods and weights are the same."""
    pair = VECTORS._replace(recipe=VECTORS.recipe._replace(epochs=0))
    one, two = (
        [np.asarray(x) for x in jax.tree.leaves(training.fit(pair, method, KEYS))]
        for method in (SOFT, methods.of_vectors()[0].times((0.1, 1, 10)))
    )
    for a, b in zip(one, two):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a[:, 0], a[:, 2])
    assert (one[1][0] != one[1][1]).any()


def test_the_weight_is_chosen_on_validation():
    """Of three students per seed the perfect one is at the third weight."""
    params = training.fit(VECTORS, ON_LABELS, KEYS)
    params = jax.tree.map(np.asarray, params)
    grid = jax.tree.map(lambda x: np.concatenate([0 * x, 0 * x, x], axis=1), params)
    chosen = selection.choose(VECTORS, SOFT, grid)
    assert chosen.arm.weight == chosen.records[0]["weight"] == SOFT.weights[2] == 90
    by_arm = chosen.records[0]["validation_errors_by_arm"]
    assert by_arm[2] < by_arm[0] == by_arm[1]
    jax.tree.map(
        np.testing.assert_array_equal, chosen.variables, jax.tree.map(lambda x: x[:, 0], params)
    )


def test_temperature_and_weight_are_chosen_together():
    """Of two temperatures times three weights the perfect students are at T = 8, weight 0.9."""
    method = SOFT._replace(temperature=(2.0, 8.0))
    assert [(arm.temperature, arm.weight) for arm in method.arms()][2:4] == [(2, 90), (8, 0.9)]
    params = jax.tree.map(np.asarray, training.fit(VECTORS, ON_LABELS, KEYS))
    grid = jax.tree.map(lambda x: np.concatenate([0 * x] * 3 + [x] + [0 * x] * 2, 1), params)
    (record, _) = selection.choose(VECTORS, method, grid).records
    assert (record["temperature"], record["weight"]) == (8, 0.9)
    assert (record["temperatures"], record["weights"]) == ([2, 8], [0.9, 9, 90])


def test_a_chain_learns_from_the_step_before(tmp_path):
    """The last generation's teacher is the one before it, seed by seed; the first has no row."""
    first, _, last = chains.born_again(ON_LABELS, SOFT)
    execution = Execution(snapshots=checkpoint.Snapshots(tmp_path, {}))
    records, students = chains.through(VECTORS, [first, last], KEYS, execution)
    ((step, network, params),) = students
    assert (step, network) == (last, VECTORS.recipe.model)
    assert [r["row"] for r in records] == [last.method.row] * 2
    elsewhere = jax.vmap(lambda key: jax.random.fold_in(key, first.draw))(KEYS)
    fitted = training.fit(VECTORS, ON_LABELS, elsewhere)
    taught = selection.choose(VECTORS, ON_LABELS, fitted)
    own = training.logits_of(VECTORS, taught.variables)
    fitted = training.fit(VECTORS, SOFT, KEYS, own=own)
    again = selection.choose(VECTORS, SOFT, fitted)
    assert [r["test_nll"] for r in again.records] == [r["test_nll"] for r in records]
    jax.tree.map(np.testing.assert_array_equal, again.variables, params)


def test_factors_are_of_every_row():
    pair = pairs.with_factors(Config(factor_epochs=1), MAPS, 0)
    assert pair.lesson.more["factor"].shape == (40, 2, 2, pairs.FACTORS)
    assert np.isfinite(pair.lesson.more["factor"]).all()


def test_a_row_is_beaten_by_the_rows_that_beat_it():
    values = {
        "labels only": [10, 11, 12],
        "better": [5, 6, 7.5],
        "noisy": [2, 20, 9],
        "as good": [5, 6, 7],
    }
    records = [
        {"row": row, "seed": seed, "test_errors": x}
        for row, of_row in values.items()
        for seed, x in enumerate(of_row)
    ]
    # both good rows beat the labels in every seed by 4.5 to 5; nothing beats or is beaten by noise
    assert report.beaten_by(records) == {"labels only": 2, "better": 0, "noisy": 0, "as good": 0}
