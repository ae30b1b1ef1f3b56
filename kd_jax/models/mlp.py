"""Fully connected networks: the teachers and students of the 2015 paper."""

from collections.abc import Callable

import flax.linen as nn

glorot_uniform = nn.initializers.glorot_uniform()
lecun_normal = nn.initializers.lecun_normal()


class MLP(nn.Module):
    """Dense layers with an activation after each but the last.

    Inputs [B, …] are flattened. Returns (logits [B, classes], features), where features has
    "hidden_1", "hidden_2", …: the activations [B, width] before dropout.

    hidden: widths of the hidden layers. dropout, input_dropout: fraction dropped of hidden
    activations and of inputs while training. kernel_init: of the hidden layers; the last layer
    is Glorot-uniform. Biases start at zero.
    """

    hidden: tuple[int, ...]
    classes: int
    activation: Callable = nn.relu
    dropout: float = 0.0
    input_dropout: float = 0.0
    kernel_init: Callable = glorot_uniform

    @nn.compact
    def __call__(self, inputs, train):
        x = inputs.reshape(inputs.shape[0], -1)
        x = nn.Dropout(self.input_dropout, deterministic=not train)(x)
        features = {}
        for number, width in enumerate(self.hidden, 1):
            x = nn.Dense(width, kernel_init=self.kernel_init, name=f"hidden_{number}")(x)
            x = features[f"hidden_{number}"] = self.activation(x)
            x = nn.Dropout(self.dropout, deterministic=not train)(x)
        return nn.Dense(self.classes, kernel_init=glorot_uniform, name="logits")(x), features
