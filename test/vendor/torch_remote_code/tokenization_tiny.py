"""A tokenizer written in Python, with a token a byte and the special tokens of ChatGLM-6B behind them."""

from transformers import PreTrainedTokenizer

SPECIALS = ["[MASK]", "[gMASK]", "<sop>", "<eop>"]


class TinyTokenizer(PreTrainedTokenizer):
    model_input_names = ["input_ids"]  # noqa: RUF012 (as transformers has it)

    def __init__(self, eos_token="<eop>", **kwargs):
        super().__init__(eos_token=eos_token, **kwargs)

    @property
    def vocab_size(self):
        return 260

    def get_vocab(self):
        return {self._convert_id_to_token(index): index for index in range(260)}

    def _tokenize(self, text, **kwargs):
        return [f"<{byte}>" for byte in text.encode()]

    def _convert_token_to_id(self, token):
        if token in SPECIALS:
            return 256 + SPECIALS.index(token)
        return int(token[1:-1]) if token[1:-1].isdigit() else 0

    def _convert_id_to_token(self, index):
        return SPECIALS[index - 256] if index in range(256, 260) else f"<{index}>"

    def convert_tokens_to_string(self, tokens):
        numbers = [int(token[1:-1]) for token in tokens if token not in SPECIALS]
        return bytes(number % 256 for number in numbers).decode("utf-8", "replace")

    def save_vocabulary(self, save_directory, filename_prefix=None):
        return ()
