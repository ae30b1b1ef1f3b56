"""Decoders that learn from a decoder: texts, objectives, what is kept of the teacher."""
