"""Benchmark: training speed against PyTorch, Keras and scikit-learn.

Command:  ./run.sh bench [--manual_dir=FOLDER]
Takes:    19 minutes on 2 CPU cores, which should do nothing else
Found:    Many small students in one program train far faster than in PyTorch. One large network
          trains faster too; Keras on JAX comes near there
Needs:    bench text weights

Every implementation is a process of its own; they take turns, an epoch each, so that whatever
slows the machine slows all. The first epoch, in which programs are compiled, is not counted; in
the people demo and in the start-up time, measured as whole processes, it is. Trainings
on MNIST and the grid have the test accuracy, so that nothing is fast by being wrong.
"""
