"""Patches of remote code over files that have what the originals have."""

from __future__ import annotations

import ast
import subprocess

import pytest

from patching.modeling import patch_modeling
from pod.exit_codes import BAD_ARTIFACT, Fault
from support.patching_models import SKIP_INIT, VARIANTS, Variant

OLD_TORCH = ["skip-init", "jit", "jit-script"]

# A torch of before 1.10, with what the fixtures call and nothing else.
OLD_TORCH_MODULE = """
half = "half"
__version__ = "1.9.0"
def cat(tensors, dim): return ("cat", tensors, dim)
class nn:
    class Module: pass
    class Linear:
        def __init__(self, *args, **kwargs): self.args, self.kwargs = args, kwargs
"""


def fitting(variant: Variant) -> list[str]:
    """The patches whose pattern a variant has."""
    names = list(OLD_TORCH)
    names += ["torch-concat"] if variant.concat else []
    return names + (["sophon-mask", "sophon-major-version"] if variant.major else [])


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
class TestEveryVariant:
    def test_each_pattern_is_replaced_as_often_as_it_is_there(self, variant):
        patched = patch_modeling(variant.text, fitting(variant), "m.py")
        expected = {"skip-init": 1, "jit": 4, "jit-script": variant.script}
        if variant.concat:
            expected["torch-concat"] = variant.concat
        if variant.major:
            expected.update({"sophon-mask": 1, "sophon-major-version": 1})
        assert patched.counts == expected

    def test_the_result_parses_and_has_none_of_it_left(self, variant):
        tree = ast.parse(patch_modeling(variant.text, fitting(variant), "m.py").text)
        attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
        assert not {name for name in attributes if name.startswith("_jit_")}
        assert not attributes & {"concat", "script", "masked_fill"}
        assert "skip_init" not in imported

    def test_patching_twice_gives_the_same_bytes(self, variant):
        once = patch_modeling(variant.text, fitting(variant), "m.py")
        twice = patch_modeling(once.text, fitting(variant), "m.py")
        assert twice.text == once.text
        assert twice.counts == {}

    def test_patches_one_by_one_give_the_same_bytes_as_all_at_once(self, variant):
        text = variant.text
        for name in reversed(fitting(variant)):
            text = patch_modeling(text, [name], "m.py").text
        assert text == patch_modeling(variant.text, fitting(variant), "m.py").text

    def test_the_module_runs_under_an_old_torch(self, variant, tmp_path, python):
        (tmp_path / "torch.py").write_text(OLD_TORCH_MODULE)
        (tmp_path / "before.py").write_text(variant.text)
        (tmp_path / "after.py").write_text(patch_modeling(variant.text, fitting(variant), "m.py").text)
        use = "import after; m = after.Model(); p = getattr(m, 'part0', None); print(p and (p.args, p.kwargs))"
        after = subprocess.run([python, "-c", use], cwd=tmp_path, capture_output=True, text=True, check=False)
        before = subprocess.run([python, "-c", "import before"], cwd=tmp_path, capture_output=True, check=False)
        assert before.returncode != 0
        direct = "self.part0" in variant.text
        assert after.stdout == ("((4, 4), {'dtype': 'half'})\n" if direct else "None\n"), after.stderr

    def test_only_the_lines_with_a_pattern_differ(self, variant):
        before = variant.text.splitlines()
        after = patch_modeling(variant.text, ["jit"], "m.py").text.splitlines()
        changed = [line.strip() for line, other in zip(before, after) if line != other]
        assert len(after) == len(before) + 1
        assert len(changed) == 4
        assert all(line.startswith("torch._C._jit_") for line in changed)


class TestDetails:
    def test_words_in_strings_and_comments_stay(self):
        text = patch_modeling(VARIANTS[1].text, ["torch-concat", "jit-script"], "m.py").text
        assert '"""A model: torch.concat( and @torch.jit.script are only words here."""' in text
        assert "# was torch.concat([a, b])" in text
        assert "pass  # fusion" in patch_modeling(text, ["jit"], "m.py").text

    def test_the_mask_is_added_as_sophgos_own_file_does(self):
        text = patch_modeling(VARIANTS[2].text, ["sophon-mask", "sophon-major-version"], "m.py").text
        assert "        attention_scores = attention_scores + attention_mask\n" in text
        assert "    if False:\n" in text

    def test_line_ends_stay(self):
        text = VARIANTS[5].text.replace("\n", "\r\n")
        patched = patch_modeling(text, OLD_TORCH, "m.py").text
        assert patched.count("\n") == patched.count("\r\n")
        assert patched == patch_modeling(VARIANTS[5].text, OLD_TORCH, "m.py").text.replace("\n", "\r\n")

    def test_a_form_feed_and_a_missing_last_line_end_do_not_matter(self):
        text = VARIANTS[5].text.replace("\nclass Model", "\n\x0c\nclass Model") + "# \u2028 end"
        patched = patch_modeling(text, ["jit", "jit-script"], "m.py")
        assert patched.counts == {"jit": 4, "jit-script": 1}
        assert patched.text.endswith("# \u2028 end\n# changed by patch_modeling.py: jit, jit-script\n")


class TestRefused:
    @pytest.mark.parametrize(
        ("variant", "name", "what"),
        [
            (5, "torch-concat", "'torch.concat(' is there 0 times, must be at least once"),
            (7, "sophon-major-version", "'if pytorch_major_version >= 2:' is there 0 times, must be 1 time"),
        ],
    )
    def test_a_pattern_that_is_not_there(self, variant, name, what):
        with pytest.raises(Fault) as caught:
            patch_modeling(VARIANTS[variant].text, ["jit", name], "/m/modeling_chatglm.py")
        assert caught.value.code == BAD_ARTIFACT
        assert str(caught.value) == (
            f"patch '{name}' does not fit /m/modeling_chatglm.py: {what}; leave the patch out if this file does "
            "not need it, or use the revision that it is for"
        )

    def test_a_pattern_that_is_there_too_often(self):
        with pytest.raises(Fault) as caught:
            patch_modeling(VARIANTS[0].text + SKIP_INIT, ["skip-init"], "m.py")
        assert "'from torch.nn.utils import skip_init' is there 2 times, must be 1 time" in str(caught.value)

    def test_somebody_elses_patch_that_leaves_an_empty_block(self):
        broken = VARIANTS[5].text.replace("    torch._C", "    # torch._C")
        with pytest.raises(Fault) as caught:
            patch_modeling(broken, ["skip-init"], "m.py")
        assert str(caught.value).startswith("m.py is not Python, line ")
        assert str(caught.value).endswith(": IndentationError; download the model again")
