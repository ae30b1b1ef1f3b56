"""Settings of config.json that change no output: names, versions, training, generation.

Sources: PretrainedConfig and GenerationConfig of Hugging Face's transformers (versions 4 and 5),
and the config files of Llama, SmolLM2, Qwen2, BERT, DistilBERT and MiniLM on the hub.
"""

# who made it, with what, and which class of a library reads it
NAMES = frozenset(
    """
    _name_or_path name_or_path _commit_hash architectures model_type transformers_version
    torch_dtype dtype use_bfloat16 tokenizer_class license is_llama_config transformers.js_config
    unsloth_fixed unsloth_version _attn_implementation _attn_implementation_autoset
    attn_implementation _flash_attn_2_enabled use_flash_attn use_flash_attention
    torchscript is_composition transformers_weights sentence_transformers base_model_name_or_path
    """.split()
)
# of training, and of a task's head, which is no part of what is read
TRAINING = frozenset(
    """
    initializer_range initializer_factor attention_dropout hidden_dropout dropout
    hidden_dropout_prob attention_probs_dropout_prob classifier_dropout qa_dropout
    seq_classif_dropout resid_pdrop embd_pdrop attn_pdrop resid_dropout embd_dropout
    neftune_noise_alpha gradient_checkpointing use_reentrant_checkpointing use_cache
    finetuning_task problem_type id2label label2id num_labels task_specific_params
    tf_legacy_loss keys_to_ignore_at_inference output_attentions output_hidden_states
    output_past return_dict use_return_dict summary_type summary_use_proj
    summary_activation summary_last_dropout summary_first_dropout summary_proj_to_labels
    """.split()
)
# how another library splits the same sums
SPLITTING = frozenset(["chunk_size_feed_forward", "pretraining_tp"])
# of texts that are written: callers say how they choose tokens, and which end a text; ids
GENERATION = frozenset(
    """
    bos_token_id eos_token_id pad_token_id sep_token_id unk_token_id cls_token_id mask_token_id
    decoder_start_token_id forced_bos_token_id forced_eos_token_id max_length max_new_tokens
    min_length min_new_tokens model_max_length early_stopping do_sample num_beams num_beam_groups
    diversity_penalty temperature top_k top_p min_p typical_p repetition_penalty
    encoder_repetition_penalty length_penalty no_repeat_ngram_size
    encoder_no_repeat_ngram_size bad_words_ids num_return_sequences output_scores output_logits
    return_dict_in_generate remove_invalid_values exponential_decay_length_penalty
    suppress_tokens begin_suppress_tokens sequence_bias max_sequence_length bos_token
    eos_token pad_token unk_token guidance_scale prefix generation_config
    """.split()
)
COMMON = NAMES | TRAINING | SPLITTING | GENERATION

# what changes a model of any architecture, with the values at which it does not
NEUTRAL: dict[str, tuple] = {
    "quantization_config": (None,),
    "compression_config": (None,),
    "auto_map": ({},),  # code of its own
    "is_encoder_decoder": (False,),
    "add_cross_attention": (False,),
    "cross_attention_hidden_size": (None,),
    "tie_encoder_decoder": (False,),
    "pruned_heads": ({}, []),
    "per_layer_config": ({},),
}
