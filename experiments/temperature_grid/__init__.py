"""Temperature: nine data sets and students of many widths.

Command:  ./run.sh temperature_grid [--preset=width|mnist|width_paper|mnist_paper]
Takes:    44 minutes on 2 CPU cores, --preset=width 23, 9 of them for teachers, which both share,
          --preset=mnist 9
Found:    With 50 units soft targets beat labels on all nine data sets, at every T.
          Students of 20 units are WORSE at T = 3 (--preset=width), those of MNIST are inconclusive.
          That T = 3 beats label smoothing on all nine is contradicted; no verdict says that they
          beat a permuted teacher on any, and where the best T lies is undecided

Each artificial data set is drawn ten times, clusters and all; each draw has a teacher and a student
per row of its own. T_opt is read off the test errors: it describes the curve, chooses nothing, and
is told together with all temperatures that it does not beat. `--preset=width` compares students of
four widths on three of the data sets, `--preset=mnist` of three widths on MNIST, where six teachers
have two students each; the presets ending in `_paper` train for longer, at more temperatures.

Every width is a program of its own: padded to the widest student all would cost what it costs,
four times as much as the sum of the real ones, to save a second of compilation each.
"""
