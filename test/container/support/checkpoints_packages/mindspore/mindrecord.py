"""Stands in for MindRecord: a JSON list of records and an index beside it."""

import json
import os

from pausing import pause


class FileWriter:
    """Writes when it is told to commit; without `overwrite` a file that is there is an error."""

    def __init__(self, file_name, shard_num=1, overwrite=False):
        if os.path.exists(file_name) and not overwrite:
            raise RuntimeError(f"MindRecord file already existed, please delete file: {file_name}")
        self._path, self._records, self._schema = file_name, [], None

    def add_schema(self, content, desc=None):
        self._schema = content

    def write_raw_data(self, raw_data):
        for record in raw_data:
            if set(record) != set(self._schema):
                raise RuntimeError(f"the record has {sorted(record)}, the schema {sorted(self._schema)}")
            self._records.append(record)

    def commit(self):
        text = json.dumps(self._records)
        with open(self._path, "w") as file:
            file.write(text[: len(text) // 2])
            file.flush()
            pause(f"writing {os.path.basename(self._path)}")
            file.write(text[len(text) // 2 :])
        with open(f"{self._path}.db", "w") as file:
            file.write(f"{len(self._records)} records of {len(self._records[0]['input_ids'])}")


class FileReader:
    def __init__(self, file_name):
        with open(file_name) as file:
            try:
                self._records = json.load(file)
            except ValueError:
                raise RuntimeError(f"Invalid file, the size of mindrecord file is too small: {file_name}") from None

    def len(self):
        return len(self._records)

    def get_next(self):
        yield from self._records

    def close(self):
        self._records = None
