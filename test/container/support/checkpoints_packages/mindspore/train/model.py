"""The training loop as MindSpore has it: in sink mode an epoch is a sink, and callbacks hear of sinks."""


class Params:
    cur_step_num = cur_epoch_num = 0
    batch_num = epoch_num = 1


class RunContext:
    def __init__(self):
        self.stop, self._params = False, Params()

    def original_args(self):
        return self._params

    def request_stop(self):
        self.stop = True


class Model:
    """Does steps by a function `step(epoch)`."""

    def __init__(self, step):
        self._step = step

    def train(self, epoch, train_dataset, callbacks=None, dataset_sink_mode=False, sink_size=-1, initial_epoch=0):
        if initial_epoch >= epoch:
            raise ValueError("For 'Model.train', the parameter 'epoch' must bigger than parameter 'initial_epoch'")
        context = RunContext()
        params = context.original_args()
        params.epoch_num, params.batch_num = epoch, sink_size
        for callback in callbacks:
            callback.begin(context)
        for number in range(initial_epoch + 1, epoch + 1):
            for _ in range(sink_size):
                self._step(number)
            params.cur_epoch_num, params.cur_step_num = number, params.cur_step_num + sink_size
            for callback in callbacks:
                callback.step_end(context)
            if context.stop:
                break
        for callback in callbacks:
            callback.end(context)
