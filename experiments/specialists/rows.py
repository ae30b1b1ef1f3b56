"""The rows of generalist and specialists, and the numbers of Hinton, Vinyals and Dean 2015."""

DIGITS, QUESTIONS = "two digits", "BANKING77"  # the parts
TWO_DIGITS, BANKING77 = "digits", "banking77"  # as --part names them
GENERALIST, LONGER = "generalist", "generalist, equal compute"
PLATEAU, WIDER = "generalist, trained to its plateau", "wider generalist, as many parameters"
ENSEMBLE = "ensemble of as many generalists"
JOINED, UNCORRECTED = "generalist + specialists", "generalist + specialists, uncorrected dustbins"
LABELS, SMOOTHED = "student, labels only", "student, label smoothing"
OF_GENERALIST = "student of the generalist"
OF_JOINED = "student of generalist + specialists"
OF_PERMUTED = "student of a permuted teacher"
# Table 3: top-1 accuracy, and accuracy among the special classes where the true one is covered
PAPER = {GENERALIST: (25.0, 43.1), JOINED: (26.1, 45.9)}
# Table 4: {specialists that cover the true class: (more correct answers, relative change in %)}
PAPER_COVERAGE = {
    1: (1421, 3.4), 2: (1572, 7.4), 3: (1124, 8.8), 4: (835, 10.5), 5: (561, 11.1),
    6: (362, 11.3), 7: (232, 12.8), 8: (182, 13.6), 9: (208, 16.6), 10: (324, 14.1),
}  # fmt: skip
