"""kd_jax: knowledge distillation in JAX and Flax as pure functions."""
