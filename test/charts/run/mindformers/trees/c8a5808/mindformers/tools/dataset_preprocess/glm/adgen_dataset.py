"""Makes MindRecord files of ADGEN with the columns and lengths that the real script makes."""

import argparse
import json

from mindformers.models.glm.chatglm_6b_tokenizer import ChatGLMTokenizer
from mindspore.mindrecord import FileWriter

LENGTH = 2


def arguments():
    parser = argparse.ArgumentParser()
    for name in ("input_file", "vocab_file", "output_file"):
        parser.add_argument(f"--{name}", type=str, required=True)
    for name in ("max_source_length", "max_target_length"):
        parser.add_argument(f"--{name}", type=int, default=64)
    parser.add_argument("--mode", type=str, default="train")
    return parser.parse_args()


def padded(ids, length):
    return ids + [ChatGLMTokenizer.pad_token_id] * (length - len(ids))


def trained(tokenizer, prompt, answer, source, target):
    ids = tokenizer.encode(text=prompt, add_special_tokens=False)[: source - 1]
    labels = tokenizer.encode(text=answer, add_special_tokens=False)[: target - 2]
    length = source + target
    ids = padded(tokenizer.build_inputs_with_special_tokens(ids, labels), length)
    context = ids.index(tokenizer.bos_token_id)
    label = [-100] * context + ids[context + 1 :] + [-100]
    return {"input_ids": ids, "label": label, "position_ids": [LENGTH, length], "attention_mask": [length, length]}


def measured(tokenizer, prompt, answer, source, target):
    ids = tokenizer.encode(text=prompt[: source - 2], add_special_tokens=True)
    return {
        "input_ids": padded(ids, source),
        "label": tokenizer.encode(text=answer[: target - 2], add_special_tokens=True),
    }


def main():
    options = arguments()
    tokenizer = ChatGLMTokenizer(vocab_file=options.vocab_file)
    writer = FileWriter(options.output_file, 1, overwrite=True)
    columns = ("input_ids", "label", "position_ids", "attention_mask")
    make, count = (trained, 4) if options.mode == "train" else (measured, 2)
    writer.add_schema({name: {"type": "int32"} for name in columns[:count]}, "lm-schema")
    with open(options.input_file, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    lengths = options.max_source_length, options.max_target_length
    for row in rows:
        writer.write_raw_data([make(tokenizer, row["content"], row["summary"], *lengths)])
    writer.commit()


if __name__ == "__main__":
    main()
