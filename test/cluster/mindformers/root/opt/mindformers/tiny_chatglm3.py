"""Makes what a fine-tune of a ChatGLM3 of one layer needs.

`python3 tiny_chatglm3.py FOLDER` writes train.json, dev.json and tokenizer.model there, and prints the overrides of
run_mindformer.py that make the model that small.
"""

import json
import pathlib
import sys

from sentencepiece import SentencePieceTrainer

SUMMARY = "这条{}的裙子是{}的，很适合夏天，穿起来很舒服。"
RECORDS = [
    {"content": f"类型#裙*颜色#{colour}*长度#{length}", "summary": SUMMARY.format(colour, length)}
    for colour in ("红色", "蓝色", "白色", "黑色", "绿色")
    for length in ("长款", "短款")
]
PIECES = 420
IDS = PIECES + 9  # and ChatGLM3's special tokens; with more the model could answer what the tokenizer does not know
MODEL = {
    "num_layers": 1,
    "hidden_size": 64,
    "ffn_hidden_size": 128,
    "kv_channels": 16,
    "num_attention_heads": 4,
    "multi_query_group_num": 2,
    "padded_vocab_size": IDS,
}


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in RECORDS)
    for name in ("train.json", "dev.json"):
        (folder / name).write_text(lines, encoding="utf-8")
    SentencePieceTrainer.train(
        input=str(folder / "train.json"),
        model_prefix=str(folder / "tokenizer"),
        model_type="bpe",
        vocab_size=PIECES,
        hard_vocab_limit=False,
        byte_fallback=True,
        character_coverage=1.0,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        minloglevel=2,
    )
    (folder / "tokenizer.vocab").unlink()
    overrides = {f"model.model_config.{key}": value for key, value in MODEL.items()}
    for dataset in ("train_dataset", "eval_dataset"):
        overrides[f"{dataset}.tokenizer.vocab_file"] = folder / "tokenizer.model"
        overrides[f"{dataset}.num_parallel_workers"] = 1
    print(*(f"--{key}={value}" for key, value in overrides.items()))


if __name__ == "__main__":
    main()
