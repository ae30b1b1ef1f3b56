"""Black-box distillation: restricted outputs and pools of queries.

Command:  ./run.sh black_box [--manual_dir=FOLDER]
Takes:    9 minutes on 2 CPU cores
Found:    Queries of the smallest margin beat as many random ones.
          All probabilities beat the label where queries are few, with 60,000 digits they are
          inconclusive; students of noise stay below the accuracy that was expected

A teacher of MNIST outputs its label, its top three labels in order, those with their
probabilities, probabilities rounded to one decimal, or all of them (truncated posteriors:
Orekondy, Schiele and Fritz 2019, arXiv 1812.02766), for its training images, mixes of them,
Fashion-MNIST or noise. The output is the target of a student's cross-entropy at T = 1; a control
has all probabilities, those of the wrong classes permuted. Students of any number of queries take
the same number of steps. Seeds have queries of their own, fewer being the first of more. In
active learning each round queries, of all training images, those where the student of the round
before has the smallest margin, and a student is trained anew.
"""
