"""Digits, and images that are not MNIST's to ask their teacher about: no label of those is read."""

import numpy as np

from kd_jax.data import mnist, mnist_5k, sklearn_digits


def beside_digits(embedded, data_dir="", manual_dir=""):
    """(Dataset of digits, strange images [N, 28, 28], {name: digest} of both).

    MNIST and `load`'s images, or the 5,000 digits that ship with kd_jax and scikit-learn's.
    Args and errors: as for mnist.load.
    """
    data = mnist_5k.load() if embedded else mnist.load("mnist", data_dir, manual_dir)
    name, images, digest = load(embedded, data_dir, manual_dir)
    return data, images, {data.name: data.digest, name: digest}


def load(embedded, data_dir="", manual_dir=""):
    """(name, images [N, 28, 28] float32 in [0, 1], digest): 60,000 of Fashion-MNIST.

    Args: embedded: the 1,797 digits of scikit-learn instead, each pixel made 3 × 3, in a frame of
      2; data_dir, manual_dir and errors: as for mnist.load.
    """
    if embedded:
        data = sklearn_digits.load()
        small = np.concatenate([data.train.inputs, data.validation.inputs, data.test.inputs])
        large = np.pad(small.repeat(3, 1).repeat(3, 2), [(0, 0), (2, 2), (2, 2)])
        return "scikit-learn's digits", large, data.digest
    data = mnist.load("fashion_mnist", data_dir, manual_dir)
    return "Fashion-MNIST", data.train.inputs, data.digest
