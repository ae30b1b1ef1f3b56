"""Knowledge from one sense to another: images of digits teach how the digits sound.

Command:  ./run.sh cross_modal [--manual_dir=FOLDER]
Takes:    10 minutes on 2 CPU cores
Expected: pairs of image and sound without any label teach as much as all labels do, and more than
          200; speakers differ far more than methods, and how alike digits look is of no help to who
          listens. Few labels of images gain most by soft targets of the others, a few points by
          attention and hints

A teacher of MNIST images has 20,000 of them. Every recording of the Free Spoken Digit Dataset is
paired with an image of the same digit that the teacher was not taught, drawn by the seed; of the
image the student only gets what the teacher says (supervision transfer: Gupta, Hoffman and Malik
2016, arXiv 1507.00448). Each seed leaves out another speaker for the test and one for validation.
Second, a convnet of 4 and 8 channels looks at 2,000 images that its teacher, of 16 and 32, was not
taught: soft targets, hints (Romero et al. 2015, arXiv 1412.6550) and attention (Zagoruyko and
Komodakis 2017, arXiv 1612.03928). Of all that students are shown few have labels; half of each
batch is drawn from these, so every student takes as many steps.
"""
