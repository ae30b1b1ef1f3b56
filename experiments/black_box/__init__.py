"""Black-box distillation: which answers, to which queries, and how many.

Command:  ./run.sh black_box [--manual_dir=FOLDER]
Takes:    9 minutes on 2 CPU cores
Found:    5,000 queries where the student is least sure are worth 20,000 random ones. The fewer
          the queries, the more probabilities are worth over labels; Fashion-MNIST as queries
          teaches a third of the digits, noise almost none

A teacher of MNIST answers with its label, its top three labels in order, those with their
probabilities, probabilities rounded to one decimal, or all of them (truncated posteriors:
Orekondy, Schiele and Fritz 2019, arXiv 1812.02766), for its training images, mixes of them,
Fashion-MNIST or noise. The answer is the target of a student's cross-entropy at T = 1; a control
has all probabilities, those of the wrong classes permuted. Students of any number of queries take
the same number of steps. Seeds have queries of their own, fewer being the first of more. In
active choice each round queries, of all training images, those where the student of the round
before has the smallest margin, and a student is trained anew.
"""
