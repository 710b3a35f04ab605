"""The page: what gradio 3 and 4 both have, and nothing else."""

from __future__ import annotations

import importlib
from typing import Any, Iterator, List, Tuple

from pod.exit_codes import IMAGE_MISMATCH, Fault
from web.server_client import Choice, Message, ServerClient, ServerError

Page = Any
"""A `gradio.Blocks`; its types are not to be had here."""

Pair = List[str]
"""A question and its answer, as a gradio `Chatbot` shows them."""


def make_page(client: ServerClient, model: str) -> Page:
    """Return the page, not yet served."""
    try:
        gradio = importlib.import_module("gradio")
    except ImportError as error:
        raise Fault(
            IMAGE_MISMATCH, f"this image cannot import 'gradio' ({error}): use one that has gradio 3 or 4"
        ) from error

    def ask(
        question: str, pairs: List[Pair], max_tokens: float, temperature: float, top_p: float
    ) -> Iterator[Tuple[List[Pair], str]]:
        yield from conversation(client, question, pairs, Choice(int(max_tokens), temperature, top_p))

    with gradio.Blocks(title=model) as page:
        gradio.Markdown(f"# {model}")
        chatbot = gradio.Chatbot(show_label=False)
        question = gradio.Textbox(show_label=False, placeholder="Ask a question and press Enter", lines=1)
        with gradio.Row():
            send, clear = gradio.Button("Send"), gradio.Button("Clear")
        with gradio.Row():
            max_tokens = gradio.Slider(1, 8192, value=1024, step=1, label="Longest answer (tokens)")
            temperature = gradio.Slider(0, 2, value=0.8, step=0.05, label="Temperature")
            top_p = gradio.Slider(0.05, 1, value=0.8, step=0.05, label="Top-p")
        given, shown = [question, chatbot, max_tokens, temperature, top_p], [chatbot, question]
        question.submit(ask, given, shown)
        send.click(ask, given, shown)
        clear.click(lambda: ([], ""), None, shown)
    return page


def conversation(
    client: ServerClient, question: str, pairs: List[Pair], choice: Choice
) -> Iterator[Tuple[List[Pair], str]]:
    """Yield the conversation as its last answer grows, and what the question's field holds then.

    A question that fails stays in the field, with the cause below it in place of the answer; it is left out
    of what the model is told later.
    """
    before = [list(pair) for pair in pairs or [] if not _failed(pair)]
    if not question.strip():
        yield before, ""
        return
    said = ""
    try:
        for text in client.answer(_messages(before, question), choice):
            said += text
            yield [*before, [question, said]], ""
    except ServerError as error:
        yield [*before, [question, f"{_FAILURE}{error}"]], question


_FAILURE = "⚠ "


def _failed(pair: Pair) -> bool:
    return (pair[1] or "").startswith(_FAILURE)


def _messages(pairs: List[Pair], question: str) -> List[Message]:
    messages: List[Message] = []
    for asked, said in pairs:
        messages += [{"role": "user", "content": asked}, {"role": "assistant", "content": said or ""}]
    return [*messages, {"role": "user", "content": question}]
