"""The 2015 paper's speech experiments on spoken digits: an ensemble in one net, and few labels.

Command:  ./run.sh speech_ensemble [--manual_dir=FOLDER]
Takes:    about 30 minutes on 2 CPU cores; --preset=paper (8 layers of 2,560) is for an accelerator
Expected: in the paper's set-up a student keeps a tenth of what ten networks gain over one, with as
          many unlabelled recordings half of it (paper: 86 %); with 3 % of the recordings soft
          targets are 11 points ahead of labels

Section 4: ten networks that differ by their initialisation, and students of the same size taught
by the mean of their predictions. Members, baseline and students train equally long. Further set-ups
look for what keeps more of the gain; the best is chosen on validation. Section 6: a student of few
recordings, taught by one network that saw them all. Frames are 40 log-mel filters every 10 ms; the
state of the 21st of 26 frames is the digit times three parts of it.
"""
