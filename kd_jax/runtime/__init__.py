"""Devices, hosts, memory, compilation, signals and progress of one process."""
