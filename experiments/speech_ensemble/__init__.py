"""Hinton, Vinyals and Dean 2015, sections 4 and 6: speech.

Command:  ./run.sh speech_ensemble [--preset=perturbed] [--manual_dir=FOLDER]
Takes:    15 to 28 minutes on 2 CPU cores, --preset=perturbed 62 beside other programs;
          --preset=paper (8 layers of 2,560) is for an accelerator
Found:    A student retains far less of the ensemble's gain than the paper's (86 %).
          It beats labels at a constant rate, and is undecided against labels whose rate decays; in
          some set-ups it gets more words wrong. With 3 % of the recordings soft targets are far
          ahead of labels, and regain less of what these lose than the paper's (87 %)

Section 4: ten networks that differ by their initialization, and students of the same size
distilled from the mean of their predictions. Members, baseline and students train equally long.
Further set-ups look for what retains more of the gain; the best is chosen on validation. Section 6:
a student of few recordings, distilled from one network that was trained on all. Frames are 40
log-mel filters every 10 ms; the state of the 21st of 26 frames is the digit times three parts of
it.
"""
