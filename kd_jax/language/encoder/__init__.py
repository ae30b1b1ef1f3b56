"""Distillation of sentence encoders: students of fewer layers that give their teacher's vectors.

outputs.cached(teacher, tokens, layers, …)   what the teacher says of the texts
students.of_layers(teacher, 3)               a student before it has learned
training.Training(…).fit(student, seed, …)   its training, by `terms` that `loss` adds
rankings.read(path), ranked.prepared(…)      a reranker's scores, learned from and measured by
measures.Task(…).examples(encoder)           how good an encoder is, text by text
distill.distill_encoder(…)                   all of it
"""
