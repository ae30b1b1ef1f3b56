"""Artificial data sets: ten Gaussian clusters in 100 dimensions (make_classification).

One cluster per class, on the corners of a hypercube of side 2·class_sep; a fraction of the 100
features is informative and the rest are random combinations of those; 1 % of the labels are drawn
anew, so that no classifier passes about 99.1 %.

Source: scikit-learn's make_classification (Guyon 2003), with the settings of part III of the
Harvard APMTH 207 tutorial (2018), which does not fix the seed; here the seed is a function of the
two settings.
"""

import numpy as np

from kd_jax import fingerprint
from kd_jax.data.dataset import Dataset, Split
from kd_jax.errors import extra

with extra("data"):
    from sklearn.datasets import make_classification
    from sklearn.model_selection import train_test_split

FEATURES, CLASSES, TEST_FRACTION, SPLIT_SEED = 100, 10, 0.2, 12345


def name(class_sep: float, informative: float) -> str:
    """What tables call a data set, like 'sep 0.2, informative 0.5'."""
    return f"sep {class_sep:g}, informative {informative:g}"


def random_state(class_sep: float, informative: float) -> int:
    """The seed of a data set: 1000·class_sep + 10·informative, so 205 for (0.2, 0.5)."""
    return round(1000 * class_sep + 10 * informative)


def load(class_sep: float, informative: float, samples: int = 50_000) -> Dataset:
    """Generate a data set: four fifths of the samples for training, one fifth for the test.

    Nothing is chosen on these data, so the validation split is empty; an experiment that chooses
    takes its validation rows from the training rows.

    Args:
        class_sep: half the side of the hypercube.
        informative: fraction of the features.
        samples: rows in all.

    Returns:
        Inputs [N, 100] float32, each feature standardized by the training rows' mean and standard
        deviation; labels [N] int32.
    """
    count = round(FEATURES * informative)
    inputs, labels = make_classification(
        samples,
        FEATURES,
        n_informative=count,
        n_redundant=FEATURES - count,
        n_classes=CLASSES,
        n_clusters_per_class=1,
        class_sep=class_sep,
        random_state=random_state(class_sep, informative),
    )
    parts = train_test_split(inputs, labels, test_size=TEST_FRACTION, random_state=SPLIT_SEED)
    mean, deviation = parts[0].mean(0), parts[0].std(0)
    train_x, test_x = (((x - mean) / deviation).astype(np.float32) for x in parts[:2])
    train_y, test_y = (y.astype(np.int32) for y in parts[2:])
    train, test = Split(train_x, train_y), Split(test_x, test_y)
    validation = Split(train_x[:0], train_y[:0])
    digest = fingerprint.arrays({"train": train._asdict(), "test": test._asdict()})
    return Dataset(name(class_sep, informative), CLASSES, train, validation, test, digest)
