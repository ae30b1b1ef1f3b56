"""The rows of the tables on reasoning, and which of them are compared."""

TEACHER = "teacher"
ANSWER, TERSE, CHAINS = "answer only", "terse solutions", "teacher's chains"
FORWARD = "forward KL on the teacher's chains"
SFT_START, SFT_RESTARTED = "SFT, where on-policy begins", "SFT, restarted there"
ON_POLICY_REVERSE, ON_POLICY_FORWARD = "on-policy reverse KL", "on-policy forward KL"
ON_POLICY_JSD = "on-policy JSD, beta 0.5"
SEVERAL, UNFILTERED = "several chains per problem", "several chains, unfiltered"


def equal_tokens(row):
    """The row whose students see as many tokens as those of one right chain."""
    return f"{row}, equal tokens"


PAIRS = (
    (TERSE, ANSWER), (CHAINS, ANSWER), (CHAINS, TERSE), (FORWARD, CHAINS),
    (ON_POLICY_REVERSE, CHAINS), (ON_POLICY_FORWARD, CHAINS), (ON_POLICY_FORWARD, FORWARD),
    (SFT_RESTARTED, SFT_START), (ON_POLICY_REVERSE, SFT_RESTARTED),
    (ON_POLICY_FORWARD, SFT_RESTARTED), (ON_POLICY_JSD, SFT_RESTARTED),
    (ON_POLICY_JSD, CHAINS), (SEVERAL, CHAINS), (UNFILTERED, SEVERAL),
    (equal_tokens(TERSE), equal_tokens(ANSWER)), (CHAINS, equal_tokens(ANSWER)),
    (CHAINS, equal_tokens(TERSE)),
)  # fmt: skip
