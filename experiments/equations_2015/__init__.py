"""Hinton, Vinyals and Dean 2015, section 2: its equations.

Command:  ./run.sh equations_2015
Takes:    30 seconds on 2 CPU cores
Found:    Soft targets approach logit matching as T grows, in whole trainings too. T² keeps the
          gradient's norm, which falls without it

Gradients are those of random zero-mean logits in ten classes, a seed being a draw of 1,000 of
them. Trainings are of small students on the 5,000 digits that ship with kd_jax, all from one
ensemble of teachers; a seed is a student's initialization and data order. Nothing is downloaded.
The paper is arXiv 1503.02531.
"""
