"""Writes banking77_rankings.jsonl from BANKING77's training file: python rankings.py train.csv

Of each query the positive is another question of its intent; of the seven negatives, of other
intents, four are among its nearest by MiniLM and three are drawn. A score is the log-probability
that query and passage have one intent, log Σ_c p(c | query) p(c | passage): p is a logistic
regression on MiniLM's vectors, fitted on the labels of the other four fifths of the questions.
"""

import csv
import json
import sys

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

import kd_jax as kd
from kd_jax.pretrained import sentence_embeddings

QUERIES, NEAR, DRAWN = 1000, 4, 3

with open(sys.argv[1], encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file))
questions, labels = [x["text"].strip() for x in rows], np.array([x["category"] for x in rows])
vectors = kd.Encoder(sentence_embeddings.packaged()).embed(questions)
random = np.random.default_rng(0)
fitted = LogisticRegression(C=10, max_iter=300)
p = cross_val_predict(fitted, vectors, labels, cv=5, method="predict_proba")
with open("banking77_rankings.jsonl", "w", encoding="utf-8") as file:
    for row in random.choice(len(labels), QUERIES, replace=False):
        others = np.flatnonzero(labels != labels[row])
        near = others[np.argsort(-vectors[others] @ vectors[row])[: 5 * NEAR]]
        alike = np.flatnonzero((labels == labels[row]) & (np.arange(len(labels)) != row))
        passages = [
            random.choice(alike),
            *random.choice(near, NEAR, replace=False),
            *random.choice(np.setdiff1d(others, near), DRAWN, replace=False),
        ]
        texts = [questions[place] for place in passages]
        scores = np.log(p[passages] @ p[row])
        line = {
            "query": questions[row], "positive": texts[0], "negatives": texts[1:],
            "scores": [round(float(x), 4) for x in scores],
        }  # fmt: skip
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
