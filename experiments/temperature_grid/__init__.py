"""Which temperature is best, on nine data sets and for students of many widths, over seeds.

Command:  ./run.sh temperature_grid [--part=grid|width|all] [--nomnist] [--preset=paper]
Takes:    15 minutes for the grid, 25 for the widths on 2 CPU cores; less with teachers restored
Expected: soft targets beat labels everywhere; from T=2 on the curves are nearly flat, five of the
          nine without an optimum; the best temperature grows with the width

Part III of the tutorial "Distilling the Knowledge in a Neural Network" (Harvard APMTH 207, 2018)
claims from one run per setting that T_opt lies between 2.5 and 5 on all of nine artificial data
sets, and suspects that it grows with the width of the student. Here each teacher and student is
trained once per seed, the teacher of seed s teaching the student of seed s, and the verdict on
both claims comes from intervals. T_opt is read off the test errors: it describes the curve and
chooses nothing. On MNIST (Hinton, Vinyals and Dean 2015: T = 2.5 to 4 best at 30 units, all alike
above 8 at 300) one teacher teaches all seeds, so the spread there is of the students alone.

Every width is a program of its own: padded to the widest student all would cost what it costs,
four times as much as the sum of the real ones, to save a second of compilation each.
"""
