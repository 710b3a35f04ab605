import type { V1Container, V1Probe } from '@kubernetes/client-node';

import { deviceCount, type ExaminedObject, type ExaminedPod, inContainers, inDeviceContainers, nameOf } from './examined-object';
import { fault, type Fault } from './fault';
import type { ObjectSet } from './object-set';
import type { Rule } from './rule';

/** Weights of six billion parameters take minutes from a shared volume; shorter budgets end in a restart loop. */
const SHORTEST_START_SECONDS = 300;

interface DeploymentSpec {
  readonly replicas?: number;
  readonly progressDeadlineSeconds?: number;
  readonly strategy?: { readonly type?: string; readonly rollingUpdate?: { readonly maxSurge?: number | string } };
}

interface ServiceSpec {
  readonly selector?: Readonly<Record<string, string>>;
  readonly ports?: readonly { readonly port?: number | string; readonly targetPort?: number | string; readonly protocol?: string }[];
}

interface BudgetSpec {
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  readonly minAvailable?: number | string;
  readonly maxUnavailable?: number | string;
}

/** Seconds until the kubelet kills a container that does not answer; undefined without such a probe. */
function patienceOf({ startupProbe, livenessProbe }: V1Container): number | undefined {
  const probe = startupProbe ?? livenessProbe;
  return probe && (probe.initialDelaySeconds ?? 0) + (probe.periodSeconds ?? 10) * (probe.failureThreshold ?? 3);
}

function probesOf({ startupProbe, readinessProbe, livenessProbe }: V1Container): [string, V1Probe][] {
  return Object.entries({ startupProbe, readinessProbe, livenessProbe }).filter((entry): entry is [string, V1Probe] => entry[1] !== undefined);
}

function portOf({ httpGet, tcpSocket, grpc }: V1Probe): number | string | undefined {
  const ofGrpc: unknown = grpc?.port;
  return httpGet?.port ?? tcpSocket?.port ?? (typeof ofGrpc === 'number' ? ofGrpc : undefined);
}

/** A Deployment with devices. */
function deploymentOf({ object, pods }: ExaminedObject): DeploymentSpec | undefined {
  return object.kind === 'Deployment' && pods.some(({ devices }) => devices.length > 0) ? (object.spec ?? {}) : undefined;
}

function serviceOf({ object }: ExaminedObject): ServiceSpec {
  return object.kind === 'Service' ? (object.spec ?? {}) : {};
}

/** Whether a container lists a port, or its command line or a variable names it: many list only what a Service needs. */
function listensOn({ containers }: ExaminedPod, port: number | string): boolean {
  const isNamed = /^\d+$/.test(String(port)) ? new RegExp(`(^|\\D)${String(port)}(\\D|$)`) : undefined;
  return containers.some(({ container: { ports = [], env = [] }, commandLine }) => ports.some(({ name, containerPort }) => name === port || containerPort === Number(port))
    || (isNamed !== undefined && (isNamed.test(commandLine) || env.some(({ value = '' }) => isNamed.test(value)))));
}

function declaresPorts({ containers }: ExaminedPod): boolean {
  return containers.some(({ container: { ports = [] } }) => ports.length > 0);
}

/** Rules about starting and rolling servers with devices. */
const ROLLOUT_RULES: readonly Rule[] = [
  {
    id: 'startup-budget',
    severity: 'warning',
    explanation: 'loading a model takes minutes, ten on some stacks; a probe that gives up earlier restarts the container before it can answer, for ever',
    fix: 'add a startupProbe whose periodSeconds times failureThreshold cover the load',
    check: inDeviceContainers(({ container }) => {
      const patience = patienceOf(container);
      return patience === undefined || patience >= SHORTEST_START_SECONDS ? []
        : [fault(`container '${container.name}' is restarted if it does not answer ${String(patience)} seconds after its start`, container.startupProbe === undefined ? 'livenessProbe' : 'startupProbe')];
    }),
  },
  {
    id: 'progress-deadline',
    severity: 'warning',
    explanation: 'a Deployment is reported as failed when it is not ready in time, although its container may go on loading; GitOps tools stop there',
    fix: 'set progressDeadlineSeconds above the time for pulling the image and the budget of the startup probe',
    check: (examined) => {
      const spec = deploymentOf(examined);
      const budgets = examined.pods.flatMap(({ containers }) => containers.flatMap(({ container: { startupProbe } }) => startupProbe === undefined ? [] : [patienceOf({ name: '', startupProbe }) ?? 0]));
      const [deadline, budget] = [spec?.progressDeadlineSeconds ?? 600, Math.max(0, ...budgets)];
      return spec === undefined || budget < deadline ? []
        : [fault(`the Deployment may take ${String(deadline)} seconds, but its startup probe alone allows ${String(budget)}`, 'spec', ...spec.progressDeadlineSeconds === undefined ? [] : ['progressDeadlineSeconds'])];
    },
  },
  {
    id: 'surge-devices',
    severity: 'warning',
    explanation: 'a rolling update starts a new pod before it stops an old one; with all devices in use the new pod never starts and the update never ends',
    fix: 'set strategy.type: Recreate, or maxSurge: 0 with maxUnavailable: 1',
    check: (examined) => {
      const spec = deploymentOf(examined);
      const surge = spec?.strategy?.rollingUpdate?.maxSurge ?? '25%';
      return spec === undefined || spec.strategy?.type === 'Recreate' || /^0%?$/.test(String(surge)) ? []
        : [fault(`the Deployment updates with maxSurge ${String(surge)}, so an update needs ${String(Math.max(0, ...examined.pods.map(deviceCount)))} more devices`, 'spec', ...spec.strategy === undefined ? [] : ['strategy'])];
    },
  },
  {
    id: 'image-pull-always',
    severity: 'warning',
    explanation: 'images with the vendors\' libraries have tens of gigabytes, and a pod that must ask the registry does not start while that is away',
    fix: 'set imagePullPolicy: IfNotPresent and pin the image',
    check: inDeviceContainers(({ container }) => container.imagePullPolicy === 'Always' ? [fault(`container '${container.name}' asks for devices and pulls its image at every start`, 'imagePullPolicy')] : []),
  },
  {
    id: 'memory-request',
    severity: 'warning',
    explanation: 'weights pass through the memory of the host; a pod that asks for none lands on a node that has none, and is the first to be evicted',
    fix: 'request memory for the weights and the runtime',
    check: inDeviceContainers(({ container: { name, resources } }) => resources?.requests?.memory === undefined && resources?.limits?.memory === undefined
      ? [fault(`container '${name}' asks for devices but for no memory`, 'resources')] : []),
  },
];

/** Rules about ports, and about what stands in front of pods. */
const TRAFFIC_RULES: readonly Rule[] = [
  {
    id: 'probe-port',
    severity: 'error',
    explanation: 'a probe of a port by name needs a port of that name',
    fix: 'give the port of the container that name',
    check: inContainers(({ container }) => probesOf(container).flatMap(([probe, action]) => {
      const port = portOf(action);
      return typeof port !== 'string' || /^\d+$/.test(port) || container.ports?.some(({ name }) => name === port) === true ? []
        : [fault(`container '${container.name}' probes the port '${port}', but names no such port`, probe)];
    })),
  },
  {
    id: 'probe-port-undeclared',
    severity: 'warning',
    explanation: 'nobody in the pod says that it listens on the port of the probe, which then fails for ever',
    fix: 'probe the port that the container listens on, or list it in ports',
    check: inContainers(({ container }, pod) => probesOf(container).flatMap(([probe, action]) => {
      const port = portOf(action);
      return port === undefined || (typeof port === 'string' && !/^\d+$/.test(port)) || container.ports === undefined || listensOn(pod, port) ? []
        : [fault(`container '${container.name}' probes port ${String(port)}, which no container of the pod lists`, probe)];
    })),
  },
  {
    id: 'service-target-port',
    severity: 'error',
    explanation: 'a Service that names its target port gets no endpoints from pods without a port of that name',
    fix: 'give the port of the container that name',
    comparesObjects: true,
    check: (service, others) => wrongTargets(service, others, (port) => typeof port === 'string' && !/^\d+$/.test(port)),
  },
  {
    id: 'service-port-undeclared',
    severity: 'warning',
    explanation: 'nobody in the selected pods says that it listens on the port to which the Service sends its traffic',
    fix: 'set targetPort to a port of the container, or list the port in ports',
    comparesObjects: true,
    check: (service, others) => wrongTargets(service, others, (port) => typeof port === 'number' || /^\d+$/.test(port)),
  },
  {
    id: 'service-selector',
    severity: 'error',
    explanation: 'a Service that selects no pods has no endpoints, and requests to it fail',
    fix: 'select labels of the pod template',
    comparesObjects: true,
    check: (service, others) => {
      const { selector = {} } = serviceOf(service);
      const namesake = ['Deployment', 'StatefulSet'].flatMap((kind) => others.named(kind, service.namespace, service.object.metadata.name))[0];
      return Object.keys(selector).length === 0 || namesake === undefined || selectedBy(service, others).length > 0 ? []
        : [fault(`the Service selects no pods, not even those of ${nameOf(namesake.object)}`, 'spec', 'selector')];
    },
  },
  {
    id: 'autoscaler-replicas',
    severity: 'warning',
    explanation: 'every time the manifest is applied, replicas undoes what the autoscaler decided, and pods with loaded models are stopped',
    fix: 'leave replicas out of the workload',
    comparesObjects: true,
    check: ({ object, namespace }, others) => {
      const { scaleTargetRef: { kind = 'Deployment', name = '' } = {} } = (object.spec ?? {}) as { scaleTargetRef?: { kind?: string; name?: string } };
      return !['HorizontalPodAutoscaler', 'ScaledObject'].includes(object.kind) ? [] : others.named(kind, namespace, name)
        .filter((workload) => (workload.object.spec as DeploymentSpec | undefined)?.replicas !== undefined)
        .map((workload) => fault(`it scales ${nameOf(workload.object)}, which says replicas as well`, 'spec', 'scaleTargetRef'));
    },
  },
  {
    id: 'disruption-budget',
    severity: 'warning',
    explanation: 'a disruption budget that allows no pod to be away blocks every drain of a node, for ever',
    fix: 'allow one pod to be away: maxUnavailable: 1',
    comparesObjects: true,
    check: (budget, others) => budget.object.kind === 'PodDisruptionBudget' ? blockingBudget(budget, others) : [],
  },
];

function blockingBudget({ object, namespace }: ExaminedObject, others: ObjectSet): Fault[] {
  const { selector, minAvailable, maxUnavailable } = (object.spec ?? {}) as BudgetSpec;
  const pods = others.selected(namespace, selector?.matchLabels ?? {}).reduce((sum, { pods: count = 0 }) => sum + count, 0);
  if (/^0%?$/.test(String(maxUnavailable))) {
    return [fault(`maxUnavailable is ${String(maxUnavailable)}`, 'spec', 'maxUnavailable')];
  }
  return minAvailable === '100%' || (typeof minAvailable === 'number' && pods > 0 && minAvailable >= pods)
    ? [fault(`minAvailable is ${String(minAvailable)}${pods > 0 ? `, and there are ${String(pods)} pods` : ''}`, 'spec', 'minAvailable')] : [];
}

/** Ports of a Service that pods which it selects, and which list ports, do not list. */
function wrongTargets(service: ExaminedObject, others: ObjectSet, isMeant: (port: number | string) => boolean): Fault[] {
  return (serviceOf(service).ports ?? []).flatMap(({ port, targetPort = port }, index) => targetPort === undefined || !isMeant(targetPort) ? [] : selectedBy(service, others)
    .filter((pod) => (declaresPorts(pod) || typeof targetPort === 'string') && !listensOn(pod, targetPort)).slice(0, 1)
    .map((pod) => fault(`the Service sends traffic to port ${String(targetPort)}, but ${nameOf(pod.object)} lists none such`, 'spec', 'ports', index)));
}

function selectedBy(service: ExaminedObject, others: ObjectSet): readonly ExaminedPod[] {
  return others.selected(service.namespace, serviceOf(service).selector ?? {});
}

/** Rules about servers. */
export const SERVER_RULES: readonly Rule[] = [...ROLLOUT_RULES, ...TRAFFIC_RULES];
