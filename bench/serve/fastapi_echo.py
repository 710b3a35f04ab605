"""The echo backend behind FastAPI and uvicorn, in the way that the models' own demo servers are written.

Model code blocks, so its generator runs on the thread pool, as Starlette does with every plain generator.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import AsyncIterator, Iterator, List, Optional

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "container"))

import anyio.to_thread
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from serve.backend import Settings
from serve.backends.echo import EchoBackend
from serve.messages import Message as Turn
from serve.prompts import FAMILIES
from serve.sampling import Sampling


class Message(BaseModel):
    """One turn."""

    role: str
    content: str


class ChatRequest(BaseModel):
    """What the benchmark sends."""

    model: str
    messages: List[Message]
    stream: bool = False
    max_tokens: Optional[int] = None


port, rate, threads = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
backend = EchoBackend(Settings(None, "chatglm3", None, {"tokens-per-second": rate}))


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Let every client have a thread; the pool's default of 40 would make the others wait."""
    anyio.to_thread.current_default_thread_limiter().total_tokens = threads
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/v1/chat/completions")
def chat(request: ChatRequest) -> StreamingResponse:
    """Stream an answer."""
    prompt = FAMILIES["chatglm3"].chat([Turn(each.role, each.content) for each in request.messages], (), None)
    return StreamingResponse(events(request.model, prompt), media_type="text/event-stream")


def events(model: str, prompt) -> Iterator[str]:
    """Return the chunks of one answer."""
    envelope = {
        "id": "chatcmpl-x",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": model,
    }

    def event(delta: dict, reason: Optional[str]) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return f"data: {json.dumps({**envelope, 'choices': [choice]}, ensure_ascii=False)}\n\n"

    yield event({"role": "assistant", "content": ""}, None)
    for piece in backend.generate(prompt, Sampling(8192), lambda: False):
        yield event({"content": piece.text}, None)
    yield event({}, "stop")
    yield "data: [DONE]\n\n"


uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)
