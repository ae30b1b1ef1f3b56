"""Batches of texts by length: every text once, few shapes, no more tokens than are asked for."""

import numpy as np

from kd_jax.data import padding


def test_batches_by_tokens_hold_every_text_once_in_few_shapes():
    lengths = np.random.default_rng(0).integers(0, 61, 300)
    tokens = padding.padded([[7] * n for n in lengths])
    seen, shapes = [], set()
    for rows, batch in padding.by_tokens(tokens, 1000):
        assert batch.mask.sum(1).tolist() == [*lengths[rows], *[0] * (len(batch.ids) - len(rows))]
        assert (batch.ids[batch.mask] == 7).all() and batch.ids.size <= 1000
        seen += rows.tolist()
        shapes.add(batch.ids.shape)
    assert sorted(seen) == list(range(300))
    widths = {width for _, width in shapes}
    assert widths == {16, 24, 32, 48, 64} and len(shapes) <= 12  # with what is left of a width
    (batch,) = (batch for _, batch in padding.by_tokens(padding.padded([[7] * 40]), 1000))
    assert batch.ids.shape == (1, 48)  # one text is not filled up
    assert len(list(padding.by_tokens(padding.padded([[7] * 9] * 3), 4))) == 3  # longer than that
    assert not list(padding.by_tokens(padding.padded([]), 4))
