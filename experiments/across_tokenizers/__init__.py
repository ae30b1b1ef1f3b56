"""Distillation across tokenizers: sorted probabilities of a decoder.

Command:  ./run.sh across_tokenizers [--manual_dir=FOLDER]
Takes:    55 minutes on 2 CPU cores
Found:    Beside SFT, sorted probabilities come nearer to the teacher. What that does to the
          text is inconclusive, beside SFT and alone
Needs:    text weights

The student has 10 of the teacher's 30 layers and a vocabulary of its own, a BPE of 4,000 tokens
that is learned from the texts it learns from; each embedding begins as the mean of the teacher's of
the same text. Where both have read the same bytes, it learns the teacher's probabilities, sorted,
as no token of one is known to be one of the other: the universal logit loss, alone and beside SFT.
All students of a seed have the same start, steps and order. Questions and solutions of GSM8K, as
published; some of the file's lines are held out.
"""
