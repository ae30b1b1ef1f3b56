"""Quickstart: 5,000 real digits, a large teacher and small students.

Command:  ./run.sh [quickstart] [--temperatures=1,2,3] [--seeds=10]
Takes:    1 minute on 2 CPU cores, 35 seconds once the teacher is trained
Found:    Soft targets with labels at T = 1 save 7 of 139 test errors, a permuted teacher does harm.
          Soft targets alone save 10 at T = 1, inconclusive among so many rows

5,000 real MNIST digits ship with kd_jax, so nothing is downloaded. The teacher is the network
of Hinton, Vinyals and Dean 2015 (arXiv 1503.02531, section 3) made smaller. Every student of the
table trains in one compiled program.
"""
