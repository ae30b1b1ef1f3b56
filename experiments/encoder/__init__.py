"""Distilling MiniLM-L6: sentence encoders of 3, 2 and 1 layers.

Command:  ./run.sh encoder [--text=FILE] [--teacher=FOLDER] [--manual_dir=FOLDER]
Takes:    40 minutes on 2 CPU cores
Found:    Distilled, students of 3, 2 and 1 layers beat their cuts in every measure.
          They are faster than the teacher, against whom no verdict is taken
Needs:    text weights

The teacher is all-MiniLM-L6-v2 (6 layers of 384), which a package carries. Students start from
some of its layers and its embeddings, which stay fixed, and learn its sentence embeddings and
hidden states on texts without labels: the questions of BANKING77's training set and sentences of
GSM8K. Measured on BANKING77, whose labels no student has seen: a linear probe on all labels and
on five of each class (mean of 20 draws), and nearest neighbors.
"""
