"""ULMFiT's special tokens; fastai's names, padding and unknown first."""

PAD, UNKNOWN, BEGIN, END, FIELD = "xxpad", "xxunk", "xxbos", "xxeos", "xxfld"
REPEATED, REPEATED_WORD, CAPITALS, CAPITAL = "xxrep", "xxwrep", "xxup", "xxmaj"
TOKENS = (
    *(PAD, UNKNOWN, BEGIN, END, FIELD),
    *(REPEATED, REPEATED_WORD, CAPITALS, CAPITAL),
)
