"""Hyperparameters: learning rate and weight of the labels (alpha).

Command:  ./run.sh hyperparameters [--temperature=4] [--learning_rates=1e-3,3e-3,1e-2]
Takes:    2 minutes on 2 CPU cores that do nothing else
Found:    Soft targets beat labels where each has its best learning rate.
          At the lowest they are worse. The best rate over all teachers is the same for both;
          teacher by teacher that of soft targets is higher, and undecided at two other seeds.
          Every weight of the labels beside them beats labels only; whether a small weight is
          better than an equal one is open

Two recommendations of articles about Hinton, Vinyals and Dean 2015 (arXiv 1503.02531): soft targets
allow a higher learning rate than labels, and labels beside them want a small weight. Students of
w · labels + (1 − w) · soft targets are trained at every peak learning rate for every w from 0 to 1,
and validation chooses the rate of each w: labels only and soft targets are tuned alike. Networks
and digits are those of the quickstart, at one temperature.
"""
