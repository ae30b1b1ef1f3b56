"""Distillation of decoders on one's own texts: files, packed batches, students, their training."""
