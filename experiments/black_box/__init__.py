"""A teacher that only answers: how much it must say, about what, and how often it must be asked.

Command:  ./run.sh black_box [--manual_dir=FOLDER]
Takes:    9 minutes on 2 CPU cores
Expected: asked about digits or mixes of them, a student is the better the more is said, and most
          so with few queries; the label alone costs little once there are 20,000. Three labels
          without their probabilities are worse than one. Images of clothes teach a third of the
          digits, noise next to nothing. Asking first where the student is least sure halves the
          queries, or better

The teacher lets out its label, the three likeliest labels in order, those with their
probabilities, probabilities of one decimal, or all of them (posteriors cut short: Orekondy, Schiele
and Fritz 2019, arXiv 1812.02766). Each is the target of a student's cross-entropy at T = 1; in a
control all are told, those of the wrong classes shuffled. Students of any number of queries take
the same number of steps. Seeds have queries of their own, fewer being the first of more. In active
choice each round asks, of all training images, those where the student of the round before has the
smallest margin, and a student is trained anew.
"""
