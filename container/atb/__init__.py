"""ChatGLM2-6B on ATB: the steps around the vendor's scripts, from weights to accuracy and speed.

The scripts are those of aeeeeeep/ModelLink@839b2483 in mindie_ref/mindie_llm/atb_models/pytorch/examples/
chatglm2/6b; file and flag names here are theirs.
"""
