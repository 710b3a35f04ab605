"""Which handler answers which request, and what is the same for all."""

from __future__ import annotations

import logging
import time
from typing import Callable, Dict, NamedTuple
from urllib.parse import unquote

from serve.answer import ClientLeftError
from serve.chat import chat
from serve.completion import complete
from serve.errors import ApiError, unavailable
from serve.keys import Keys
from serve.lifecycle import LOADING, READY
from serve.metrics import CONTENT_TYPE
from serve.model import Model
from serve.seed_api import answer_prompt
from serve.wire.exchange import Exchange
from serve.wire.reader import DisconnectedError, StalledError

_log = logging.getLogger(__name__)
_MODEL_PATH = "/v1/models/"
_CLIENT_LEFT = 499  # nginx's number, for the log and the metrics only


class _Route(NamedTuple):
    name: str
    method: str
    answer: Callable[[Exchange], None]
    public: bool = False  # needs no API key
    generates: bool = False


class Application:
    """Answers every request with exactly one response; a failure of one never reaches another."""

    def __init__(self, model: Model, keys: Keys) -> None:
        self._model = model
        self._keys = keys
        self._routes: Dict[str, _Route] = {
            "/health": _Route("/health", "GET", self._health, public=True),
            "/ready": _Route("/ready", "GET", self._ready, public=True),
            "/metrics": _Route("/metrics", "GET", self._metrics, public=True),
            "/v1/models": _Route("/v1/models", "GET", self._models),
            "/v1/chat/completions": _Route("/v1/chat/completions", "POST", self._chat, generates=True),
            "/v1/completions": _Route("/v1/completions", "POST", self._complete, generates=True),
            "/": _Route("/", "POST", self._answer_prompt, generates=True),
        }
        self._one_model = _Route("/v1/models/{model}", "GET", self._describe)

    def handle(self, exchange: Exchange) -> None:
        """Answer one request, count it and log it."""
        began = time.monotonic()
        route, code = "other", 500
        try:
            found = self._route(exchange)
            route = found.name
            self._answer(found, exchange)
            code = exchange.status or 500
        except ApiError as error:
            code = error.status
            exchange.send_error(error)
        except (ClientLeftError, DisconnectedError, StalledError):
            code, exchange.keeps_alive = _CLIENT_LEFT, False
        except Exception:  # a defect in one handler must not end the connection without an answer
            _log.exception("a handler failed")
            exchange.keeps_alive = False
            exchange.send_error(
                ApiError(500, "the server failed", kind="server_error", code="internal_error")
            )
        finally:
            self._model.metrics.requests.add(1, route, str(code))
            _log_request(exchange, route, code, time.monotonic() - began)

    def _route(self, exchange: Exchange) -> _Route:
        path = exchange.head.path
        known = self._routes.get(path)
        if known is None and path.startswith(_MODEL_PATH) and len(path) > len(_MODEL_PATH):
            known = self._one_model
        if known is None:
            raise ApiError(404, f"there is nothing at '{path[:200]}'", code="unknown_url")
        method = "GET" if exchange.head.method == "HEAD" else exchange.head.method
        if method != known.method:
            allowed = {"Allow": f"{known.method}, HEAD" if known.method == "GET" else known.method}
            raise ApiError(
                405,
                f"{exchange.head.method} is not a method of '{known.name}': use {known.method}",
                code="method_not_allowed",
                headers=allowed,
            )
        return known

    def _answer(self, route: _Route, exchange: Exchange) -> None:
        if not route.public:
            self._keys.check(exchange.head)
        exchange.read_body()
        if not route.generates:
            route.answer(exchange)
            return
        with self._model.lifecycle.request():
            if self._model.lifecycle.state != READY:
                exchange.keeps_alive = False  # so that a client of a server that ends finds another one
            route.answer(exchange)

    def _health(self, exchange: Exchange) -> None:
        exchange.send_json(200, {"status": "ok"})

    def _ready(self, exchange: Exchange) -> None:
        lifecycle = self._model.lifecycle
        if lifecycle.state == READY:
            exchange.send_json(200, {"status": READY, "model": self._model.name})
            return
        body: Dict[str, object] = {"status": lifecycle.state, "model": self._model.name}
        if lifecycle.state == LOADING:
            body.update(progress=round(lifecycle.progress, 3), doing=lifecycle.doing)
        exchange.send_json(503, body, {"Retry-After": str(lifecycle.seconds_to_ready())})

    def _metrics(self, exchange: Exchange) -> None:
        exchange.send(200, self._model.metrics.render().encode("utf-8"), CONTENT_TYPE)

    def _models(self, exchange: Exchange) -> None:
        self._require_loaded()
        exchange.send_json(200, {"object": "list", "data": [self._card()]})

    def _describe(self, exchange: Exchange) -> None:
        self._require_loaded()
        wanted = unquote(exchange.head.path[len(_MODEL_PATH) :], errors="replace")
        if wanted != self._model.name:
            raise self._model.unknown(wanted)
        exchange.send_json(200, self._card())

    def _require_loaded(self) -> None:
        lifecycle = self._model.lifecycle
        if lifecycle.state == LOADING:
            raise unavailable(lifecycle.loading_message(), "model_loading", lifecycle.seconds_to_ready())

    def _card(self) -> Dict[str, object]:
        return {
            "id": self._model.name,
            "object": "model",
            "created": self._model.created,
            "owned_by": "cdk8s-chatglm",
            "max_model_len": self._model.backend.context_length,
        }

    def _chat(self, exchange: Exchange) -> None:
        chat(exchange, self._model)

    def _complete(self, exchange: Exchange) -> None:
        complete(exchange, self._model)

    def _answer_prompt(self, exchange: Exchange) -> None:
        answer_prompt(exchange, self._model)


def _log_request(exchange: Exchange, route: str, code: int, seconds: float) -> None:
    level = logging.DEBUG if route in ("/health", "/ready", "/metrics") else logging.INFO
    _log.log(level, "%s %s %d in %.3f s (%s)", exchange.head.method, route, code, seconds, exchange.identity)
