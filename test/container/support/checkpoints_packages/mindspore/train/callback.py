"""Callbacks as MindSpore has them (mindspore 2.2 train/callback/_checkpoint.py)."""

import os


class Callback:
    def begin(self, run_context):
        """Called once, before the first step."""

    def step_end(self, run_context):
        """Called after each step; in sink mode after each sink."""

    def end(self, run_context):
        """Called once, after the last step."""


class ModelCheckpoint(Callback):
    """Saves every `save_checkpoint_steps` and at the end; of its own files it keeps `keep_checkpoint_max`."""

    def __init__(self, prefix, directory, save_checkpoint_steps, keep_checkpoint_max):
        os.makedirs(directory, exist_ok=True)
        taken = any(name.startswith(f"{prefix}-") for name in os.listdir(directory))
        self._prefix = f"{prefix}_1" if taken else prefix
        self._directory, self._every, self._most = directory, save_checkpoint_steps, keep_checkpoint_max
        self._last = 0

    def step_end(self, run_context):
        self._save_ckpt(run_context.original_args())

    def end(self, run_context):
        self._save_ckpt(run_context.original_args(), force_to_save=True)

    def write(self, params, path):
        """Write the checkpoint of now."""
        raise NotImplementedError

    def _save_ckpt(self, cb_params, force_to_save=False):
        step = cb_params.cur_step_num
        if step == self._last or not (force_to_save or step >= self._last + self._every):
            return
        mine = [name for name in os.listdir(self._directory) if name.startswith(f"{self._prefix}-")]
        if len(mine) >= self._most:
            paths = (os.path.join(self._directory, name) for name in mine)
            os.remove(min(paths, key=os.path.getmtime))
        self._last = step
        name = f"{self._prefix}-{cb_params.cur_epoch_num}_{(step - 1) % cb_params.batch_num + 1}.ckpt"
        self.write(cb_params, os.path.join(self._directory, name))
