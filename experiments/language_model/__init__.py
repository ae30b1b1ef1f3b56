"""A decoder with a third of its layers learns from the whole one: objectives side by side.

Command:  ./run.sh language_model [--teacher=FOLDER] [--manual_dir=FOLDER] [--prompt="a question"]
Takes:    40 minutes on 2 CPU cores; --preset=accelerator: every objective at full length
Expected: forward KL beats SFT on the same text in agreement and both divergences, reverse KL does
          not; the 64 likeliest tokens and their tail do nearly as well as all logits, in a quarter
          of a percent of their bytes
Needs:    text weights

The teacher is SmolLM2-135M-Instruct (30 layers of 576), which a package carries. Students begin
with 10 of its layers, its embeddings and its head, and see questions and solutions of GSM8K in the
chat's template; only the solutions' tokens count. All objectives have the same start, the same
number of steps and, seed by seed, the same order of the same problems. The teacher reads the text
once: its last hidden states are kept, off which every step reads its logits. Measured on the test.
"""
