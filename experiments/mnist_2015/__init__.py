"""Hinton, Vinyals and Dean 2015, section 3: MNIST.

Command:  ./run.sh mnist_2015 [--preset=wide|narrow|long|paper] [--manual_dir=FOLDER]
Takes:    48 minutes on 2 CPU cores; --preset=wide 21 and --preset=narrow 24, most of it for the
          teachers, which these three share, --preset=long 155 beside other programs;
          --preset=paper is for an accelerator
Found:    Soft targets go over half of the way to the teacher (the paper's: 91 %).
          Trained for longer on augmented images, with better teachers, the interval of their share
          holds the paper's, and labels of such images are equivalent after 60 epochs.
          Students that never saw a 3 get most of them right, nearly all once the bias is
          corrected. For students of 30 units T = 4 beats T = 2 and 8, where T = 2.5 and 3 are
          inconclusive; for 300 T = 20 and 40 are equivalent to T = 8

The paper (arXiv 1503.02531) gives no optimizer, length of training, dropout rates or seeds; these
are ours: Adam with a cosine decay, columns of squared norm 15 or less (Hinton et al. 2012, arXiv
1207.0580). The usual dropout of half the hidden units and a fifth of the inputs needs hundreds of
epochs; for a short training the rates were chosen on held-out digits. A seed is a student's
initialization and data order.
"""
