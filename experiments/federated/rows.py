"""The rows of the table of federated distillation."""

ARCHITECTURES = 3  # of the clients, where they differ
LOCAL, CENTRAL, FEDAVG = "local training", "centralized training", "FedAvg"
FEDDF, FEDMD, FEDMD_MEDIAN = "FedDF", "FedMD", "FedMD, median"
FEDDF_OTHERS = "FedDF, out-of-domain public set"
FEDDF_STOPPED = "FedDF, early stopping of the server"
FEDMD_COUNTS = "FedMD, logits weighted by class counts"
FEDMD_OTHERS = "FedMD, out-of-domain public set"
FEDDF_MIXED, FEDMD_MIXED = "FedDF, three architectures", "FedMD, three architectures"
ATTACKED_MEAN = "FedMD, label-shift attack, mean"
ATTACKED_MEDIAN = "FedMD, label-shift attack, median"
ROWS = (
    LOCAL, FEDAVG, FEDDF, FEDDF_STOPPED, FEDDF_OTHERS, FEDDF_MIXED, FEDMD, FEDMD_COUNTS,
    FEDMD_OTHERS, FEDMD_MIXED, FEDMD_MEDIAN, ATTACKED_MEAN, ATTACKED_MEDIAN, CENTRAL,
)  # fmt: skip
