"""Hinton, Vinyals and Dean 2015, section 5: a generalist and specialists.

Command:  ./run.sh specialists [--preset=banking77] [--manual_dir=FOLDER]
Takes:    14 minutes on 2 CPU cores for the record below, which has fewer rows
Found:    Specialists add 1.7 points on pairs of digits, 3.0 on BANKING77, at one base seed. What as
          much compute adds to one generalist was not measured; one student of all together is
          inconclusive against a student of the generalist, and against one on labels or WORSE

The paper's 100 million images are private; here a class is a pair of MNIST digits, with 400
images for training. Classes that the generalist confuses go to one specialist, which begins as a
copy of it, sees its classes in half of each batch, and calls the rest its dustbin. All specialists
of a generalist train in one program, and beside them generalists on which as much was spent:
trained for longer, wider, or as many in an ensemble. At the test those specialists that have the
generalist's most probable class among theirs take part.
"""
