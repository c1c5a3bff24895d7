"""The tokens of models: blank and the 39 ARPAbet phones of the CMU Pronouncing Dictionary, without stress; or words."""

PHONES: tuple[str, ...] = (
    "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH", "IH", "IY", "JH", "K",
    "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH",
)  # fmt: skip

BLANK = "<blank>"
"""The CTC blank; always token 0."""

TOKENS: tuple[str, ...] = (BLANK, *PHONES)
"""What the columns of a phone model's log-probabilities stand for."""

UNKNOWN = "<unk>"
"""Any other word, in a model of a closed set of words: its tokens are blank, the words and this."""
