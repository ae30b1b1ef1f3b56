"""Distilling SmolLM2-135M: objectives for a third of its layers.

Command:  ./run.sh language_model [--teacher=FOLDER] [--manual_dir=FOLDER] [--prompt="a question"]
Takes:    40 minutes on 2 CPU cores, longer where rates are chosen; --preset=accelerator: every
          objective at full length
Found:    Forward KL beats SFT in agreement and both divergences, not in NLL. The top 64 tokens
          and their tail, a small part of the bytes of all logits, are inconclusive against it in
          every measure
Needs:    text weights

The teacher is SmolLM2-135M-Instruct (30 layers of 576), which a package carries. Students start
from 10 of its layers, its embeddings and its head, and see questions and solutions of GSM8K in
the chat template; only the solutions' tokens count. All objectives have the same start, the same
number of steps and, seed by seed, the same order of the same problems. The teacher reads the text
once: its last hidden states are cached, from which every step computes its logits. Of several peak
learning rates each objective has the one that is best on held-out training problems with its first
order of the data; the committed record has one rate for all. Measured on the test.
"""
