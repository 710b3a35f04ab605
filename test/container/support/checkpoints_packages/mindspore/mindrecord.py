"""Opens what the stand-in of adgen_dataset.py writes: a JSON list of records."""

import json


class FileReader:
    def __init__(self, file_name):
        with open(file_name) as file:
            try:
                self._records = json.load(file)
            except ValueError:
                raise RuntimeError(f"Invalid file, the size of mindrecord file is too small: {file_name}") from None

    def len(self):
        return len(self._records)

    def close(self):
        self._records = None
