"""The BERT encoder against the equations in float64 NumPy, and what padding may not change."""

import numpy as np
from tiny_bert import APPLY, NET, by_hand, outputs, random_params

from kd_jax.models import bert

IDS = np.array([[1, 5, 3, 7], [2, 9, 0, 0]])
MASK = np.array([[1, 1, 1, 1], [1, 1, 0, 0]], bool)


def test_every_layer_is_what_the_equations_give():
    params = random_params(NET, 0)
    vectors, features = APPLY(params, {"ids": IDS, "mask": MASK})
    assert features["hidden"].shape == (3, 2, 4, 8)
    for row, (ids, mask) in enumerate(zip(IDS, MASK)):
        expected = by_hand(params, ids, mask)
        np.testing.assert_allclose(features["hidden"][:, row], expected, rtol=1e-4, atol=1e-5)
        mean = expected[-1][mask].mean(0)
        np.testing.assert_allclose(vectors[row], mean / np.linalg.norm(mean), atol=1e-5)


def test_without_token_types_it_is_distilbert():
    net = bert.Bert(vocabulary=11, width=8, layers=1, heads=4, intermediate_size=6, types=0)
    params = random_params(net, 1)
    assert set(params["embeddings"]) == {"word", "position", "norm"}
    _, features = outputs(net)(params, {"ids": IDS[:1], "mask": MASK[:1]})
    expected = by_hand(params, IDS[0], MASK[0], heads=4)
    np.testing.assert_allclose(features["hidden"][:, 0], expected, rtol=1e-4, atol=1e-5)


def test_padding_changes_nothing():
    params = random_params(NET, 2)
    short, _ = APPLY(params, {"ids": IDS[1:, :2], "mask": MASK[1:, :2]})
    other = IDS.copy()
    other[1, 2:] = 6  # what stands where there is no token
    long, _ = APPLY(params, {"ids": other, "mask": MASK})
    np.testing.assert_allclose(long[1], short[0], atol=1e-6)
    empty, _ = APPLY(params, {"ids": IDS, "mask": MASK & False})
    assert np.isfinite(empty).all()  # a row that only fills a batch
