"""MNIST in the 2015 paper (section 3): a regularised teacher, students without regularisation.

Command:  ./run.sh mnist_2015 [--preset=paper] [--manual_dir=FOLDER]
Takes:    40 to 80 minutes on 2 CPU cores; --preset=paper is for an accelerator
Expected: soft targets at T=20, the students' only regulariser, take back two thirds of what labels
          lose to the teacher; students that never saw a 3 know 90 % of them, 98 % once the bias is
          corrected; of 7 and 8 alone they learn all ten digits; high T harms narrow students most

The paper gives no optimiser, length of training, dropout rates or seeds; these are ours: Adam with
a cosine decay, columns of squared norm 15 or less (Hinton et al. 2012, arXiv 1207.0580). The usual
dropout of half the hidden units and a fifth of the inputs needs hundreds of epochs; for a short
training the rates were chosen on held-out digits. One teacher serves all students; a seed is a
student's initialisation and data order.
"""
