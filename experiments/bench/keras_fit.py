"""Keras as in the tutorial: compile and fit, one network at a time.

The backend is KERAS_BACKEND of the process: jax or torch.
"""

import keras

from experiments.bench.work import RATE


def run(work, arrays, epochs, pause):
    """The accuracy of the network. Args: as experiments.bench says."""
    keras.utils.set_random_seed(0)
    net = network(work)
    if work.temperatures:
        target, loss = arrays["logits"], soft_targets(work.temperatures[0])
    else:
        target = arrays["labels"]
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    net.compile(keras.optimizers.Adam(RATE), loss)

    class Pause(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            pause()

    net.fit(arrays["inputs"], target, work.batch, epochs, verbose=0, callbacks=[Pause()])
    chosen = net.predict(arrays["test_inputs"], verbose=0).argmax(-1)
    return float((chosen == arrays["test_labels"]).mean())


def network(work):
    """The network of a Work."""
    layers = [keras.layers.Reshape((28, 28, 1))] if work.channels else []
    for channels in work.channels:
        layers.append(keras.layers.Conv2D(channels, 3, padding="same", activation="relu"))
        layers.append(keras.layers.MaxPooling2D())
    layers.append(keras.layers.Flatten())
    for width in work.hidden:
        layers.append(keras.layers.Dense(width, activation="relu"))
        if work.dropout:
            layers.append(keras.layers.Dropout(work.dropout))
    return keras.Sequential([keras.Input(work.shape), *layers, keras.layers.Dense(10)])


def soft_targets(temperature):
    """T² KL(teacher ‖ student) as a Keras loss of logits."""

    def loss(teacher, student):
        p = keras.ops.softmax(teacher / temperature)
        difference = keras.ops.log_softmax(teacher / temperature) - keras.ops.log_softmax(
            student / temperature
        )
        return temperature**2 * keras.ops.sum(p * difference, axis=-1)

    return loss
