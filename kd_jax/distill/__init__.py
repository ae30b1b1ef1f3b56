"""Distillation: teachers, students, methods and the ways in which they are trained."""
