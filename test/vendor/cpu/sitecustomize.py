"""Lets MindFormers do without an accelerator in every Python that has this folder on its path."""

import site
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "cluster/mindformers/root"
site.addsitedir(str(ROOT / "usr/local/lib/python3.11/dist-packages"))
