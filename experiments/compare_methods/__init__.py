"""Comparison of distillation methods on equal terms.

Command:  ./run.sh compare_methods [--pairs=mnist,fashion] [--preset=confirm --base_seed=1]
          [--manual_dir=FOLDER]
Takes:    43 minutes on 2 CPU cores, --preset=confirm 50; --preset=quick, on scikit-learn's digits,
          under 2
Found:    Soft targets (KD) beat labels only on both data sets, DIST beats KD on one.
          That one is Fashion-MNIST, where 5,000 images are labeled; with 1,000 labels of MNIST no
          method was found to beat KD. Hard pseudo-labels are inconclusive against it on both

The student of a seed starts from the same parameters and sees the same batches under every method,
but for the first networks of a chain, which begin elsewhere. A method is one term beside the
labels. Validation chooses its weight and, where it has one, its temperature: of 28 settings for
every method, 28 weights by thirds of a decade, or seven at each of T = 1, 2, 4 and 8; the test is
read for the chosen setting alone. --preset=confirm takes what the committed exploration chose to
ten other teachers, each with labels or images of its own. With 1,000 labels of MNIST the methods
see the other digits without labels, as half of each batch, and where a method asks for a label it
gets the teacher's; hard pseudo-labels are a row that adds nothing else to the labels. Labels only
take the same steps, and learn from the other half of each batch. On Fashion-MNIST the student sees
5,000 images, the teacher 55,000. Networks: on MNIST a teacher of two layers of 300 units, which has
the 1,000 labels alone, and students of 20; on Fashion-MNIST convolutions of 16 and 32 channels, and
students of 4 and 8 that read the images at half their height and width. Maps of other sizes are
averaged to the smaller one.
"""
