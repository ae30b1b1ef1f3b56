"""Metrics of predictions and networks, and the statistics of several seeds."""
