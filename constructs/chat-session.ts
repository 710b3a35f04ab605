import { type ApiObject, Chart, type Duration } from 'cdk8s';
import { Construct } from 'constructs';

import { checkMemory, resolveDevices } from '../lib/accelerators/device-options';
import { MemoryTask } from '../lib/models/memory-estimate';
import { Platform } from '../lib/platform';
import type { ChatRequest } from '../lib/runtimes/step-requests';
import type { Task } from '../lib/runtimes/task';
import { WorkloadKind } from '../lib/workloads/workload-kind';
import { renderBatchTask } from './batch-task';
import { located } from './located';
import { type ModelOptions, modelRequest } from './model-step';
import { objectLabels, objectName } from './object-name';

/** A model to talk to on a terminal. */
export interface ChatSessionProps extends ModelOptions {
  /**
   * The session ends by itself after this time without a question, so that a forgotten one does not keep its devices.
   *
   * @default Duration.minutes(30)
   */
  readonly idleTime?: Duration;
}

/** Where the command stands that opens the terminal. */
const ATTACH_ANNOTATION = 'cdk8s-chatglm/attach';

/**
 * A Job with a model and a terminal. The pods' annotation `cdk8s-chatglm/attach` has the command that opens it; `/quit` or the idle time ends the
 * Job. A finished session starts again when its Job is deleted and applied anew.
 */
export class ChatSession extends Construct {
  /** The Job. */
  public readonly job: ApiObject;

  /**
   * @throws if the runtime has no chat, or model, chip and memory do not go together
   */
  constructor(scope: Construct, id: string, props: ChatSessionProps) {
    super(scope, id);
    this.job = located(this, () => this.render(props));
  }

  private render(props: ChatSessionProps): ApiObject {
    const { runtime, accelerator } = props;
    const request = { ...modelRequest(props), idleMinutes: idleMinutes(props) };
    const task = this.withAttachCommand(runtime._chat(request));
    const devices = accelerator && resolveDevices(accelerator, { devices: request.devices, nodes: 1 }, props, Platform.of(this));
    if (accelerator && devices) {
      const { model, dtype, contextLength } = request;
      checkMemory(accelerator, { model, dtype, devices: request.devices, task: MemoryTask.INFERENCE, seqLength: contextLength, batch: 1 }, props, devices.plugin);
    }
    return renderBatchTask(this, { task, options: props, accelerator, devices, kind: WorkloadKind.JOB, pods: 1, backoffLimit: 0 });
  }

  private withAttachCommand(task: Task): Task {
    const { namespace } = Chart.of(this);
    const { selector } = objectLabels(objectName(this), task.name, this);
    const labels = Object.entries(selector).map((label) => label.join('=')).join(',');
    const kubectl = `kubectl${namespace === undefined ? '' : ` -n ${namespace}`}`;
    const attach = `${kubectl} attach -it $(${kubectl} get pod -l ${labels} -o name)`;
    return { ...task, fragment: { ...task.fragment, annotations: { ...task.fragment.annotations, [ATTACH_ANNOTATION]: attach } } };
  }
}

function idleMinutes({ idleTime }: ChatSessionProps): ChatRequest['idleMinutes'] {
  const minutes = (idleTime?.toSeconds() ?? 1800) / 60;
  if (!(minutes >= 1 && minutes <= 1440)) {
    throw new Error(`'idleTime' must be from 1 minute to 1 day, got ${String(60 * minutes)} seconds`);
  }
  return minutes;
}
