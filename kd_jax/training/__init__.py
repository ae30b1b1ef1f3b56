"""Training loops, states, samplers, optimizers and schedules."""
