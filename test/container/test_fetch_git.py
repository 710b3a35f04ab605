"""Git servers and git-lfs pointers that are not by the book, as git and git-lfs take them."""

from __future__ import annotations

import pytest

from support.git_server import GitServer
from support.hub import model

SPEC = "https://git-lfs.github.com/spec/v1"
POINTERS = {
    "no final newline": f"version {SPEC}\noid sha256:{{oid}}\nsize {{size}}",
    "carriage returns": f"version {SPEC}\r\noid sha256:{{oid}}\r\nsize {{size}}\r\n",
    "blank lines": f"\nversion {SPEC}\n\noid sha256:{{oid}}\nsize {{size}}\n\n",
    "hawser": "version https://hawser.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n",
    "git-media": "version http://git-media.io/v/2\noid sha256:{oid}\nsize {size}\n",
    "extension": f"version {SPEC}\next-0-foo sha256:{'1' * 64}\noid sha256:{{oid}}\nsize {{size}}\n",
}


@pytest.mark.parametrize("form", POINTERS)
def test_every_form_of_a_pointer(server, fetching, tmp_path, form):
    git = GitServer(server, tmp_path, model(), pointer=POINTERS[form])
    code, output = fetching.run(git.source("main"))
    assert code == 0, output
    fetching.expect(model())


def test_a_pointer_that_cannot_be_read_is_no_weight(server, fetching, tmp_path):
    pointer = "version https://example.org/spec/v9\noid sha256:{oid}\nsize {size}\n"
    git = GitServer(server, tmp_path, {"a.json": b"{}", "w.bin": model()["tokenizer.model"]}, pointer=pointer)
    assert fetching.run(git.source("main"))[0] == 25
    label = f"git-lfs {git.url}"
    assert fetching.cause == (
        f"{label}: w.bin of {label} looks like a git-lfs pointer and is none that can be read: "
        "repair it in the repository, or leave it out by a pattern"
    )
    fetching.expect_nothing()
    assert fetching.run(git.source("main"), options=("--exclude", "*.bin"))[0] == 0
    fetching.expect({"a.json": b"{}"})


def test_text_about_pointers_is_text(server, fetching, tmp_path):
    files = {"README.md": b"A pointer has `oid sha256:` in it.\n", "long.md": b"oid sha256:" + b"x" * 2000}
    git = GitServer(server, tmp_path, files)
    assert fetching.run(git.source("main"))[0] == 0
    fetching.expect(files)


@pytest.mark.parametrize("revision", ["main", "commit"])
def test_a_repository_whose_name_ends_in_git_only(server, fetching, tmp_path, revision):
    git = GitServer(server, tmp_path, model())
    url = f"{server.url}/glm"
    code, output = fetching.run(git.source(git.commit if revision == "commit" else revision, url=url))
    assert code == 0, output
    fetching.expect(model())
    refused = [request for request in server.requests if request.path == "/glm/git-upload-pack"]
    assert len(refused) == 1, "the name that was refused was asked for again"


def test_a_repository_that_is_not_there_by_either_name(server, fetching, tmp_path):
    git = GitServer(server, tmp_path, {"a": b"b"})
    url = f"{server.url}/other"
    assert fetching.run(git.source("main", url=url))[0] == 22
    assert fetching.cause == f"git-lfs {url}: {url}/git-upload-pack answers 404"


def test_a_server_that_knows_no_object_format(server, fetching, tmp_path):
    git = GitServer(server, tmp_path, model(), old=True)
    code, output = fetching.run(git.source("main"))
    assert code == 0, output
    fetching.expect(model())


def test_objects_that_want_the_token_of_the_repository(server, fetching, tmp_path):
    git = GitServer(server, tmp_path, model(), token="glpat-1", tickets=False)
    code, output = fetching.run(git.source("main", tokenEnv="GIT_TOKEN"), GIT_TOKEN="glpat-1")
    assert code == 0, output
    fetching.expect(model())


@pytest.mark.parametrize("how", ["another host", "authenticated", "own header"])
def test_objects_that_do_not_get_the_token_of_the_repository(server, fetching, tmp_path, how):
    files = model()
    git = GitServer(server, tmp_path, files, token="glpat-1")
    batch = server.answer

    def changed(request):
        reply = batch(request)
        if not request.path.endswith("/batch"):
            return reply
        ticket = b'"header": {"X-Ticket"'
        if how == "another host":
            reply.body = reply.body.replace(b"//127.0.0.1:", b"//localhost:")
        elif how == "authenticated":
            reply.body = reply.body.replace(b'"actions"', b'"authenticated": true, "actions"')
        else:
            reply.body = reply.body.replace(ticket, b'"header": {"authorization": "own", "X-Ticket"')
        return reply

    server.answer = changed
    code, output = fetching.run(git.source("main", tokenEnv="GIT_TOKEN"), GIT_TOKEN="glpat-1")
    assert code == 0, output
    fetching.expect(files)
    objects = [request for request in server.requests if request.path.startswith("/objects/")]
    seen = {value for request in objects for name, value in request.headers.items() if name.lower() == "authorization"}
    assert objects
    assert seen == ({"own"} if how == "own header" else set())


@pytest.mark.parametrize(("code", "exit_code"), [(404, 22), (410, 22), (403, 21)])
def test_why_an_object_is_not_there(server, fetching, tmp_path, code, exit_code):
    weights = model()["tokenizer.model"]
    said = "over quota for glpat-1,\nask the owner"
    git = GitServer(server, tmp_path, {"w.bin": weights}, token="glpat-1", error={"code": code, "message": said})
    [oid] = git.objects
    git.objects.clear()
    assert fetching.run(git.source("main", tokenEnv="GIT_TOKEN"), GIT_TOKEN="glpat-1")[0] == exit_code
    label = f"git-lfs {git.url}"
    assert fetching.cause == f"{label}: {label} has no content for object {oid}: over quota for ***, ask the owner"
