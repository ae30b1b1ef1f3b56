"""Artificial data sets: ten Gaussian clusters in 100 dimensions (make_classification).

One cluster per class, on the corners of a hypercube of side 2·class_sep; a fraction of the 100
features is informative and the rest are random combinations of those; 1 % of the labels are drawn
anew, so that no classifier passes about 99.1 %.

Source: scikit-learn's make_classification (Guyon 2003), with the settings of part III of the
Harvard APMTH 207 tutorial (2018), which does not fix the seed.
"""

import numpy as np

from kd_jax import fingerprint
from kd_jax.data.dataset import Dataset, Split
from kd_jax.errors import extra, require_extra

require_extra("data", "sklearn")  # which is imported when it is used: that takes two seconds

FEATURES, CLASSES, TEST_FRACTION = 100, 10, 0.2


def name(class_sep: float, informative: float) -> str:
    """What tables call a data set, like 'sep 0.2, informative 0.5'."""
    return f"sep {class_sep:g}, informative {informative:g}"


def load(class_sep: float, informative: float, samples: int, seed: int) -> Dataset:
    """Generate a data set: four fifths of the samples for training, one fifth for the test.

    Nothing is chosen on these data, so the validation split is empty; an experiment that chooses
    takes its validation rows from the training rows.

    Args:
        class_sep: half the side of the hypercube.
        informative: fraction of the features.
        samples: rows in all.
        seed: of the clusters, the samples and the split.

    Returns:
        Inputs [N, 100] float32, each feature standardized by the training rows' mean and standard
        deviation; labels [N] int32.
    """
    with extra("data"):
        from sklearn.datasets import make_classification
        from sklearn.model_selection import train_test_split

    count, drawn = round(FEATURES * informative), np.random.RandomState(np.random.MT19937(seed))
    inputs, labels = make_classification(
        samples,
        FEATURES,
        n_informative=count,
        n_redundant=FEATURES - count,
        n_classes=CLASSES,
        n_clusters_per_class=1,
        class_sep=class_sep,
        random_state=drawn,
    )
    parts = train_test_split(inputs, labels, test_size=TEST_FRACTION, random_state=drawn)
    mean, deviation = parts[0].mean(0), parts[0].std(0)
    train_x, test_x = (((x - mean) / deviation).astype(np.float32) for x in parts[:2])
    train_y, test_y = (y.astype(np.int32) for y in parts[2:])
    train, test = Split(train_x, train_y), Split(test_x, test_y)
    validation = Split(train_x[:0], train_y[:0])
    digest = fingerprint.arrays({"train": train._asdict(), "test": test._asdict()})
    return Dataset(name(class_sep, informative), CLASSES, train, validation, test, digest)
