"""Kept networks and their outputs can be trusted when they are read, or they are refused."""

import concurrent.futures

import jax
import numpy as np
import pytest

from kd_jax import fingerprint
from kd_jax.errors import InputError
from kd_jax.storage import array_cache, checkpoint, model_store
from kd_jax.storage.run_folder import Run

PARAMS = {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "key": jax.random.key(3)}
FACTS = {"epochs": 3, "data": "abc"}


def stored(workdir, facts=FACTS, retrain=False, params=PARAMS):
    calls = []

    def train(snapshots):
        calls.append(snapshots)
        return params

    like = jax.eval_shape(lambda: PARAMS)
    found = model_store.fit_or_restore(workdir, facts, train, like, retrain=retrain)
    return found, len(calls)


def test_a_teacher_is_trained_once_and_found_by_its_facts(tmp_path):
    first, trained = stored(tmp_path)
    again, trained_again = stored(tmp_path)
    assert (trained, trained_again) == (1, 0) and again.restored
    np.testing.assert_array_equal(again.params["w"], PARAMS["w"])
    assert (jax.random.key_data(again.params["key"]) == jax.random.key_data(PARAMS["key"])).all()
    other, trained_other = stored(tmp_path, {**FACTS, "epochs": 4})
    assert trained_other == 1 and other.fingerprint != first.fingerprint
    assert stored(tmp_path, retrain=True)[1] == 1


def test_a_flipped_byte_in_a_checkpoint_is_never_trusted(tmp_path):
    """Bytes all over every file, the seal's among them."""
    found, _ = stored(tmp_path)
    files = [p for p in found.folder.rglob("*") if p.is_file() and p.stat().st_size]
    refused = 0
    for path in files:
        data = path.read_bytes()
        for place in range(0, len(data), max(1, len(data) // 8)):
            path.write_bytes(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :])
            try:
                stored(tmp_path)
                raise AssertionError(f"{path} byte {place} was trusted")
            except InputError as error:
                refused += 1
                assert str(found.folder) in str(error) and "--retrain" in str(error)
                assert "\n" not in str(error)
        path.write_bytes(data)
    assert refused >= 10


def test_a_checkpoint_without_its_seal_does_not_exist(tmp_path):
    """So ends a process killed while it saves: the teacher is trained again."""
    found, _ = stored(tmp_path)
    (found.folder / "params.seal").unlink()
    assert stored(tmp_path)[1] == 1
    assert stored(tmp_path)[1] == 0


def test_a_missing_part_of_a_checkpoint_is_refused(tmp_path):
    found, _ = stored(tmp_path)
    next((found.folder / "params" / "state").glob("d/*")).unlink()
    with pytest.raises(InputError, match="--retrain"):
        stored(tmp_path)


ONES = np.ones((3, 2), np.float32)


def outputs(found, inputs=ONES):
    return model_store.outputs(found, lambda p, x: x @ p["w"], inputs)


def test_outputs_are_computed_once(tmp_path):
    found, _ = stored(tmp_path)
    # ones [3, 2] times rows (0 1 2) and (3 4 5): 3 5 7
    np.testing.assert_array_equal(outputs(found), np.tile([3.0, 5, 7], (3, 1)))
    restored, _ = stored(tmp_path)
    np.testing.assert_array_equal(outputs(restored), outputs(found))
    assert len(list(found.folder.glob("outputs-*"))) == 1
    outputs(restored, np.zeros((4, 2), np.float32))
    assert len(list(found.folder.glob("outputs-*"))) == 2


def test_fingerprints_see_names_shapes_and_values():
    base = {"a": np.zeros(4, np.float32)}
    others = [
        {"b": np.zeros(4, np.float32)},
        {"a": np.zeros((2, 2), np.float32)},
        {"a": np.zeros(4, np.int32)},
        {"a": np.array([0, 0, 0, -0.0], np.float32)},
    ]
    digests = {fingerprint.arrays(tree) for tree in [base, *others]}
    assert len(digests) == 5


def test_outputs_are_computed_again_by_other_code(tmp_path):
    found, _ = stored(tmp_path)
    found = found._replace(restored=True)
    once = model_store.outputs(found, times_one, ONES)
    np.testing.assert_array_equal(2 * once, model_store.outputs(found, times_two, ONES))


def times_one(params, x):
    return x @ params["w"]


def times_two(params, x):
    return 2 * x @ params["w"]


def test_a_checkpoint_of_other_shapes_is_refused(tmp_path):
    checkpoint.save(tmp_path / "c", PARAMS, FACTS)
    like = jax.eval_shape(lambda: {**PARAMS, "w": np.zeros((5, 5), np.float32)})
    with pytest.raises(InputError, match=r"c holds w \(2, 3\), expected \(5, 5\)"):
        checkpoint.load(tmp_path / "c", like)


def test_what_a_killed_process_left_for_going_on_is_removed_in_the_end(tmp_path):
    """It was killed after its results were kept and before it removed its snapshots."""
    run = Run(tmp_path, "demo", {})
    run.snapshots(row="a").save(1, PARAMS)
    run.append([{"row": "a", "seed": 0}])
    run.conclude(lambda folder: "")
    found, _ = stored(tmp_path)
    checkpoint.Snapshots(found.folder / "training", FACTS).save(1, PARAMS)
    stored(tmp_path)
    assert not list(tmp_path.rglob("training*"))


@pytest.mark.parametrize("name", ["teacher", "data", "code", "numerics"])
def test_outputs_of_other_facts_are_refused_with_both_fingerprints(tmp_path, monkeypatch, name):
    """They lie where those that are wanted would: of another teacher, data, code or option."""
    facts = {"teacher": "one", "data": "abc", "code": "new"}
    wanted = {**facts, **fingerprint.surroundings()}
    other = facts if name == "numerics" else facts | {name: "other"}
    with monkeypatch.context() as patch:
        if name == "numerics":
            patch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=true")
        array_cache.cached(tmp_path, other, lambda: {"logits": ONES})
    (path,) = tmp_path.glob("outputs-*.npz")
    made, other = path.stem.removeprefix("outputs-"), fingerprint.of(wanted)
    path.rename(tmp_path / f"outputs-{other}.npz")
    with pytest.raises(InputError, match=f"of {made}, expected {other} .other {name}.: delete"):
        array_cache.cached(tmp_path, facts, lambda: {"logits": ONES})


def test_threads_may_save_at_the_same_time(tmp_path):
    """orbax's own temporary names and metadata collide when two threads save at once."""
    arrays = {"w": np.arange(6.0)}

    def save(number):
        for repeat in range(4):
            checkpoint.save(tmp_path / f"{number}-{repeat}" / "params", arrays, {})

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(save, range(4)))
    for number in range(4):
        found, _ = checkpoint.load(tmp_path / f"{number}-3" / "params", arrays)
        np.testing.assert_array_equal(found["w"], arrays["w"])
