"""Hinton, Vinyals and Dean 2015, section 5: specialists.

Command:  ./run.sh specialists [--preset=banking77] [--manual_dir=FOLDER]
Takes:    14 to 30 minutes on 2 CPU cores, --preset=banking77 2
Found:    Specialists improve a generalist; a wider one, of as many parameters, gains more.
          On BANKING77 the paper's gain lies inside our interval, of
          a generalist that had not converged: trained to its plateau it is ahead of them. An
          ensemble of as many generalists is ahead on both

The paper's 100 million images are private; here a class is a pair of MNIST digits, with 400
images for training. Classes that the generalist confuses go to one specialist, which begins as a
copy of it, sees its classes in half of each batch, and calls the rest its dustbin. All specialists
of a generalist train in one program, and beside them other generalists: one that sees as many rows
more, one trained to its plateau, one of as many parameters and an ensemble of as many networks,
of which the last three take more computing. At the test those specialists that have the
generalist's most probable class among theirs take part.
"""
