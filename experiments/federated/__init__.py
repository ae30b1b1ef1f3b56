"""Federated distillation: clients with rows of their own exchange logits instead of weights.

Command:  ./run.sh federated [--manual_dir=FOLDER]
Takes:    7 minutes on 2 CPU cores
Expected: the more skewed the clients' rows, the more is gained over local training. FedDF does
          not beat FedAvg here; FedMD is within a point or two of it, where the skew is not extreme,
          with 40 % of the bytes and with any architectures. Two clients of ten that send wrong
          logits spoil the mean, not the median, but under extreme skew the median spoils itself

Ten clients have 10,000 MNIST digits together, dealt out by class from Dirichlet(α, …, α). All have
2,000 further digits without labels, or as many images of clothes. FedMD (Li and Wang 2019, arXiv
1910.03581): in each round clients train on their own rows, send their logits on the public set,
and digest the mean that comes back. FedDF (Lin et al. 2020, arXiv 2006.07242): they send weights,
and the server distils the mean of their logits into the mean of their weights. Everyone takes
equally many steps on labels, with batches drawn with replacement; central training has all rows
and batches as large as those of all clients together. What is measured is what clients have after
the last exchange: in FedMD each its own network, in FedAvg and FedDF the server's.
"""
