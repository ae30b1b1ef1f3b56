"""Generalist and specialists of the 2015 paper (section 5) on classes that are easily confused.

Command:  ./run.sh specialists [--manual_dir=FOLDER]
Takes:    about 10 minutes on 2 CPU cores
Expected: on digits specialists answer more images right than the generalist and than the generalist
          trained longer, on BANKING77 than the generalist; one student of all together beats a
          student of the generalist, on labels it does as well or better

The paper's 100 million images are private; here a class is a pair of MNIST digits, with 400 images
for training. Classes that the generalist confuses go to one specialist, which begins as a copy of
it, sees its classes in half of each batch, and calls the rest its dustbin. All specialists of all
seeds train in one program. At the test those that know the generalist's likeliest class are asked.
What the paper leaves to the future comes last: one student of generalist and specialists together.
"""
