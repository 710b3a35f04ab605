import { RING_CONTROLLER, RING_GENERATIONS } from './ascend-chip';
import { type ExaminedObject, type ExaminedPod, inContainers, inDevicePods, inPods, nameOf } from './examined-object';
import { fault, quoted } from './fault';
import type { Rule } from './rule';

/** Where MindCluster's samples mount the rank table (14_hccl.json_file_description.md). */
const RANK_TABLE_PATH = '/user/serverid/devindex/config';
const PREFIX = 'rings-config-';
const SOURCE = 'Ascend/mind-cluster@22bb3d98 component/ascend-operator, 14_hccl.json_file_description.md';

/** The rank table that a pod mounts: the ConfigMap's name, and the volume's index. */
function rankTableOf({ spec }: ExaminedPod): { configMap: string; index: number } | undefined {
  const index = (spec.volumes ?? []).findIndex(({ configMap }) => configMap?.name?.startsWith(PREFIX) === true);
  return index < 0 ? undefined : { configMap: spec.volumes![index]!.configMap!.name!, index };
}

/** Whether an object is a ConfigMap that MindCluster's operator fills. */
function isRankTable({ object }: ExaminedObject): boolean {
  return object.kind === 'ConfigMap' && object.metadata.name.startsWith(PREFIX);
}

/** Rules about the label that names the chip generation. */
const LABEL_RULES: readonly Rule[] = [
  {
    id: 'ring-controller-known',
    severity: 'error',
    explanation: `the label ${RING_CONTROLLER} is read letter by letter; A3 servers have the value of A2, ascend-910b (Ascend/mind-cluster@22bb3d98 15_yaml_configuration.md)`,
    fix: `use ${Object.keys(RING_GENERATIONS).join(', ')}`,
    check: (examined) => [[], ...examined.pods.map(({ place }) => place)].flatMap((place, index) => {
      const value = (index === 0 ? examined.object.metadata : examined.pods[index - 1]!.metadata).labels?.[RING_CONTROLLER];
      const isSame = index > 0 && place.length === 0;
      return value === undefined || isSame || Object.hasOwn(RING_GENERATIONS, value) ? []
        : [fault(`the label ${RING_CONTROLLER} is '${value}', which is none of ${Object.keys(RING_GENERATIONS).join(', ')}`, ...place, 'metadata', 'labels', RING_CONTROLLER)];
    }),
  },
  {
    id: 'ring-controller-resource',
    severity: 'error',
    explanation: `the label ${RING_CONTROLLER} and the resource name different chips (Ascend/mind-cluster@22bb3d98 15_yaml_configuration.md)`,
    fix: 'give the label of the chip whose resource the pod asks for',
    check: inDevicePods(({ metadata, devices }) => {
      const value = metadata.labels?.[RING_CONTROLLER] ?? '';
      const generation = RING_GENERATIONS[value];
      const ascend = devices.filter(({ resource }) => resource.startsWith('huawei.com/'));
      return generation === undefined || ascend.length === 0 || ascend.some(({ resource }) => generation.resource.test(resource)) ? []
        : [fault(`the label ${RING_CONTROLLER} is '${value}', but the pod asks for ${ascend.map(({ resource }) => resource).join(', ')}`, 'metadata', 'labels', RING_CONTROLLER)];
    }),
  },
  {
    id: 'ring-controller-places',
    severity: 'error',
    explanation: `the operator that fills rank tables reads the label ${RING_CONTROLLER} of the workload, of its pods and of the ConfigMap (Ascend/mind-cluster@22bb3d98 12_k8s.md)`,
    fix: 'put the same label on the workload and on its pod template',
    check: inDevicePods((pod) => {
      const [ofObject, ofPod] = [pod.object.metadata.labels?.[RING_CONTROLLER], pod.metadata.labels?.[RING_CONTROLLER]];
      const isNeeded = rankTableOf(pod) !== undefined || (ofObject !== undefined && ofPod !== undefined);
      return !isNeeded || ofObject === ofPod ? []
        : [fault(`the label ${RING_CONTROLLER} is ${quoted(ofObject)} on the ${pod.object.kind} and ${quoted(ofPod)} on its pods`, 'metadata')];
    }),
  },
];

/** Rules about the ConfigMap of a rank table. */
const CONFIG_MAP_RULES: readonly Rule[] = [
  {
    id: 'rank-table-name',
    severity: 'error',
    explanation: `MindCluster's operator fills the ConfigMap ${PREFIX}<name of the job> and no other (${SOURCE})`,
    fix: `call the ConfigMap ${PREFIX} and the name of the workload`,
    check: inPods((pod) => {
      const table = rankTableOf(pod);
      return table === undefined || table.configMap === PREFIX + pod.object.metadata.name ? []
        : [fault(`the pod mounts the rank table '${table.configMap}', but the operator fills '${PREFIX}${pod.object.metadata.name}'`, 'spec', 'volumes', table.index)];
    }),
  },
  {
    id: 'rank-table-config-map',
    severity: 'error',
    explanation: `MindCluster's operator updates the ConfigMap of a rank table and never creates it (${SOURCE})`,
    fix: 'apply an empty ConfigMap of that name in the same namespace; if it is in another file, check both together',
    comparesObjects: true,
    check: ({ pods, namespace }, others) => pods.flatMap((pod) => {
      const table = rankTableOf(pod);
      return table === undefined || others.named('ConfigMap', namespace, table.configMap).length > 0 ? []
        : [fault(`the pod mounts the rank table '${table.configMap}', and no ConfigMap of that name is among the checked objects of its namespace`, ...pod.place, 'spec', 'volumes', table.index)];
    }),
  },
  {
    id: 'rank-table-label',
    severity: 'error',
    explanation: `the operator finds the ConfigMap of a rank table by the label ${RING_CONTROLLER} (Ascend/mind-cluster@22bb3d98 12_k8s.md)`,
    fix: 'put the label of the workload on the ConfigMap',
    comparesObjects: true,
    check: (table, others) => !isRankTable(table) ? [] : ['Job', 'AscendJob', 'Deployment', 'StatefulSet']
      .flatMap((kind) => others.named(kind, table.namespace, table.object.metadata.name.slice(PREFIX.length)))
      .flatMap((workload) => {
        const [wanted, given] = [workload.object.metadata.labels?.[RING_CONTROLLER], table.object.metadata.labels?.[RING_CONTROLLER]];
        return wanted === undefined || wanted === given ? []
          : [fault(`the label ${RING_CONTROLLER} of the rank table is ${quoted(given)}, but ${nameOf(workload.object)} has '${wanted}'`, 'metadata')];
      }),
  },
  {
    id: 'rank-table-reset',
    severity: 'warning',
    explanation: 'the operator writes the table into the ConfigMap; whoever applies the manifest again puts its data back, and restarted ranks wait for a table that nobody completes',
    fix: 'leave data out: the operator adds the key',
    check: (table) => isRankTable(table) && Object.keys((table.object.data ?? {})).length > 0
      ? [fault('the rank table has data, which overwrites what the operator wrote when it is applied again', 'data')] : [],
  },
  {
    id: 'rank-table-mounted',
    severity: 'error',
    explanation: `the rank table appears under ${RANK_TABLE_PATH} only if its ConfigMap is mounted there (${SOURCE})`,
    fix: `mount the ConfigMap ${PREFIX}<name of the job> at ${RANK_TABLE_PATH}`,
    check: inContainers(({ container: { name, env = [], volumeMounts = [] } }) => env.flatMap((variable, index) => {
      const file = variable.name === 'RANK_TABLE_FILE' ? variable.value ?? '' : '';
      return !file.startsWith(`${RANK_TABLE_PATH}/`) || volumeMounts.some(({ mountPath }) => file.startsWith(`${mountPath.replace(/\/$/, '')}/`)) ? []
        : [fault(`container '${name}' reads its rank table from ${file}, where nothing is mounted`, 'env', index)];
    })),
  },
  {
    id: 'rank-table-deploy-name',
    severity: 'error',
    explanation: 'the operator finds the pods of a Deployment by the label deploy-name (Ascend/mind-cluster@22bb3d98 12_k8s.md)',
    fix: 'put the label deploy-name with the name of the Deployment on its pods',
    check: inPods((pod) => {
      const { kind, metadata: { name } } = pod.object;
      const label = pod.metadata.labels?.['deploy-name'];
      return kind !== 'Deployment' || rankTableOf(pod) === undefined || label === name ? []
        : [fault(`the pods mount a rank table, but their label deploy-name is ${quoted(label)}; it must be '${name}'`, 'metadata')];
    }),
  },
];

/** Rules about rank tables that MindCluster's operator fills. */
export const RANK_TABLE_RULES: readonly Rule[] = [...LABEL_RULES, ...CONFIG_MAP_RULES];
