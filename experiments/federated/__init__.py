"""Federated distillation: clients exchange logits instead of weights.

Command:  ./run.sh federated [--manual_dir=FOLDER]
Takes:    7 minutes on 2 CPU cores
Found:    Without attackers all aggregations beat local training. FedDF against FedAvg is
          inconclusive. FedMD sends fewer bytes and is behind where the skew is not extreme; under
          attack the median loses less than the mean where clients are alike, and is WORSE where
          each has a class or two

Ten clients have 10,000 MNIST digits together, partitioned by class from Dirichlet(α, …, α). All
have 2,000 further digits without labels, or as many images of Fashion-MNIST. FedMD: in each round
clients train on their own rows, send their logits on the public set, and are distilled from the
mean that comes back; in one row logits are weighted by class counts (the class-level ensemble of
Zhang et al. 2022, arXiv 2203.09249). FedDF: they send weights, and the server distills the mean of
their logits into the mean of their weights; in one row for as many epochs as validation chooses.
All take equally many steps on labels, with batches drawn with replacement; centralized training has
all rows and batches as large as those of all clients together. Measured are the networks of the
clients after the last aggregation: in FedMD each its own, in FedAvg and FedDF the server's. Then
clients train on, and the accuracy that they lose is client drift (Karimireddy et al. 2020, arXiv
1910.06378; not in the record yet, nor are class counts and the early stop). In the label-shift
attack two Byzantine clients send the logit of each class as that of the next.
"""
