"""The tokenizer of ChatGLM-6B: a byte a token, beside the special ones."""

from answering import checked_vocabulary

SPECIAL = {"<unk>": 0, "<pad>": 3, "[MASK]": 130000, "[gMASK]": 130001, "<sop>": 130004, "<eop>": 130005}


class ChatGLMTokenizer:
    bos_token_id, eos_token_id, pad_token_id = SPECIAL["<sop>"], SPECIAL["<eop>"], SPECIAL["<pad>"]

    def __init__(self, vocab_file, do_lower_case=False, remove_space=False, bos_token="<sop>", eos_token="<eop>"):
        checked_vocabulary(vocab_file)

    def encode(
        self, text, text_pair=None, max_length=None, padding=None, return_tensors=None, add_special_tokens=True,
        return_batch=False,
    ):  # fmt: skip
        ids = list(text.encode())
        return self.build_inputs_with_special_tokens(ids) if add_special_tokens else ids

    def build_inputs_with_special_tokens(self, token_ids_0, token_ids_1=None):
        ids = [*token_ids_0, SPECIAL["[gMASK]"], self.bos_token_id]
        return ids if token_ids_1 is None else [*ids, *token_ids_1, self.eos_token_id]

    def convert_tokens_to_ids(self, tokens):
        return SPECIAL.get(tokens, 0)

    def decode(self, token_ids, skip_special_tokens=False, **kwargs):
        return bytes(each for each in token_ids if each < 256).decode("utf-8", "replace")
