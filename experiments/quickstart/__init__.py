"""Quickstart: 5,000 real digits, a large teacher and small students.

Command:  ./run.sh [quickstart] [--temperatures=1,2,3] [--seeds=10] [--preset=confirm]
Takes:    1 minute on 2 CPU cores that do nothing else; --preset=confirm 5
Found:    From T = 4 on soft targets of one teacher beat labels, at two base seeds.
          Over ten teachers T = 16 does too, and a permuted teacher does harm

5,000 real MNIST digits ship with kd_jax, so nothing is downloaded. The teacher is the network
of Hinton, Vinyals and Dean 2015 (arXiv 1503.02531, section 3) made smaller. Every student of the
table trains in one compiled program.
"""
