"""McCaffrey's teacher-student demo: replayed, then over 20 seeds.

Command:  ./run.sh people [--replay] [--predict="-1,0.36,1,0,0,0.445"] [--seeds=20]
Takes:    40 seconds on 2 CPU cores; --replay 10 seconds
Found:    The tuned student's win over its teacher was one seed's. Over 20 seeds it is 3.7 points
          below on the training rows, and the 40 test rows separate little; --replay gives the
          demo's losses and accuracies to all four decimals

The demo (J. McCaffrey, 31 January 2025, PyTorch; 240 rows) trains a 6-(100-100)-3 teacher, a
6-8-3 student by mean squared error on the teacher's log-probabilities, and then tunes the student
on the training rows that it gets wrong.
"""
