"""Export of trained networks: saved in run folders, written for other programs, verified."""
