"""How fast: the same trainings in kd_jax and in what one would use instead, side by side.

Command:  ./run.sh bench [--manual_dir=FOLDER]
Takes:    27 minutes on 2 CPU cores, which should do nothing else
Expected: many small students at once are an order of magnitude faster than one by one; one large
          network is as fast as elsewhere, being a matrix product everywhere
Needs:    bench

Each contender is a process of its own; they take turns, an epoch each, so that whatever slows the
machine slows all. The first epoch, in which programs are compiled, is not counted; in the people
demo and in starting, timed as whole processes, it is. Every row has the test accuracy, so that
nothing is fast by being wrong.
"""
