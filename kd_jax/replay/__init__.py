"""Repeating a published PyTorch run: its random numbers, its orders of rows, its stages."""
