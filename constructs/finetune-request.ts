import type { DevicePlugin } from '../lib/accelerators/device-plugin';
import { ArtifactFormat } from '../lib/artifacts/artifact-format';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import type { Platform } from '../lib/platform';
import { RankTable } from '../lib/runtimes/rank-table';
import type { FinetuneRequest } from '../lib/runtimes/runtime-dialect';
import { FIRST_POD } from '../lib/workloads/batch-request';
import { WorkloadKind } from '../lib/workloads/workload-kind';
import type { FinetuneJobProps } from './finetune-job-props';
import { outputOf } from './step-job';

/** Pods that must be placed together go to who can do that. */
export function workloadKind({ workload, nodes = 1 }: FinetuneJobProps, { scheduler }: Platform): WorkloadKind {
  if (!Number.isInteger(nodes) || nodes < 1) {
    throw new Error(`'nodes' must be a whole number from 1, got ${String(nodes)}`);
  }
  const fitting = nodes === 1 ? WorkloadKind.JOB : scheduler.isVolcano ? WorkloadKind.VOLCANO_JOB : WorkloadKind.INDEXED_JOB;
  const kind = workload ?? fitting;
  if (nodes > 1 && kind === WorkloadKind.JOB) {
    throw new Error(`'workload' Job has one pod, and 'nodes' is ${String(nodes)}; use ${fitting.name}`);
  }
  return kind;
}

/** What a fine-tune's runtime is asked with. */
export function finetuneRequest(id: string, props: FinetuneJobProps, kind: WorkloadKind, plugin: DevicePlugin): FinetuneRequest {
  const { checkpoint, dataset, store = checkpoint.store, trainFile, evalFile } = props;
  const { nodes = 1, lora = false, onlyStrategy = false, debugLogs = false } = props;
  checkpoint._require([ArtifactFormat.MINDSPORE], 'checkpoint', 'convert it by ConvertCheckpoint, or download a ready one');
  dataset._require([ArtifactFormat.DATASET, ArtifactFormat.MINDRECORD], 'dataset', 'DownloadFiles with ArtifactFormat.DATASET or PrepareDataset makes one');
  if (!Number.isInteger(props.devicesPerNode) || props.devicesPerNode < 1) {
    throw new Error(`'devicesPerNode' must be a whole number from 1, got ${String(props.devicesPerNode)}`);
  }
  checkFiles({ trainFile, evalFile, checkpointFile: props.checkpointFile });
  checkShared(store, nodes);
  const output = outputOf(id, store);
  return {
    ...props, nodes, lora, onlyStrategy, debugLogs,
    podIndex: kind._kind.podIndex,
    firstPod: kind._kind.firstPod && `$(${FIRST_POD})`,
    rankTable: rankTableOf(props.rankTable ?? props.runtime._rankTable, kind, plugin),
    schedulerRole: kind._kind.schedulerRole,
    settings: props,
    output: (format, definition, bytes) => output(format, { ...definition, trainFile, evalFile }, bytes),
  };
}

function checkShared({ shared, storeName }: IArtifactStore, nodes: number): void {
  if (nodes > 1 && !shared) {
    throw new Error(`'nodes' is ${String(nodes)}, but the store '${storeName}' can be used on one node only; make it ReadWriteMany, or use one node`);
  }
}

function checkFiles(files: Readonly<Record<string, string | undefined>>): void {
  for (const [prop, file] of Object.entries(files)) {
    if (file?.split('/').some((part) => ['', '.', '..'].includes(part)) === true) {
      throw new Error(`'${prop}' must be a file inside its artifact, like 'train.json', got '${file}'`);
    }
  }
}

/** The one table of which kinds can have which rank tables is in the kinds; the first that the cluster can fill is the default. */
function rankTableOf(wanted: RankTable | undefined, kind: WorkloadKind, plugin: DevicePlugin): RankTable {
  if (kind._kind.schedulerRole && !plugin._fillsRankTables) {
    throw new Error(`'workload' ${kind.name} is run by MindCluster's operator, which does not come with ${plugin.name}; use another kind`);
  }
  const filled = (source: string): boolean => source !== RankTable.OPERATOR.source || plugin._fillsRankTables;
  const legal = kind._kind.rankTables.filter(filled);
  const rankTable = wanted ?? [RankTable.GENERATED, RankTable.OPERATOR, RankTable.NONE].find(({ source }) => source === legal[0]) ?? RankTable.NONE;
  if (!legal.includes(rankTable.source)) {
    throw new Error(`'rankTable' of the workload ${kind.name} must be one of ${legal.join(', ')}, got ${rankTable.source}${filled(rankTable.source) ? '' : `: no operator that comes with ${plugin.name} fills it`}`);
  }
  return rankTable;
}
