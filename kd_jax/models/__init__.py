"""Flax linen modules: the networks, and the trainable parts of distillation losses."""
