"""The rows of generalist and specialists, and the numbers of Hinton, Vinyals and Dean 2015."""

DIGITS, QUESTIONS = "two digits", "BANKING77"  # the parts
GENERALIST, LONGER = "generalist", "generalist, equal compute"
JOINED, UNCORRECTED = "generalist + specialists", "generalist + specialists, uncorrected dustbins"
LABELS, SMOOTHED = "student, labels only", "student, label smoothing"
OF_GENERALIST = "student of the generalist"
OF_JOINED = "student of generalist + specialists"
OF_PERMUTED = "student of a permuted teacher"
# top-1 accuracy, and accuracy among the special classes where the true one is covered, percent
PAPER = {GENERALIST: ("25.0", "43.1"), JOINED: ("26.1", "45.9")}
# specialists that cover the true class: relative change in correct answers, percent
PAPER_COVERAGE = {
    0: "0.0", 1: "+3.4", 2: "+7.4", 3: "+8.8", 4: "+10.5", 5: "+11.1", 6: "+11.3", 7: "+12.8",
    8: "+13.6", 9: "+16.6", 10: "+14.1",
}  # fmt: skip
