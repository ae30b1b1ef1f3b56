"""Distillation of decoders: texts, objectives, cached teacher outputs, generation."""
