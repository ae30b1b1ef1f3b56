"""Cross-modal distillation: images to audio.

Command:  ./run.sh cross_modal [--manual_dir=FOLDER]
Takes:    10 minutes on 2 CPU cores
Found:    At T = 4 pairs with images of one's digit stay within 3 points of 2,000 labels.
          These students have no labels of their own, but pairs are drawn by class. Speakers
          differ so much that most other intervals are wide. With images as input soft targets
          beat labels only at every number of labels

A teacher of MNIST images has 20,000 of them. Every recording of the Free Spoken Digit Dataset is
paired with an image of the same digit that is not among them, drawn by the seed; of the image the
student gets the teacher's predictions only (supervision transfer: Gupta, Hoffman and Malik 2016,
arXiv 1507.00448). Each seed leaves out another speaker for the test and one for validation.
Second, a convnet of 4 and 8 channels learns 2,000 images that its teacher, of 16 and 32, was not
trained on: soft targets, hints (Romero et al. 2015, arXiv 1412.6550) and attention transfer
(Zagoruyko and Komodakis 2017, arXiv 1612.03928). Of the transfer set few examples have labels;
half of each batch is drawn from these, so every student takes as many steps.
"""
