"""Quickstart: 5,000 real digits, a large teacher and small students.

Command:  ./run.sh [quickstart] [--temperatures=1,2,3] [--seeds=10] [--preset=confirm]
Takes:    1 minute on 2 CPU cores, 35 seconds once the teacher is trained
Found:    Soft targets make fewer test errors than labels, a permuted teacher does harm. So it is
          over ten teachers at the temperature that another base seed chose; ten students of one
          teacher show it of no row

5,000 real MNIST digits ship with kd_jax, so nothing is downloaded. The teacher is the network
of Hinton, Vinyals and Dean 2015 (arXiv 1503.02531, section 3) made smaller. Every student of the
table trains in one compiled program.
"""
