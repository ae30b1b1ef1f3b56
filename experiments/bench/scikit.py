"""scikit-learn's MLPClassifier, on labels, which are all that it takes."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from experiments.bench.workloads import LEARNING_RATE


def run(workload, arrays, epochs, seed, pause):
    """The accuracy of the network. Args: see `worker`."""
    warnings.simplefilter("ignore", ConvergenceWarning)  # one epoch a call never converges
    net = MLPClassifier(
        workload.hidden, batch_size=workload.batch, learning_rate_init=LEARNING_RATE, alpha=0.0,
        max_iter=1, warm_start=True, random_state=seed,
    )  # fmt: skip
    inputs, test = (arrays[name].reshape(-1, 784) for name in ("inputs", "test_inputs"))
    for _ in range(epochs):
        net.fit(inputs, arrays["labels"])
        pause()
    return float(np.mean(net.predict(test) == arrays["test_labels"]))
