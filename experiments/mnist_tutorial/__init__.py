"""The MNIST tutorial of the 2015 paper (Harvard APMTH 207, 2018): every table over seeds.

Command:  ./run.sh mnist_tutorial [--part=1|2a|2b|all] [--manual_dir=FOLDER]
Takes:    35 minutes on 2 CPU cores, 6 once the teachers are trained
Expected: part 1: soft targets beat labels; part 2: students that never saw a 3 get half of the 3s
          right, and nine tenths once the bias is corrected; a permuted teacher teaches no 3

The tutorial printed one Keras run per row. Rows marked † keep its quirks: part 2's mixed students
train at T=5 on targets made at T=3, "bias tuning" is an initial value, the CNN reads its image as
one row of 28 positions with 28 channels, mixed students of part 1 use batches of 100, and losses
are taken at T. A row beside each sets it right. Its MaxNorm of 15 never binds (columns start at
norm 0.3) and is left out. Teacher s teaches student s.
"""
