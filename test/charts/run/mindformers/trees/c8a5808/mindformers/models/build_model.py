"""Networks of a configuration's section `model`."""

from answering import Network


class GLMChatModel(Network):
    def generate(
        self, input_ids, do_sample=None, top_k=None, top_p=None, eos_token_id=None, pad_token_id=None,
        repetition_penalty=None, max_length=None, streamer=None,
    ):  # fmt: skip
        if do_sample and self.config.is_npu_acceleration and top_p < 1:
            raise NotImplementedError("top_p not support for npu_acceleration yet")
        self.say(input_ids, streamer)


def build_model(config=None, default_args=None, module_type="models", class_name=None, **kwargs):
    return GLMChatModel(config.model_config, lora=config.arch.type.endswith("WithLora"))
