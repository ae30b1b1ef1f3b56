"""A sentence encoder with a half, a third and a sixth of its layers: cut, or cut and distilled.

Command:  ./run.sh encoder [--text=FILE] [--teacher=FOLDER] [--manual_dir=FOLDER]
Takes:    40 minutes on 2 CPU cores
Expected: a cut alone keeps most of the teacher's accuracy; distilled from it, students of 3 and 2
          layers keep nearly all, at twice and three times the speed
Needs:    text weights

The teacher is all-MiniLM-L6-v2 (6 layers of 384), which a package carries. Students begin with some
of its layers and its embeddings, which stay, and imitate its vectors and states on texts without
labels: the questions of BANKING77's training set and sentences of GSM8K's. Measured on BANKING77,
whose labels no student has seen: a linear probe on all labels and on five of each class (mean of
20 draws), and nearest neighbours.
"""
