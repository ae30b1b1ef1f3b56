"""Devices, processes, memory, compilation, signals and progress of one process."""
