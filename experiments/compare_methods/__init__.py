"""Comparison of distillation methods on equal terms.

Command:  ./run.sh compare_methods [--pairs=mnist,fashion] [--preset=quick] [--manual_dir=FOLDER]
Takes:    50 minutes on 2 CPU cores; --preset=quick, on scikit-learn's digits, under 2
Found:    With few labels most methods beat labels only; with all, NKD and PKT do. DIST has the
          fewest errors both times, with all labels inconclusive

The student of a seed starts from the same parameters and sees the same batches under every
method. A method is one term beside the labels; its weight is the only number that is tuned, over
three values each, on the validation split, and T = 4 throughout; the test is read for the chosen
weight alone. With 1,000 labels of MNIST the methods see the other digits without labels, and
where a method asks for a label it gets the teacher's. On Fashion-MNIST the student sees 5,000
images, the teacher 55,000.
"""
