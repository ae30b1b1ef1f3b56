"""Hinton, Vinyals and Dean 2015, section 2: its equations.

Command:  ./run.sh equations_2015
Takes:    30 seconds on 2 CPU cores
Found:    At T = 100 soft targets are logit matching to 1 %. Whole trainings agree to 5 %; T²
          keeps the gradient's norm, which without it falls to a sixth from T = 20 to 50

Gradients are those of random zero-mean logits in ten classes, a seed being a draw of 1,000 of
them. Trainings are of small students on the 5,000 digits that ship with kd_jax, all from one
ensemble of teachers; a seed is a student's initialization and data order. Nothing is downloaded.
The paper is arXiv 1503.02531.
"""
