"""Reasoning: a small decoder learns from chains of thought.

Command:  ./run.sh reasoning [--task=word_problems|automaton|gsm8k] [--sizes=250,1000,4000]
          --preset=automaton, --preset=gsm8k [--teacher=FOLDER]: that task at its own settings;
          --preset=accelerator: more steps and problems
Takes:    25 minutes on 2 CPU cores, --preset=automaton 19; GSM8K needs
          ./run.sh install text weights
Found:    Students of chains beat those of answers on problems like those in training.
          With 50 of the automaton they are inconclusive, and on harder problems worse where it is
          decided. Against terse solutions they are
          inconclusive on word problems and ahead on the automaton in equal steps. On-policy
          forward KL gains much where the teacher's chains are too few (the automaton), and is
          inconclusive where students must first learn to write (the word problems)

A teacher learns long chains that check themselves; several are sampled of it for every problem,
and those with the right answer are used (chains as data: DeepSeek-AI 2025, arXiv 2501.12948).
Students half as wide learn, on the same problems and in as many steps, from the answer only, from
a terse solution, from one chain (by its tokens, by the teacher's logits over it, or on-policy:
Agarwal et al. 2024, arXiv 2306.13649) or from several; from answers and from terse solutions also
in so many steps that they see as many tokens as chains have. An answer counts when it is exactly
right. All students of a method, for every number of problems and every seed, are one program. GSM8K
takes a chat model as teacher and some of its layers as student.
"""
