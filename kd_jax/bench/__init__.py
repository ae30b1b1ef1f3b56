"""The same work in kd_jax and in what one would use instead, each in a process of its own.

A contender is a module with run(work, epochs, pause) -> test accuracy. It trains what the Work
says and calls pause() after every epoch, where it waits until it is its turn again.
"""
