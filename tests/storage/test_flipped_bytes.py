"""One changed byte, anywhere in what is kept: it is refused, or read as it was written."""

import functools
import hashlib

import fuzzing
import jax
import numpy as np

from kd_jax.data import download
from kd_jax.storage import array_cache, block_cache, checkpoint

RANDOM = np.random.default_rng(5)
TREE = {
    "w": RANDOM.normal(size=(7, 5)).astype(np.float32),
    "half": jax.numpy.asarray(RANDOM.normal(size=9), "bfloat16"),
    "step": np.int32(3),
    "key": jax.random.key(3),
}
FACTS = {"epochs": 3, "data": "abc", "code": ["1", "2"]}


def same(found, wanted):
    """Whether two trees are bitwise the same."""
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True)
    return all(_bits(one) == _bits(other) for one, other in pairs)


def _bits(x):
    if jax.dtypes.issubdtype(getattr(x, "dtype", None), jax.dtypes.prng_key):
        x = jax.random.key_data(x)
    x = np.asarray(x)
    return x.dtype, x.shape, x.tobytes()


def files(folder):
    return sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.endswith(".lock"))


def like():
    return jax.eval_shape(lambda: TREE)


def test_checkpoints(tmp_path):
    checkpoint.save(tmp_path / "c", TREE, FACTS)

    def read():
        return checkpoint.load(tmp_path / "c", like())

    fuzzing.count_flips(
        "checkpoint", files(tmp_path), read, lambda x: same(x[0], TREE) and x[1] == FACTS
    )


def test_snapshots(tmp_path):
    """A damaged one is passed over: training goes on from an older one, or from its beginning."""
    kept = checkpoint.Snapshots(tmp_path / "training", FACTS)
    checkpoint.save(kept.folder / "000000002", TREE, FACTS)
    read = functools.partial(kept.restore, like())
    fuzzing.count_flips("snapshot", files(tmp_path), read, lambda found: same(found, (2, TREE)))
    checkpoint.save(kept.folder / "000000001", TREE, FACTS)
    for path in files(kept.folder / "000000002"):
        path.write_bytes(path.read_bytes()[:-1])
    assert same(read(), (1, TREE))


def compute():
    raise AssertionError("what is there is not computed again")


def test_outputs_of_teachers(tmp_path):
    arrays = {"logits": TREE["w"], "rows": np.arange(7)}
    array_cache.cached(tmp_path, FACTS, lambda: arrays)
    fuzzing.count_flips(
        "outputs",
        files(tmp_path),
        lambda: array_cache.cached(tmp_path, FACTS, compute),
        lambda found: same(found, arrays),
    )


def test_mapped_arrays(tmp_path):
    arrays = {"logits": TREE["w"], "rows": np.arange(7)}

    def blocks(first):
        for start in range(first, 7, 3):
            yield {name: x[start : start + 3] for name, x in arrays.items()}

    def read(blocks=lambda first: compute()):
        return block_cache.cached(tmp_path, FACTS, 7, 3, blocks, label="arrays")

    read(blocks)
    fuzzing.count_flips("mapped", files(tmp_path), read, lambda found: same(found, arrays))


def test_fetched_files(tmp_path):
    path, text = tmp_path / "rows.csv", "a,b\n" * 100
    path.write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    fuzzing.count_flips(
        "fetched", [path], lambda: download.read(path, "nowhere/{}", digest), lambda _: False
    )
