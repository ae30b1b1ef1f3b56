"""Hinton, Vinyals and Dean 2015, sections 4 and 6: speech.

Command:  ./run.sh speech_ensemble [--manual_dir=FOLDER]
Takes:    36 minutes on 2 CPU cores; --preset=paper (8 layers of 2,560) is for an accelerator
Found:    A student keeps less of an ensemble's gain than the paper's (paper: 86 %). It is
          inconclusive against labels. As many recordings again without labels beat labels only of
          half the steps; with 3 % of the recordings soft targets beat labels

Section 4: ten networks that differ by their initialization, and students of the same size
distilled from the mean of their predictions. Members, baseline and students train equally long.
Further set-ups look for what retains more of the gain; the best is chosen on validation. Section 6:
a student of few recordings, distilled from one network that was trained on all. Frames are 40
log-mel filters every 10 ms; the state of the 21st of 26 frames is the digit times three parts of
it.
"""
