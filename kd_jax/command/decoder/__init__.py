"""The command line that distils a decoder on one's own texts, and `kd.distill_lm`, the same."""
