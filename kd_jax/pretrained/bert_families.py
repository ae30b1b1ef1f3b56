"""What the files of BERT and its relatives call things, and what each of them does otherwise."""

from typing import NamedTuple


class Architecture(NamedTuple):
    """One family: names in its config and weights, and the differences that a Bert knows.

    model: its class in the library, without a task's head; sizes: of a Bert, as its config calls
    them; activation: likewise; layers, parts: of its weights; prefix: what stands before the names
    where the model has a task's head; padding: the id behind which positions count where the config
    does not say it, −1 where they count from 0.
    """

    model: str
    sizes: dict
    activation: str
    layers: str
    parts: dict
    prefix: str
    padding: int = -1


SIZES = {
    "vocabulary": "vocab_size",
    "width": "hidden_size",
    "layers": "num_hidden_layers",
    "heads": "num_attention_heads",
    "intermediate_size": "intermediate_size",
    "max_position_embeddings": "max_position_embeddings",
}
PARTS = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attended": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "inner": "intermediate.dense",
    "outer": "output.dense",
    "norm": "output.LayerNorm",
}
BERT = Architecture(
    "BertModel", SIZES | {"types": "type_vocab_size"}, "hidden_act", "encoder.layer", PARTS, "bert."
)
ROBERTA = BERT._replace(model="RobertaModel", prefix="roberta.", padding=1)
ARCHITECTURES = {
    "bert": BERT,
    "roberta": ROBERTA,
    "xlm-roberta": ROBERTA._replace(model="XLMRobertaModel"),
    "camembert": ROBERTA._replace(model="CamembertModel"),
    "mpnet": Architecture(
        "MPNetModel",
        SIZES | {"buckets": "relative_attention_num_buckets"},
        "hidden_act",
        "encoder.layer",
        PARTS
        | {
            "query": "attention.attn.q",
            "key": "attention.attn.k",
            "value": "attention.attn.v",
            "attended": "attention.attn.o",
            "attention_norm": "attention.LayerNorm",
        },
        "mpnet.",
        padding=1,
    ),
    "distilbert": Architecture(
        "DistilBertModel",
        SIZES
        | {"width": "dim", "layers": "n_layers", "heads": "n_heads"}
        | {"intermediate_size": "hidden_dim"},
        "activation",
        "transformer.layer",
        {
            "query": "attention.q_lin",
            "key": "attention.k_lin",
            "value": "attention.v_lin",
            "attended": "attention.out_lin",
            "attention_norm": "sa_layer_norm",
            "inner": "ffn.lin1",
            "outer": "ffn.lin2",
            "norm": "output_layer_norm",
        },
        "distilbert.",
    ),
}


def kind_of(types: int, padding: int, buckets: int) -> str:
    """The model_type of a Bert with such differences; XLM-R and CamemBERT are RoBERTa."""
    if buckets:
        return "mpnet"
    if padding >= 0:
        return "roberta"
    return "bert" if types else "distilbert"
