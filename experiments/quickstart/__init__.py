"""Distil real digits: a large teacher teaches a small student through its soft predictions.

Command:  ./run.sh [quickstart] [--temperatures=1,2,3] [--seeds=10]
Takes:    1 minute on 2 CPU cores, 35 seconds once the teacher is trained
Expected: soft targets at T=1 or 2 save the student 7 % of its test errors; high T saves none

5,000 real MNIST digits ship with kd_jax, so nothing is downloaded. The teacher is the net of
Hinton, Vinyals and Dean 2015 (arXiv 1503.02531, section 3) made smaller; the students see the
clean images and the teacher's logits. Every student of the table trains in one compiled program.
"""
