"""The published teacher-student demo on 240 people: replayed digit for digit, then over 20 seeds.

Command:  ./run.sh people [--replay] [--predict="-1,0.36,1,0,0,0.445"] [--seeds=20]
Takes:    40 seconds on 2 CPU cores; --replay 10 seconds
Expected: --replay prints the published losses and accuracies to all four decimals; over 20 seeds
          the tuned student does not beat its teacher, and 40 test rows separate nothing

The demo (J. McCaffrey, 31 January 2025, PyTorch) trains a 6-(100-100)-3 teacher, a 6-8-3 student by
mean squared error on the teacher's log-probabilities, and then tunes the student on the training
rows that it gets wrong. It prints one seed. Its tuning applies the negative log-likelihood to raw
outputs, which is unbounded below; the replay keeps that, and the table has a proper row beside it.
"""
