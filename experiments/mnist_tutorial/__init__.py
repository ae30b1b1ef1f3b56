"""The Harvard APMTH 207 tutorial (2018) on MNIST: tables over seeds.

Command:  ./run.sh mnist_tutorial [--part=1|2a|2b|all] [--manual_dir=FOLDER]
Takes:    21 minutes on 2 CPU cores
Found:    Students that never saw a 3 get most of them right after bias correction. It needs no
          label; whether they get more than half without it is open, and with a permuted teacher
          they get none

The tutorial trains Keras networks; its MaxNorm of 15 never binds (columns start at norm 0.3) and
is left out. Each of five teachers has two students of its own per row.
"""
