"""The rows that the decoder's tables tell apart, as the library calls its objectives."""

TEACHER, CUT = "teacher", "layers cut, not trained"
SFT, FORWARD = "SFT on the text", "forward KL"
RESTARTED = "SFT, restarted after it"
