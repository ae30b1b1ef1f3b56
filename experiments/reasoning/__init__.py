"""A small decoder learns to reason from a larger one's chains of thought, or from less.

Command:  ./run.sh reasoning [--task=word_problems|automaton|gsm8k] [--sizes=250,1000,4000]
          --preset=automaton, --preset=gsm8k [--teacher=FOLDER]: that task at its own settings;
          --preset=accelerator: more steps and problems
Takes:    25 minutes on 2 CPU cores, the automaton 19; GSM8K needs the packages
          that ./run.sh encoder --help installs
Expected: chains are learnt from few problems; terse solutions need more tokens, and answers alone
          are not enough for any number here. Students that write themselves and are told what the
          teacher would have said (forward KL) learn far more than from the teacher's chains where
          these are too few (the automaton), and no more where they must first learn to write (the
          word problems)

A teacher learns long chains that check themselves; several are sampled of it for every problem, and
those with the right answer are kept. Students half as wide learn, on the same problems and in as
many steps, from the answer only, from a terse solution, from one chain (by its tokens, by the
teacher's logits over it, or on texts of their own) or from several; from answers and from terse
solutions also in so many steps that they see as many tokens as chains have. Answers count when they
are exactly right. GSM8K takes a chat model as teacher and some of its layers as student.

Sources: DeepSeek-AI 2025, arXiv 2501.12948 (chains as data); Agarwal et al. 2024, arXiv 2306.13649
(on-policy).
"""
