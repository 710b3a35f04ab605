import type { Artifact } from '../../artifacts/artifact';
import type { CommandPart } from '../../pods/pod-fragment';
import { scriptPath } from '../../pods/scripts';
import { RankTable } from '../rank-table';
import type { FinetuneRequest } from '../runtime-dialect';
import { MindFormersLauncher } from './launcher';
import type { MindFormersContext } from './options';

/** The folder in which each rank has its working directory. */
export const WORK_PATH = '/work';

/** Seconds that ranks get after SIGTERM. */
const GRACE_SECONDS = 90;
/** Seconds until the last pod must have come: others may still pull their image (mindformers@v1.3.2 scripts/msrun_launcher.sh). */
const CLUSTER_SECONDS = '7200';
/** The port of MindSpore's scheduler under msrun, its default. */
const MSRUN_PORT = '8118';

/**
 * Which rank tables the versions can do with, beside what the workload kinds have: c8a5808 knows no cluster without a table, and msrun none with one.
 *
 * @throws if the request's is another
 */
export function checkLauncher({ rankTable, schedulerRole }: FinetuneRequest, { version, launcher }: MindFormersContext): void {
  const isNone = rankTable === RankTable.NONE;
  if (isNone && !version._row.dynamicCluster) {
    throw new Error(`MindFormers ${version.name} needs a rank table, which this workload has not; use a Job, an IndexedJob or a VolcanoJob with another 'rankTable'`);
  }
  if (launcher === MindFormersLauncher.MSRUN && (!isNone || schedulerRole)) {
    throw new Error(schedulerRole
      ? '\'launcher\' msrun starts MindSpore\'s scheduler itself, and an AscendJob brings one; use MindFormersLauncher.LAUNCH'
      : `'rankTable' must be RankTable.NONE with the launcher msrun, which meets through MindSpore's scheduler, got ${rankTable.source}`);
  }
}

/** The launcher and its flags, up to the command of a rank. */
export function launchCommand(request: FinetuneRequest, output: Artifact, { launcher }: MindFormersContext, scheduler?: string): CommandPart[] {
  return launcher === MindFormersLauncher.MSRUN ? msrunCommand(request, output) : ownCommand(request, output, scheduler);
}

/** The script of the launcher. */
export function launchScript({ launcher }: MindFormersContext): string {
  return launcher === MindFormersLauncher.MSRUN ? 'launch_msrun' : 'launch';
}

function ownCommand(request: FinetuneRequest, output: Artifact, scheduler = 'outside'): CommandPart[] {
  const { devicesPerNode, rankTable, schedulerRole } = request;
  const rendezvous: CommandPart[] = ['--scheduler', scheduler, '--rendezvous-host', { template: '$(MS_SCHED_HOST)' }, '--rendezvous-port', { template: '$(MS_SCHED_PORT)' }];
  return [
    'python3', scriptPath('launch'), '--devices', String(devicesPerNode), ...(scheduler === 'only' ? counted(request) : meeting(request, output)),
    '--rank-env', rankTable === RankTable.NONE ? 'mindspore-cluster' : 'mindspore',
    '--rank-table', rankTable.source, ...(rankTable.path === undefined ? [] : ['--rank-table-file', rankTable.path]),
    ...(schedulerRole ? rendezvous : []),
    '--work-dir', WORK_PATH, '--log-dir', `${output.path}/log`, '--grace', String(GRACE_SECONDS), '--progress', 'mindformers', '--',
  ];
}

/** MindSpore's scheduler waits for the workers of all pods. */
function counted({ nodes }: FinetuneRequest): string[] {
  return nodes === 1 ? [] : ['--nodes', String(nodes)];
}

/** Pods of one job find each other by a file beside the output, which also holds their common token, and by the name of pod 0 where it has one. */
function meeting({ nodes, podIndex, firstPod }: FinetuneRequest, output: Artifact): CommandPart[] {
  return nodes === 1 ? [] : [
    '--nodes', String(nodes), '--node-index', { template: podIndex }, '--meet-file', `${output.path}.meet`,
    ...(firstPod === undefined ? [] : ['--meet-host', { template: firstPod }]),
  ];
}

function msrunCommand({ devicesPerNode, nodes, podIndex, firstPod }: FinetuneRequest, output: Artifact): CommandPart[] {
  return [
    'python3', scriptPath('launch_msrun'), '--pods', String(nodes), '--pod-index', { template: podIndex }, '--devices', String(devicesPerNode),
    ...masterWords(nodes, firstPod, output), '--port', MSRUN_PORT,
    ...(nodes === 1 ? [] : ['--cluster-time-out', CLUSTER_SECONDS]), '--work-dir', WORK_PATH, '--progress', 'mindformers',
    '--log-dir', `${output.path}/log`, '--grace', String(GRACE_SECONDS), '--',
  ];
}

/** Where pod 0 is: by its name, or by the file that it writes beside the output. */
function masterWords(nodes: number, firstPod: string | undefined, output: Artifact): CommandPart[] {
  if (nodes === 1) {
    return ['--master-host', 'localhost'];
  }
  return firstPod === undefined ? ['--meet-file', `${output.path}.meet`] : ['--master-host', { template: firstPod }];
}
