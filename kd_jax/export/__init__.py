"""Trained networks on their way out: kept in run folders, written for other programs, checked."""
