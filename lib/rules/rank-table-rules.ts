import { RING_CONTROLLER, RING_GENERATIONS } from './ascend-chip';
import { type ExaminedObject, type ExaminedPod, inContainers, inDevicePods, inPods, nameOf } from './examined-object';
import { fault, quoted } from './fault';
import type { Rule } from './rule';
import { groupKind } from './workload-kind';

/** Where MindCluster's samples mount the rank table (14_hccl.json_file_description.md). */
const RANK_TABLE_PATH = '/user/serverid/devindex/config';
const PREFIX = 'rings-config-';
const SOURCE = 'Ascend/mind-cluster@22bb3d98 component/ascend-operator, 14_hccl.json_file_description.md';

const PLUGINS = 'Ascend/mind-cluster@22bb3d98 component/ascend-operator pkg/ranktable/plugins.go';
/** Kinds whose rank table the operator makes only when asked; that of an AscendJob it always makes. */
const FILLED_ON_DEMAND = new Set(['batch.volcano.sh/Job', 'apps/Deployment', 'apps/StatefulSet']);

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
    severity: 'warning',
    explanation: `the operator that fills rank tables reads the label ${RING_CONTROLLER} of the workload alone (${PLUGINS}), but the scheduler of MindCluster 6.0 and before refuses 910B pods without their own `
      + '(branch_v6.0.0 component/ascend-for-volcano internal/ascend910/ascend910b/job.go CheckJobForm)',
    fix: 'put the same label on the workload and on its pod template',
    check: inDevicePods((pod) => {
      const [ofObject, ofPod] = [pod.object.metadata.labels?.[RING_CONTROLLER], pod.metadata.labels?.[RING_CONTROLLER]];
      const isRead = ofObject !== undefined && (ofPod !== undefined || rankTableOf(pod) !== undefined);
      return !isRead || ofObject === ofPod ? []
        : [fault(`the label ${RING_CONTROLLER} is ${quoted(ofObject)} on the ${pod.object.kind} and ${quoted(ofPod)} on its pods`, 'metadata')];
    }),
  },
  {
    id: 'rank-table-workload',
    severity: 'error',
    explanation: `the operator makes the rank table of a Volcano Job, Deployment or StatefulSet only if the workload itself has the label ${RING_CONTROLLER}, or, from 26.0 on, its pods a volume called ranktable; `
      + `a label on the pods does not count (${PLUGINS} ShouldGenerateRankTable)`,
    fix: `put the label ${RING_CONTROLLER} on the workload`,
    check: ({ object, pods }) => {
      const [table] = pods.flatMap((pod) => rankTableOf(pod) ?? []);
      const isMade = object.metadata.labels?.[RING_CONTROLLER] !== undefined || pods.some(({ spec }) => spec.volumes?.some(({ name }) => name === 'ranktable'));
      return table === undefined || isMade || !FILLED_ON_DEMAND.has(groupKind(object)) ? []
        : [fault(`the pods mount the rank table '${table.configMap}', but the ${object.kind} has no label ${RING_CONTROLLER}`, 'metadata')];
    },
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
    severity: 'warning',
    explanation: `the hccl-controller of MindCluster 5.0 looks for the label ${RING_CONTROLLER} on the ConfigMap of a rank table (branch_v5.0.0 component/ascend-hccl-controller pkg/ring-controller/model/vcjob.go); `
      + 'the operator of later ones finds the ConfigMap by its name',
    fix: 'put the label of the workload on the ConfigMap, or ignore this from MindCluster 6.0 on',
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
    fix: 'leave data out: the operator adds the key from MindCluster 7.0 on; that of 6.x cannot do without, so ignore this there and do not apply the ConfigMap again while the job runs',
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
    explanation: 'the operator finds the pods of a Deployment, and of a StatefulSet, by the label deploy-name (Ascend/mind-cluster@22bb3d98 component/ascend-operator pkg/controllers/v1/jobinfo.go genLabels)',
    fix: 'put the label deploy-name with the name of the workload on its pods',
    check: inPods((pod) => {
      const { metadata: { name } } = pod.object;
      const label = pod.metadata.labels?.['deploy-name'];
      return !['apps/Deployment', 'apps/StatefulSet'].includes(groupKind(pod.object)) || rankTableOf(pod) === undefined || label === name ? []
        : [fault(`the pods mount a rank table, but their label deploy-name is ${quoted(label)}; it must be '${name}'`, 'metadata')];
    }),
  },
];

/** Rules about rank tables that MindCluster's operator fills. */
export const RANK_TABLE_RULES: readonly Rule[] = [...LABEL_RULES, ...CONFIG_MAP_RULES];
