"""The equations of the 2015 paper (section 2) as numbers and as trainings.

Command:  ./run.sh equations_2015
Takes:    30 seconds on 2 CPU cores
Expected: at T=100 soft targets are logit matching, in their gradients to 1 % and in whole trainings
          to 5 %; T² keeps the gradient's size, which without it falls to a sixth from T=20 to 50;
          students of the arithmetic and of the geometric mean of an ensemble are alike

Gradients are those of random zero-mean logits in ten classes, a seed being a draw of 1,000 of them.
Trainings are of small students on the 5,000 digits that come with a package, all from one ensemble
of teachers; a seed is a student's initialisation and data order. Nothing is downloaded.
"""
