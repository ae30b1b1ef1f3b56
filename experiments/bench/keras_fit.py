"""Keras as in the tutorial: compile and fit, one network at a time.

The backend is KERAS_BACKEND of the process: jax or torch.
"""

import keras

from experiments.bench.workloads import LEARNING_RATE


def run(workload, arrays, epochs, seed, pause):
    """The accuracy of the network. Args: see `worker`."""
    keras.utils.set_random_seed(seed)
    net = network(workload)
    if workload.temperatures:
        target, loss = arrays["logits"], soft_targets(workload.temperatures[0])
    else:
        target = arrays["labels"]
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    net.compile(keras.optimizers.Adam(LEARNING_RATE), loss)

    class Pause(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            pause()

    net.fit(arrays["inputs"], target, workload.batch, epochs, verbose=0, callbacks=[Pause()])
    chosen = net.predict(arrays["test_inputs"], verbose=0).argmax(-1)
    return float((chosen == arrays["test_labels"]).mean())


def network(workload):
    """The network of a Workload."""
    layers = [keras.layers.Reshape((28, 28, 1))] if workload.channels else []
    for channels in workload.channels:
        layers.append(keras.layers.Conv2D(channels, 3, padding="same", activation="relu"))
        layers.append(keras.layers.MaxPooling2D())
    layers.append(keras.layers.Flatten())
    for width in workload.hidden:
        layers.append(keras.layers.Dense(width, activation="relu"))
        if workload.dropout:
            layers.append(keras.layers.Dropout(workload.dropout))
    return keras.Sequential([keras.Input(workload.shape), *layers, keras.layers.Dense(10)])


def soft_targets(temperature):
    """T² KL(teacher ‖ student) as a Keras loss of logits."""

    def loss(teacher, student):
        p = keras.ops.softmax(teacher / temperature)
        difference = keras.ops.log_softmax(teacher / temperature) - keras.ops.log_softmax(
            student / temperature
        )
        return temperature**2 * keras.ops.sum(p * difference, axis=-1)

    return loss
