"""The rows of the decoder's tables."""

TEACHER, CUT = "teacher", "layers cut, not trained"
SFT, SEQUENCES = "SFT on the text", "SeqKD: SFT on the teacher's texts"
FORWARD, REVERSE = "forward KL", "reverse KL"


def top_k(k):
    """The row of the objective on a cache of the teacher's k most probable tokens."""
    return f"top {k} and tail"
