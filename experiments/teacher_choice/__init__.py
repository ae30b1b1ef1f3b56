"""Which teacher? Size, early stopping, smoothing, ensembles, patience.

Command:  ./run.sh teacher_choice [--part=size] [--manual_dir=FOLDER]
Takes:    45 minutes on 2 CPU cores for all parts
Found:    Soft targets win on few images and on consistent views; size is undecided.
          More images make students more faithful to their teacher; against its classes as labels
          soft targets have fewer errors on 1,000 images and more on 10,000 and above. Whether any
          of an ensemble's gain is kept is undecided, as are smoothing, early stopping, assistants
          and born-again networks

What is known of the choice of a teacher, on MNIST, a part for each question: --part=size of the
teacher, stopped early or helped by an assistant (Mirzadeh et al. 2019, arXiv 1902.03393; Cho and
Hariharan 2019, arXiv 1910.01348), label smoothing of the teacher (smoothing; Müller, Kornblith
and Hinton 2019, arXiv 1906.02629), born-again networks (born_again; Furlanello et al. 2018, arXiv
1805.04770), fidelity by the size of the transfer set (transfer_set; Stanton et al. 2021, arXiv
2106.05945), soft targets as a regularizer of few images and an ensemble distilled into one network
(few_labels and ensemble; Hinton, Vinyals and Dean 2015, arXiv 1503.02531, sections 6 and 4), long
training on views that the teacher is asked about (patience; Beyer et al. 2021, arXiv 2106.05237),
and scaling laws of distillation (scaling; Busbridge et al. 2025, arXiv 2502.08606). Every part has
students of labels alone with the same steps and inputs. Learning rates, lengths and widths are
ours: the papers train larger networks on other data.
"""
