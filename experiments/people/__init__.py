"""McCaffrey's teacher-student demo: replayed, then over 20 seeds.

Command:  ./run.sh people [--replay] [--predict="-1,0.36,1,0,0,0.445"] [--teachers=20] [--seeds=1]
Takes:    1 minute on 2 CPU cores that do nothing else; --replay and --predict 20 seconds
Found:    The tuned student's win over its teacher was one seed's. Over 20 teachers it is below on
          the training rows, and 40 test rows separate none of them; --replay gives the demo's
          losses and accuracies to all four decimals

The demo (J. McCaffrey, 31 January 2025, PyTorch; 240 rows) trains a 6-(100-100)-3 teacher, a
6-8-3 student by mean squared error on the teacher's log-probabilities, and then tunes the student
on the training rows that it gets wrong. Each of the 20 seeds is a teacher with a student of its
own in every row. Further rows try what could explain a win: fine-tuning in as many steps on all
rows or on as many random ones, and students of other widths. Teachers are stored, students recorded
teacher by teacher, and the first networks of every row saved for export.
"""
