"""What papers of distilled decoders claim."""

from kd_jax.report.claims import Claim, measured

SANH = "Sanh et al. 2019 (arXiv 1910.01108), on a decoder"
GU = "Gu et al. 2023 (MiniLLM, arXiv 2306.08543)"
AGAINST = "vs. SFT on the text"
CLAIMS = measured("nats", [
    Claim(
        SANH, "Forward KL brings a student nearer to the teacher than its text does",
        "perplexity 21.1 of 16.3 (DistilGPT2)", (AGAINST, "forward KL"), "KL(t‖s), nats [95 %]",
    ),
    Claim(
        GU, "Reverse KL brings it nearer in the reverse direction", "no number",
        (AGAINST, "reverse KL"), "KL(s‖t), nats [95 %]",
    ),
])  # fmt: skip
