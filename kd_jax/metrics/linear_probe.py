"""Linear-probe and nearest-neighbor evaluation of embeddings."""

import warnings

import numpy as np
from jaxtyping import Bool, Float, Int

from kd_jax.errors import extra, require, require_extra

require_extra("data", "sklearn")  # which is imported when it is used: that takes two seconds

INVERSE_PENALTY = 0.1  # chosen on held-out questions of BANKING77
ITERATIONS = 200


def probe_right(
    vectors: Float[np.ndarray, "N D"],
    labels: Int[np.ndarray, " N"],
    test_vectors: Float[np.ndarray, "M D"],
    test_labels: Int[np.ndarray, " M"],
) -> Bool[np.ndarray, " M"]:
    """Which test examples a linear probe is right on: logistic regression on fixed embeddings.

    Args:
        vectors: Training embeddings, standardized here by their mean and their common deviation.
        labels: Their classes.
        test_vectors: Test embeddings.
        test_labels: Their classes.

    Raises:
        InputError: An embedding is not finite.

    Source:
        Alain and Bengio 2016, arXiv 1610.01644 (linear classifier probes).
    """
    with extra("data"):
        import threadpoolctl
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

    _check_finite(vectors, test_vectors)
    mean, deviation = vectors.mean(0), vectors.std() or 1.0  # all alike, they tell nothing apart
    regression = LogisticRegression(C=INVERSE_PENALTY, max_iter=ITERATIONS)
    with warnings.catch_warnings(), threadpoolctl.threadpool_limits(1):  # two only wait: 6 × slower
        warnings.simplefilter("ignore", ConvergenceWarning)  # the last digits do not matter
        warnings.filterwarnings("ignore", "The number of unique classes")  # of few labels each
        regression.fit((vectors - mean) / deviation, labels)
    return regression.predict((test_vectors - mean) / deviation) == test_labels


def probe_accuracy(
    vectors: Float[np.ndarray, "N D"],
    labels: Int[np.ndarray, " N"],
    test_vectors: Float[np.ndarray, "M D"],
    test_labels: Int[np.ndarray, " M"],
) -> float:
    """Test accuracy of a linear probe, as a fraction.

    Args:
        vectors: As for `probe_right`.
        labels: As for `probe_right`.
        test_vectors: As for `probe_right`.
        test_labels: As for `probe_right`.
    """
    return float(np.mean(probe_right(vectors, labels, test_vectors, test_labels)))


def few_shot_right(
    vectors: Float[np.ndarray, "N D"],
    labels: Int[np.ndarray, " N"],
    test_vectors: Float[np.ndarray, "M D"],
    test_labels: Int[np.ndarray, " M"],
    *,
    draws: int,
    per_class: int,
    seed: int,
) -> Bool[np.ndarray, "draws M"]:
    """`probe_right` on a few labels of every class, for several draws of them.

    Args:
        vectors: Training embeddings to draw from.
        labels: Their classes.
        test_vectors: Test embeddings.
        test_labels: Their classes.
        draws: How many training sets are drawn.
        per_class: Examples of each class in one.
        seed: Of the draws.

    Raises:
        InputError: A class has fewer examples, or an embedding is not finite.
    """
    classes, counts = np.unique(labels, return_counts=True)
    require(len(classes), "there are no labels to draw from: expected some of every class")
    require(
        draws >= 1 and 1 <= per_class <= counts.min(),
        f"draws={draws}, per_class={per_class}: expected at least 1, and of a class no more than "
        f"its {counts.min()} examples (class {classes[counts.argmin()]})",
    )
    random = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        rows = np.concatenate([
            random.choice(np.flatnonzero(labels == number), per_class, replace=False)
            for number in classes
        ])  # fmt: skip
        found.append(probe_right(vectors[rows], labels[rows], test_vectors, test_labels))
    return np.stack(found)


def few_shot_accuracy(
    vectors: Float[np.ndarray, "N D"],
    labels: Int[np.ndarray, " N"],
    test_vectors: Float[np.ndarray, "M D"],
    test_labels: Int[np.ndarray, " M"],
    *,
    draws: int,
    per_class: int,
    seed: int,
) -> float:
    """Few-shot accuracy: the mean of `probe_accuracy` on a few labels of every class.

    Args:
        vectors: As for `few_shot_right`.
        labels: As for `few_shot_right`.
        test_vectors: As for `few_shot_right`.
        test_labels: As for `few_shot_right`.
        draws: As for `few_shot_right`.
        per_class: As for `few_shot_right`.
        seed: As for `few_shot_right`.
    """
    right = few_shot_right(
        vectors, labels, test_vectors, test_labels, draws=draws, per_class=per_class, seed=seed
    )
    return float(np.mean(right.mean(1)))


def _check_finite(vectors, test_vectors):
    for name, given in [("vectors", vectors), ("test_vectors", test_vectors)]:
        lost = np.flatnonzero(~np.isfinite(given).all(1))
        require(not lost.size, f"{name}: row {lost[:1]} is not finite: expected embeddings")


def nearest_neighbors(
    vectors: Float[np.ndarray, "N D"], test_vectors: Float[np.ndarray, "M D"]
) -> Int[np.ndarray, " M"]:
    """Nearest neighbor of each test embedding by cosine similarity.

    Args:
        vectors: Unit vectors to choose from.
        test_vectors: Unit vectors.

    Returns:
        Rows of `vectors`.

    Raises:
        InputError: An embedding is not finite.
    """
    _check_finite(vectors, test_vectors)
    return np.argmax(test_vectors @ vectors.T, axis=1)


def of_examples(
    vectors: Float[np.ndarray, "N D"],
    labels: Int[np.ndarray, " N"],
    test_vectors: Float[np.ndarray, "M D"],
    test_labels: Int[np.ndarray, " M"],
    *,
    draws: int,
    per_class: int,
    seed: int,
    neighbors: Int[np.ndarray, " M"] | None = None,
) -> dict[str, Float[np.ndarray, " M"]]:
    """Linear-probe, few-shot and nearest-neighbor accuracy of one encoder, test text by test text.

    Args:
        vectors: As for `evaluate_embeddings`.
        labels: As for `evaluate_embeddings`.
        test_vectors: As for `evaluate_embeddings`.
        test_labels: As for `evaluate_embeddings`.
        draws: As for `evaluate_embeddings`.
        per_class: As for `evaluate_embeddings`.
        seed: As for `evaluate_embeddings`.
        neighbors: As for `evaluate_embeddings`.

    Returns:
        By the names of `evaluate_embeddings`, of each text 1 where it is right, else 0, and of few
        labels how often it is.
    """
    data = vectors, labels, test_vectors, test_labels
    found = nearest_neighbors(vectors, test_vectors)
    few = few_shot_right(*data, draws=draws, per_class=per_class, seed=seed)
    right = {
        "probe_accuracy": probe_right(*data),
        "few_accuracy": few.mean(0),
        "nearest_accuracy": labels[found] == test_labels,
    }
    if neighbors is not None:
        right["nearest_agreement"] = found == neighbors
    return {name: np.asarray(x, np.float64) for name, x in right.items()}


def evaluate_embeddings(
    vectors: Float[np.ndarray, "N D"],
    labels: Int[np.ndarray, " N"],
    test_vectors: Float[np.ndarray, "M D"],
    test_labels: Int[np.ndarray, " M"],
    *,
    draws: int,
    per_class: int,
    seed: int,
    neighbors: Int[np.ndarray, " M"] | None = None,
) -> dict[str, float]:
    """Linear-probe, few-shot and nearest-neighbor accuracy of one encoder.

    Args:
        vectors: Training embeddings of unit length.
        labels: Their classes.
        test_vectors: Test embeddings of unit length.
        test_labels: Their classes.
        draws: Of `few_shot_accuracy`.
        per_class: Of `few_shot_accuracy`.
        seed: Of `few_shot_accuracy`.
        neighbors: The teacher's `nearest_neighbors`, to agree with.

    Returns:
        By name. probe_accuracy: with all labels. few_accuracy: with a few of every class.
        nearest_accuracy: how often the nearest training text has the test text's label.
        nearest_agreement: how often it is the teacher's.
    """
    found = of_examples(
        vectors, labels, test_vectors, test_labels, draws=draws, per_class=per_class, seed=seed,
        neighbors=neighbors,
    )  # fmt: skip
    return {name: float(np.mean(x)) for name, x in found.items()}
