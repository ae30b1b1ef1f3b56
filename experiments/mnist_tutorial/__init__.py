"""The Harvard APMTH 207 tutorial (2018): distillation on MNIST, every table over seeds.

Command:  ./run.sh mnist_tutorial [--part=1|2a|2b|all] [--manual_dir=FOLDER]
Takes:    35 minutes on 2 CPU cores, 6 once the teachers are trained
Found:    Students that never saw a 3 get 88 % right after bias correction. The correction needs
          no label; before it they get 45 %, and with a permuted teacher none

The tutorial trains Keras networks; its MaxNorm of 15 never binds (columns start at norm 0.3) and
is left out. Each of five teachers has two students of its own per row.
"""
