"""Callbacks as MindSpore has them."""


class Callback:
    """Hears of the training's beginning and of each step."""

    def begin(self, run_context):
        """Called once, before the first step."""

    def step_end(self, run_context):
        """Called after each step."""


class ModelCheckpoint(Callback):
    """Saves by a function `save(step)`, every so many steps or when forced."""

    def __init__(self, save, every):
        self._save, self._every, self._last = save, every, 0

    def step_end(self, run_context):
        """Save if it is time."""
        self._save_ckpt(run_context.original_args())

    def _save_ckpt(self, cb_params, force_to_save=False):
        step = cb_params.cur_step_num
        if step != self._last and (force_to_save or step % self._every == 0):
            self._last = step
            self._save(step)
