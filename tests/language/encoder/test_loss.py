"""The losses of an encoder's student are their formulas, and what is frozen gets no gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from refusals import refused

from kd_jax.language.encoder import loss, loss_names, terms
from kd_jax.models.sentence import mean
from kd_jax.training.state import Batch, stateless

WEIGHTS = {"cosine": 1.0, "mse": 0.2, "hidden": 0.7, "gram": 0.3}


def apply(variables, tokens):
    """A student that adds the width to its last states."""
    params = variables["params"]
    first = params["embeddings"][tokens["ids"]]
    last = params["layers"] * first + tokens["ids"].shape[1]
    hidden = jnp.stack([first, last])
    return (mean(last, tokens["mask"]), {"hidden": hidden}), variables["state"]


def by_hand(word, ids, mask, theirs, hidden, width):
    """The four terms in float64."""
    last = np.float64(word)[ids] * 1.5 + width
    mean = np.stack([text[here].mean(0) for text, here in zip(last, mask)])
    ours, units = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (mean, np.float64(theirs)))
    grams = [x @ x.T for x in (ours, units)]
    one, two = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in grams)
    return {
        "cosine": np.mean(1 - (ours * units).sum(1)),
        "mse": np.mean(((mean - theirs) ** 2).sum(1)),
        "hidden": np.mean((last - hidden[:, 0])[mask] ** 2),
        "gram": np.sum((one - two) ** 2) / len(ids) ** 2,
    }


def test_the_loss_is_the_weighted_sum_over_the_first_width_that_holds_the_batch():
    random = np.random.default_rng(0)
    shapes = (9, 4), (3, 4), (3, 1, 8, 4)
    word, theirs, hidden = (random.normal(size=shape).astype(np.float32) for shape in shapes)
    params = {"embeddings": word, "layers": np.float32(1.5)}
    terms = loss_names.named("cosine+mse+hidden+gram")

    def loss_and_parts(params, batch):
        found = loss.loss(apply, (4, 8), terms)(stateless(params), batch, None)
        return found.loss, found.metrics

    value = jax.jit(jax.value_and_grad(loss_and_parts, has_aux=True))
    ids = random.integers(9, size=(3, 8))
    for lengths, width in (((4, 1, 2), 4), ((4, 5, 2), 8)):
        mask = np.arange(8) < np.array(lengths)[:, None]
        data = {"ids": ids, "mask": mask, "vectors": theirs, "hidden": hidden}
        (found, parts), slopes = value(params, Batch(data, loss.weights(terms, terms, WEIGHTS)))
        wanted = by_hand(word, ids, mask, theirs, hidden, width)
        assert parts == pytest.approx(wanted, rel=1e-4)
        assert found == pytest.approx(sum(WEIGHTS[k] * wanted[k] for k in terms), rel=1e-4)
        assert slopes["layers"] != 0 and not np.any(slopes["embeddings"])


def test_of_rankings_margins_and_lists_are_beside_the_texts_that_are_there():
    """Two queries with two and one passages, by hand in float64; the third place is nobody's."""
    random = np.random.default_rng(1)
    vectors, targets = random.normal(size=(2, 6, 4)).astype(np.float32)
    scores = np.array([[0.9, 0.4], [0.2, -np.inf]], np.float32)
    there = np.array([1, 1, 1, 1, 1, 0], bool)

    def unit(x):
        return x / np.linalg.norm(x, axis=-1, keepdims=True)

    @jax.jit
    def computed(vectors, targets):
        both = vectors, targets, vectors / jnp.linalg.norm(vectors, axis=1, keepdims=True), targets
        pair = loss.Pair(
            *both, vectors[None, :, None], None, np.ones((6, 1), bool), there, scores, 0.5
        )
        names = "cosine", "mse", "margin_mse", "listwise_kl"
        return {name: loss.TERMS[name](pair) for name in names}

    found = computed(vectors, unit(targets))
    ours, theirs = unit(np.float64(vectors)), unit(np.float64(targets))
    first, second = ours[0] @ ours[1], ours[0] @ ours[2]
    p, q = (np.exp(np.array(x) / 0.5) for x in ((0.9, 0.4), (first, second)))
    p, q = p / p.sum(), q / q.sum()
    kept = np.arange(5)
    wanted = {
        "cosine": np.mean(1 - np.sum(ours * theirs, 1)[kept]),
        "mse": np.mean(np.sum((vectors - theirs) ** 2, 1)[kept]),
        "margin_mse": ((first - second) - 0.5) ** 2 / 2,  # of one passage there is no margin
        "listwise_kl": np.sum(p * np.log(p / q)) / 2,
    }
    assert found == pytest.approx(wanted, rel=1e-4)


def test_rows_are_named_by_their_losses():
    assert loss_names.named("cosine+gram") == ("cosine", "gram")
    found = loss.weights(("gram",), ("cosine", "gram"), WEIGHTS)
    assert found == {"cosine_weight": 0.0, "gram_weight": 0.3}
    refused("--losses=cosine.huge: there is no loss 'huge'; there are cosine, mse, hidden, gram$",
            loss_names.named, "cosine+huge")  # fmt: skip
    refused("--losses=margin_mse: margin_mse is of scores: give it to --ranking_losses",
            loss_names.named, "margin_mse")  # fmt: skip
    assert loss_names.named("mse+margin_mse", ranked=True) == ("mse", "margin_mse")
    refused(
        "--ranking_losses=kl: .* gram, margin_mse, listwise_kl", loss_names.named, "kl", ranked=True
    )
    refused("expected each loss once", loss_names.named, "mse+mse")


def test_what_a_command_line_names_are_the_losses_there_are():
    assert [*loss_names.WEIGHTS] == [*terms.TERMS]
