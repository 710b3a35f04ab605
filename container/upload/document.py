"""XML documents as object stores send them; their namespaces differ, so only local names count."""

from __future__ import annotations

from typing import Dict, List, Optional
from xml.etree import ElementTree

from fetch.retry import Retryable


def parse(body: bytes) -> Optional[ElementTree.Element]:
    """Return the root, None if `body` is no XML; stores send blanks before it to keep a connection alive."""
    try:
        return ElementTree.fromstring(body.strip())  # noqa: S314 (the store holds the keys' account anyway)
    except ElementTree.ParseError:
        return None


def whole(body: bytes) -> ElementTree.Element:
    """Return the root; `Retryable` if `body` is no XML."""
    root = parse(body)
    if root is None:
        raise Retryable("the store's answer is no XML")
    return root


def children(root: ElementTree.Element, wanted: str) -> List[ElementTree.Element]:
    """Return the elements right below `root` with this name."""
    return [item for item in root if name(item) == wanted]


def values(root: ElementTree.Element) -> Dict[str, str]:
    """Return the texts of the elements right below `root` by their names."""
    return {name(item): (item.text or "").strip() for item in root}


def name(item: ElementTree.Element) -> str:
    """Return the local name."""
    return item.tag.rpartition("}")[2]
