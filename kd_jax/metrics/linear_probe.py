"""What vectors of texts are good for: labels read off them, and their nearest neighbours."""

import warnings

import numpy as np

from kd_jax.errors import extra

with extra("data"):
    import threadpoolctl
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

INVERSE_PENALTY = 0.1  # chosen on held-out questions of BANKING77
ITERATIONS = 200


def linear(vectors, labels, test_vectors, test_labels):
    """Accuracy of a multinomial logistic regression on fixed vectors.

    Args: vectors [N, D], standardised here by their mean and their common deviation; labels [N].
    Source: Alain and Bengio 2016, arXiv 1610.01644 (linear classifier probes).
    """
    mean, deviation = vectors.mean(0), vectors.std()
    regression = LogisticRegression(C=INVERSE_PENALTY, max_iter=ITERATIONS)
    with warnings.catch_warnings(), threadpoolctl.threadpool_limits(1):  # two only wait: 6 × slower
        warnings.simplefilter("ignore", ConvergenceWarning)  # the last digits do not matter
        regression.fit((vectors - mean) / deviation, labels)
    return float(np.mean(regression.predict((test_vectors - mean) / deviation) == test_labels))


def few(vectors, labels, test_vectors, test_labels, *, draws, per_class=5, seed=0):
    """Mean accuracy of `linear` on `per_class` labels of every class, drawn `draws` times."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        rows = np.concatenate([
            random.choice(np.flatnonzero(labels == number), per_class, replace=False)
            for number in np.unique(labels)
        ])  # fmt: skip
        found.append(linear(vectors[rows], labels[rows], test_vectors, test_labels))
    return float(np.mean(found))


def nearest(vectors, test_vectors):
    """The row of `vectors` [N, D] with the largest cosine to each of the test vectors [M, D]: [M].

    Args: both of unit length.
    """
    return np.argmax(test_vectors @ vectors.T, axis=1)


def all_measures(vectors, labels, test_vectors, test_labels, draws, neighbours=None):
    """{measure: number} of one encoder; neighbours: the teacher's `nearest`, to agree with.

    probe_accuracy: `linear` on all labels; few_accuracy: `few`; nearest_accuracy:
    how often the nearest training text has the test text's label; nearest_agreement: how often it
    is the teacher's.
    """
    data = vectors, labels, test_vectors, test_labels
    found = nearest(vectors, test_vectors)
    measures = {
        "probe_accuracy": linear(*data),
        "few_accuracy": few(*data, draws=draws),
        "nearest_accuracy": float(np.mean(labels[found] == test_labels)),
    }
    if neighbours is not None:
        measures["nearest_agreement"] = float(np.mean(found == neighbours))
    return measures
