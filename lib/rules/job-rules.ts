import type { KubernetesObject } from '../workloads/kubernetes-object';
import { deviceCount, type ExaminedPod } from './examined-object';
import { fault, type Fault, quoted } from './fault';
import type { Rule } from './rule';

interface Policy { readonly event?: string; readonly events?: readonly string[]; readonly exitCode?: number; readonly action?: string }
interface Task { readonly replicas?: number }
interface Spec {
  readonly minAvailable?: number;
  readonly tasks?: readonly Task[];
  readonly policies?: readonly Policy[];
  readonly replicaSpecs?: Readonly<Record<string, Task>>;
  readonly runPolicy?: { readonly schedulingPolicy?: { readonly minAvailable?: number } };
}

const VOLCANO_SOURCE = 'volcano-sh/volcano@ed72c7c8 pkg/webhooks/admission/jobs/validate';
const OPERATOR_SOURCE = 'Ascend/mind-cluster@22bb3d98 component/ascend-operator ascendjob_validate.go';

/** Roles of an AscendJob by its framework; the first one leads. */
const ROLES: Readonly<Record<string, readonly [string, string]>> = { mindspore: ['Scheduler', 'Worker'], pytorch: ['Master', 'Worker'], tensorflow: ['Chief', 'Worker'] };

function specOf({ spec }: KubernetesObject): Spec {
  return (spec ?? {});
}

function isVolcanoJob({ apiVersion, kind }: KubernetesObject): boolean {
  return kind === 'Job' && apiVersion.startsWith('batch.volcano.sh/');
}

/** How many pods must be placed together, of how many there are, and where it is said. */
function gangOf(object: KubernetesObject): { least: number; pods: number; place: string[] } | undefined {
  const { minAvailable, tasks = [], replicaSpecs = {}, runPolicy } = specOf(object);
  if (isVolcanoJob(object) && minAvailable !== undefined) {
    return { least: minAvailable, pods: sum(tasks), place: ['spec', 'minAvailable'] };
  }
  const least = runPolicy?.schedulingPolicy?.minAvailable;
  return object.kind !== 'AscendJob' || least === undefined ? undefined
    : { least, pods: sum(Object.values(replicaSpecs)), place: ['spec', 'runPolicy', 'schedulingPolicy', 'minAvailable'] };
}

function sum(tasks: readonly Task[]): number {
  return tasks.reduce((all, { replicas = 1 }) => all + replicas, 0);
}

function policyFaults(policies: readonly Policy[]): Fault[] {
  const events = policies.flatMap(({ event, events = [] }) => [...event === undefined ? [] : [event], ...events]);
  const codes = policies.flatMap(({ exitCode }) => exitCode === undefined ? [] : [exitCode]);
  const twice = [...new Set([...events, ...codes].filter((value, index, all) => all.indexOf(value) !== index))];
  return [
    ...policies.flatMap(({ event, events: several = [], exitCode }, index) => {
      const hasEvent = event !== undefined || several.length > 0;
      const complaint = hasEvent && exitCode !== undefined ? 'has both an event and an exit code' : !hasEvent && exitCode === undefined ? 'has neither an event nor an exit code'
        : exitCode === 0 ? 'is for exit code 0, which is no failure' : undefined;
      return complaint === undefined ? [] : [fault(`policy ${String(index)} ${complaint}`, 'spec', 'policies', index)];
    }),
    ...twice.map((value) => fault(`two policies are for ${String(value)}`, 'spec', 'policies')),
  ];
}

/** Rules about jobs whose pods start together. */
const GANG_RULES: readonly Rule[] = [
  {
    id: 'gang-too-large',
    severity: 'error',
    explanation: `a job that must place more pods than it has never starts, and Volcano refuses it (${VOLCANO_SOURCE})`,
    fix: 'set minAvailable to the number of pods, an AscendJob\'s Scheduler or Master included',
    check: ({ object }) => {
      const gang = gangOf(object);
      return gang === undefined || gang.least <= gang.pods ? [] : [fault(`minAvailable is ${String(gang.least)}, but the job has ${String(gang.pods)} pods`, ...gang.place)];
    },
  },
  {
    id: 'gang-incomplete',
    severity: 'warning',
    explanation: 'some ranks may start without the others; they hold their devices and wait for ranks that find none',
    fix: 'set minAvailable to the number of pods',
    check: (examined) => {
      const gang = gangOf(examined.object);
      return gang === undefined || gang.least >= gang.pods || examined.pods.every(({ devices }) => devices.length === 0) ? []
        : [fault(`minAvailable is ${String(gang.least)}, but the job has ${String(gang.pods)} pods that need each other`, ...gang.place)];
    },
  },
  {
    id: 'volcano-policies',
    severity: 'error',
    explanation: `Volcano refuses policies with both an event and an exit code, with neither, for exit code 0, and two for the same (${VOLCANO_SOURCE}/util.go)`,
    fix: 'give every policy either an event or an exit code of its own',
    check: ({ object }) => isVolcanoJob(object) ? policyFaults(specOf(object).policies ?? []) : [],
  },
  {
    id: 'volcano-policy-order',
    severity: 'warning',
    explanation: 'Volcano takes the first policy that matches, and a pod that ends with any code but 0 matches PodFailed, so policies for exit codes after it are never used',
    fix: 'put the policies for exit codes first',
    check: ({ object }) => {
      const policies = isVolcanoJob(object) ? specOf(object).policies ?? [] : [];
      const failed = policies.findIndex(({ event, events = [] }) => [event, ...events].some((name) => name === 'PodFailed' || name === '*'));
      return policies.flatMap(({ exitCode }, index) => failed < 0 || exitCode === undefined || index < failed ? []
        : [fault(`policy ${String(index)} for exit code ${String(exitCode)} comes after policy ${String(failed)}, which takes every failure`, 'spec', 'policies', index)]);
    },
  },
  {
    id: 'job-without-index',
    severity: 'warning',
    explanation: 'the pods of a Job with devices that run side by side cannot know their ranks without an index',
    fix: 'set completionMode: Indexed, and completions to the number of pods',
    check: ({ object, pods }) => {
      const { parallelism = 1, completionMode } = specOf(object) as { parallelism?: number; completionMode?: string };
      const isPlainJob = object.kind === 'Job' && object.apiVersion.startsWith('batch/');
      return !isPlainJob || parallelism < 2 || completionMode === 'Indexed' || pods.every(({ devices }) => devices.length === 0) ? []
        : [fault(`${String(parallelism)} pods with devices run side by side without an index`, 'spec', 'parallelism')];
    },
  },
  {
    id: 'rendezvous-service',
    severity: 'error',
    explanation: 'the host names of pods with a subdomain come from a headless Service of that name; another kind of Service gives them none',
    fix: 'set clusterIP: None on the Service',
    comparesObjects: true,
    check: ({ pods, namespace }, others) => pods.flatMap((pod) => servicesOf(pod, namespace, others).filter(({ clusterIP }) => clusterIP !== 'None')
      .map(() => fault(`the pods have the subdomain '${String(pod.spec.subdomain)}', but the Service of that name is not headless`, ...pod.place, 'spec', 'subdomain'))),
  },
  {
    id: 'rendezvous-not-ready',
    severity: 'warning',
    explanation: 'ranks meet before their pods are ready, and the names of pods that are not ready do not resolve unless the Service publishes them',
    fix: 'set publishNotReadyAddresses: true on the headless Service',
    comparesObjects: true,
    check: ({ pods, namespace }, others) => pods.flatMap((pod) => pod.devices.length === 0 ? [] : servicesOf(pod, namespace, others)
      .filter(({ clusterIP, publishNotReadyAddresses }) => clusterIP === 'None' && publishNotReadyAddresses !== true)
      .map(() => fault(`the pods meet through the Service '${String(pod.spec.subdomain)}', which does not publish the addresses of pods that are not ready`, ...pod.place, 'spec', 'subdomain'))),
  },
];

/** Rules about AscendJobs. */
const ASCEND_JOB_RULES: readonly Rule[] = [
  {
    id: 'ascend-job-container',
    severity: 'error',
    explanation: `MindCluster's operator refuses an AscendJob without a container called ascend (${OPERATOR_SOURCE})`,
    fix: 'call the container ascend',
    check: ({ object, pods }) => object.kind !== 'AscendJob' ? [] : pods.filter(({ spec }) => !spec.containers.some(({ name }) => name === 'ascend'))
      .map(({ place, role, spec }) => fault(`the role ${role ?? ''} has no container 'ascend', only ${spec.containers.map(({ name }) => `'${name}'`).join(', ')}`, ...place, 'spec', 'containers')),
  },
  {
    id: 'ascend-job-framework',
    severity: 'error',
    explanation: `MindCluster's operator sets the variables of the framework that the label framework names (${OPERATOR_SOURCE})`,
    fix: `set the label framework to ${Object.keys(ROLES).join(', ')}`,
    check: ({ object }) => {
      const framework = object.metadata.labels?.framework;
      return object.kind !== 'AscendJob' || Object.hasOwn(ROLES, framework ?? '') ? []
        : [fault(`the label framework is ${quoted(framework)}; it must be one of ${Object.keys(ROLES).join(', ')}`, 'metadata')];
    },
  },
  {
    id: 'ascend-job-roles',
    severity: 'error',
    explanation: `each framework has two roles, of which the first has one pod; MindSpore can do without its Scheduler on one device at most (${OPERATOR_SOURCE})`,
    fix: 'use Scheduler and Worker for MindSpore, Master and Worker for PyTorch, Chief and Worker for TensorFlow',
    check: ({ object, pods }) => {
      const roles = ROLES[object.metadata.labels?.framework ?? ''];
      return object.kind !== 'AscendJob' || roles === undefined ? [] : roleFaults(specOf(object).replicaSpecs ?? {}, roles, pods);
    },
  },
];

function roleFaults(given: Readonly<Record<string, Task>>, roles: readonly [string, string], pods: readonly ExaminedPod[]): Fault[] {
  const [leader] = roles;
  const devices = pods.reduce((all, pod) => all + deviceCount(pod) * (pod.pods ?? 1), 0);
  return [
    ...Object.keys(given).filter((role) => !roles.includes(role)).map((role) => fault(`the role '${role}' is none of ${roles.join(', ')}`, 'spec', 'replicaSpecs', role)),
    ...(given[leader] === undefined || (given[leader].replicas ?? 1) === 1 ? []
      : [fault(`the role ${leader} has ${String(given[leader].replicas)} pods instead of 1`, 'spec', 'replicaSpecs', leader)]),
    ...(leader === 'Scheduler' && given[leader] === undefined && devices > 1
      ? [fault(`a MindSpore job of ${String(devices)} devices has no Scheduler`, 'spec', 'replicaSpecs')] : []),
  ];
}

function servicesOf({ spec: { subdomain } }: ExaminedPod, namespace: string, others: Parameters<Rule['check']>[1]): { clusterIP?: string; publishNotReadyAddresses?: boolean }[] {
  return subdomain === undefined ? [] : others.named('Service', namespace, subdomain).map(({ object }) => (object.spec ?? {}));
}

/** Rules about jobs of several pods. */
export const JOB_RULES: readonly Rule[] = [...GANG_RULES, ...ASCEND_JOB_RULES];
