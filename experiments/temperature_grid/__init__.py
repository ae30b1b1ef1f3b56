"""Temperature: nine data sets and students of many widths.

Command:  ./run.sh temperature_grid [--part=grid|width|all] [--nomnist] [--preset=paper]
Takes:    50 minutes on 2 CPU cores, of which the widths 30; less with teachers restored
Found:    From T = 2 on curves are nearly flat; the best T grows with width. Soft targets beat
          labels everywhere, and five of the nine curves have no optimum

On the artificial data sets each of five teachers has students of its own, by default one per row,
and verdicts come from intervals. T_opt is read off the test errors: it describes the curve and
chooses nothing. On MNIST one teacher teaches all seeds, so the spread there is of the students
alone.

Every width is a program of its own: padded to the widest student all would cost what it costs,
four times as much as the sum of the real ones, to save a second of compilation each.
"""
