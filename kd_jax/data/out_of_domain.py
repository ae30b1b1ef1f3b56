"""Out-of-domain inputs for MNIST: images of another data set, whose labels are never read."""

import numpy as np
from jaxtyping import Float

from kd_jax import fingerprint
from kd_jax.data import mnist, sklearn_digits
from kd_jax.data.dataset import Dataset


def with_mnist(
    mnist_5k: bool, data_dir: str = "", manual_dir: str = ""
) -> tuple[Dataset, Float[np.ndarray, "N 28 28"], dict[str, str]]:
    """MNIST and images that are not MNIST's.

    Args:
        mnist_5k: whether to take the 5,000 digits that ship with the package, and scikit-learn's.
        data_dir: as for mnist.load.
        manual_dir: as for mnist.load.

    Returns:
        The data set of `mnist.images`, the images of `load`, and {name: digest} of both.

    Raises:
        InputError: as for mnist.load.
    """
    data = mnist.images(mnist_5k, data_dir, manual_dir)
    name, images, digest = load(mnist_5k, data_dir, manual_dir)
    return data, images, {data.name: data.digest, name: digest}


def load(
    mnist_5k: bool, data_dir: str = "", manual_dir: str = ""
) -> tuple[str, Float[np.ndarray, "N 28 28"], str]:
    """The 60,000 training images of Fashion-MNIST, or scikit-learn's digits at MNIST's size.

    Args:
        mnist_5k: whether to take the 1,797 digits of scikit-learn, each pixel made 3 × 3, in a
            frame of 2.
        data_dir: as for mnist.load.
        manual_dir: as for mnist.load.

    Returns:
        The name of the set, its images in [0, 1] and its digest.

    Raises:
        InputError: as for mnist.load.
    """
    if mnist_5k:
        small = sklearn_digits.everything().inputs
        large = np.pad(small.repeat(3, 1).repeat(3, 2), [(0, 0), (2, 2), (2, 2)])
        return "scikit-learn's digits", large, fingerprint.arrays(small)
    data = mnist.load("fashion_mnist", data_dir, manual_dir)
    return "Fashion-MNIST", data.train.inputs, data.digest
