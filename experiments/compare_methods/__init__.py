"""Every distillation method on equal terms: one teacher, the same students, batches and budget.

Command:  ./run.sh compare_methods [--pairs=mnist,fashion] [--preset=quick] [--manual_dir=FOLDER]
Takes:    50 minutes on 2 CPU cores; --preset=quick, on scikit-learn's digits, under 1
Expected: with few labels most methods beat labels only; with all rows labelled a quarter do

The student of a seed begins alike and sees the same batches under every method. A method is one
term beside the labels; its weight is the only number that is tuned, over three values each, on the
validation split, and T = 4 throughout; the test is read for the chosen weight alone. With 1,000
labels of MNIST the methods see the other digits without labels, and where a method asks for a label
it gets the teacher's. On Fashion-MNIST the student sees 5,000 images, the teacher 55,000.
--pairs=cifar100 is RepDistiller's setting (Tian et al. 2020, arXiv 1910.10699) for an accelerator.
"""
