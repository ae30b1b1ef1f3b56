"""Comparing methods on equal terms: pairs of networks, their training, chains of trainings."""
