"""The rows and parts of the benchmark's tables."""

OURS, ONE_DEVICE = "kd_jax", "kd_jax, one device for all cores"
PEOPLE, START = "people demo, whole process", "start-up, from the command to the first step"
GRID, MACHINE, SCALING = "the whole temperature grid", "machine", "scaling"
PEOPLE_TORCH, PEOPLE_ONE, PEOPLE_MANY = "PyTorch, 1 seed", "kd_jax, 1 seed", "kd_jax, 20 seeds"
PEOPLE_ONE_DEVICE = "kd_jax, 20 seeds, one device for all cores"
COLD_START, WARM_START = "kd_jax, cold compilation cache", "kd_jax, warm compilation cache"
