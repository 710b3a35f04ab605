"""The training loop as MindSpore has it: callbacks are called in their order."""


class Params:
    """What callbacks may look at."""

    cur_step_num = 0


class RunContext:
    """What callbacks are given."""

    def __init__(self):
        self.stop, self._params = False, Params()

    def original_args(self):
        """Return what callbacks may look at."""
        return self._params

    def request_stop(self):
        """End the training after this step."""
        self.stop = True


class Model:
    """Does steps by a function `step(number)`."""

    def __init__(self, step):
        self._step = step

    def train(self, epoch, train_dataset, callbacks=None, initial_epoch=0):
        """Train until step `epoch`, from `initial_epoch` on."""
        if initial_epoch >= epoch:
            raise ValueError("For 'Model.train', the parameter 'epoch' must bigger than parameter 'initial_epoch'")
        context = RunContext()
        for callback in callbacks:
            callback.begin(context)
        for number in range(initial_epoch + 1, epoch + 1):
            self._step(number)
            context.original_args().cur_step_num = number
            for callback in callbacks:
                callback.step_end(context)
            if context.stop:
                return
