"""Quickstart: 5,000 real digits, a large teacher and small students.

Command:  ./run.sh [quickstart] [--temperatures=1,2,3] [--seeds=10] [--preset=confirm]
Takes:    1 minute on 2 CPU cores, 30 seconds once the teacher is trained
Found:    Soft targets at T = 4 and above save a fifth of the test errors, a permuted teacher does
          harm. So it is at the base seed that chose the temperature, at another, and over ten
          teachers

5,000 real MNIST digits ship with kd_jax, so nothing is downloaded. The teacher is the network
of Hinton, Vinyals and Dean 2015 (arXiv 1503.02531, section 3) made smaller. Every student of the
table trains in one compiled program.
"""
