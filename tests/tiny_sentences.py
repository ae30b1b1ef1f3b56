"""The smallest sentence encoder's folder, with every file that sentence-transformers writes."""

import json

import numpy as np
import tiny_encoders
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors

WORDS = ["<s>", "<pad>", "</s>", "<unk>", *"how why is my card lost late here query: How".split()]
MODULES = [
    {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{name}"}
    for n, (name, path) in enumerate(
        [("Transformer", ""), ("Pooling", "1_Pooling"), ("Dense", "2_Dense"), ("Normalize", "3")]
    )
]
POOLING = {
    "word_embedding_dimension": 32, "pooling_mode_cls_token": True,
    "pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True,
    "pooling_mode_mean_sqrt_len_tokens": False, "pooling_mode_weightedmean_tokens": False,
    "pooling_mode_lasttoken": False, "include_prompt": True,
}  # fmt: skip
DENSE = {
    "in_features": 96, "out_features": 5, "bias": True,
    "activation_function": "torch.nn.modules.activation.GELU",
}  # fmt: skip
TEXTS = ["how is my card", "late", " card lost here \n", "", "my card is late " * 9]
IDS = [[0, 4, 6, 7, 8, 2], [0, 10, 2], [0, 8, 9, 11, 2], [0, 2], [0, *[7, 8, 6, 10] * 2, 2]]
RANDOM = np.random.default_rng(1)
LINEAR = {
    "linear.weight": RANDOM.normal(size=(5, 96)).astype(np.float32) / 3,
    "linear.bias": RANDOM.normal(size=5).astype(np.float32),
}


def put(path, content):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))


def sentence_encoder(folder):
    """A tiny RoBERTa's folder with all modules, lengths and prompts."""
    tiny_encoders.write(folder, "roberta")
    words = Tokenizer(models.WordLevel({w: n for n, w in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    ends = [("<s>", 0), ("</s>", 2)]
    words.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    words.save(str(folder / "tokenizer.json"))
    put(folder / "modules.json", MODULES)
    put(folder / "1_Pooling" / "config.json", POOLING)
    put(folder / "2_Dense" / "config.json", DENSE)
    save_file(LINEAR, folder / "2_Dense" / "model.safetensors")
    put(folder / "sentence_bert_config.json", {"max_seq_length": 10, "do_lower_case": False})
    prompts = {"prompts": {"query": "query: "}, "default_prompt_name": None}
    versions = {"__version__": {"sentence_transformers": "5.0.0"}, "similarity_fn_name": "cosine"}
    put(folder / "config_sentence_transformers.json", prompts | versions)
    return folder
