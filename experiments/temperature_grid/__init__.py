"""Temperature: nine data sets and students of many widths.

Command:  ./run.sh temperature_grid [--preset=width|mnist|width_paper|mnist_paper]
Takes:    44 minutes on 2 CPU cores, --preset=width 19, or 14 with the default run's teachers,
          --preset=mnist 9
Found:    With 50 units soft targets beat labels on all nine data sets, at every T.
          Students of 20 units are WORSE at T = 3 than on labels (--preset=width); on MNIST no
          width is decided. That T = 3 beats label smoothing on all nine data sets is contradicted;
          no verdict says that it beats a permuted teacher on any, and whether the best T lies in
          (2.5, 5) is undecided on all nine

Each artificial data set is drawn ten times, clusters and all; each draw has a teacher and a student
per row of its own. T_opt is read off the test errors: it describes the curve, chooses nothing, and
is told together with all temperatures that it does not beat. `--preset=width` compares students of
four widths on three of the data sets, `--preset=mnist` of three widths on MNIST, where six teachers
have two students each; the presets ending in `_paper` train for longer, at more temperatures.

Every width is a program of its own: padded to the widest, all students together would cost far
more than the compilations that they save.
"""
