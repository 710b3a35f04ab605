import {
  Accelerator, ArtifactFormat, type FinetuneJobProps, GlmModel, MindFormersLauncher, MindFormersVersion, RankTable, Runtime, Scheduler, WorkloadKind,
} from 'cdk8s-chatglm';

import { messageOf } from '../support/bad-input';
import { artifact, everyVendor } from '../support/synthesized';
import { workloads } from '../support/workflow';
import { finetune } from '../support/workloads';

const sourceTree = artifact(ArtifactFormat.SOURCE_TREE);
const OLDEST = MindFormersVersion.COMMIT_C8A5808;
const WITH_MSRUN = [MindFormersVersion.R1_1, MindFormersVersion.R1_2, MindFormersVersion.R1_3];

/** Kinds with the tables that they can have, the usual one first, as the documentation has them. */
const KINDS: readonly (readonly [WorkloadKind, readonly string[]])[] = [
  [WorkloadKind.JOB, ['generated', 'file', 'none']],
  [WorkloadKind.INDEXED_JOB, ['generated', 'file', 'none']],
  [WorkloadKind.VOLCANO_JOB, ['operator', 'generated', 'file', 'none']],
  [WorkloadKind.ASCEND_JOB, ['none']],
];
const TABLES = [undefined, RankTable.GENERATED, RankTable.OPERATOR, RankTable.NONE, RankTable.fromFile('/user/config/jobstart_hccl.json')];
const LAUNCHERS: readonly (readonly [MindFormersVersion, MindFormersLauncher])[] = [
  ...MindFormersVersion.all().map((version) => [version, MindFormersLauncher.LAUNCH] as const), ...WITH_MSRUN.map((version) => [version, MindFormersLauncher.MSRUN] as const),
];

interface Combination { readonly kind: WorkloadKind; readonly legal: readonly string[]; readonly rankTable: RankTable | undefined; readonly version: MindFormersVersion; readonly launcher: MindFormersLauncher }

const COMBINATIONS: readonly Combination[] = KINDS.flatMap(([kind, legal]) => TABLES.flatMap((rankTable) => LAUNCHERS.map(([version, launcher]) => ({ kind, legal, rankTable, version, launcher }))));

/** The table that the ranks get, or the whole message where there is no such combination. */
function expected({ kind, legal, rankTable, version, launcher }: Combination): { source?: string; message?: string } {
  const isMsrun = launcher === MindFormersLauncher.MSRUN;
  const source = rankTable?.source ?? (isMsrun ? 'none' : legal[0]!);
  if (!legal.includes(source)) {
    return { message: `[test/finetune] 'rankTable' of the workload ${kind.name} must be one of ${legal.join(', ')}, got ${source}` };
  }
  if (source === 'none' && version === OLDEST) {
    return { message: '[test/finetune] MindFormers c8a5808 needs a rank table, which this workload has not; use a Job, an IndexedJob or a VolcanoJob with another \'rankTable\'' };
  }
  if (isMsrun && kind === WorkloadKind.ASCEND_JOB) {
    return { message: '[test/finetune] \'launcher\' msrun starts MindSpore\'s scheduler itself, and an AscendJob brings one; use MindFormersLauncher.LAUNCH' };
  }
  if (isMsrun && source !== 'none') {
    return { message: `[test/finetune] 'rankTable' must be RankTable.NONE with the launcher msrun, which meets through MindSpore's scheduler, got ${source}` };
  }
  return { source };
}

/** The fine-tune of a combination, of a model that the version has. */
function tuned({ kind, rankTable, version, launcher }: Combination): readonly string[] {
  const runtime = Runtime.mindFormers({ version, sourceTree, image: 'registry.example/mindformers:1', launcher });
  const props: Partial<FinetuneJobProps> = version === OLDEST
    ? { model: GlmModel.CHATGLM_6B, accelerator: Accelerator.ASCEND_910A, dataset: artifact(ArtifactFormat.MINDRECORD) } : {};
  const objects = finetune(
    { ...props, runtime, workload: kind, nodes: kind === WorkloadKind.JOB ? 1 : 2, ...(rankTable && { rankTable }) }, { ...everyVendor(), scheduler: Scheduler.volcano() },
  );
  return workloads(objects, 'test').find(({ id }) => id === 'finetune')!.command;
}

test.each(COMBINATIONS.map((each) => [each.kind.name, each.rankTable?.source ?? 'default', each.launcher.name, each.version.name, each] as const))(
  'a %s with the rank table %s, started by %s of MindFormers %s', (_kind, _table, launcher, _version, combination) => {
    const { source, message } = expected(combination);

    expect(messageOf(() => tuned(combination))).toBe(message);
    if (source === undefined) {
      return;
    }
    const command = tuned(combination);
    const after = (flag: string): string | undefined => command[command.indexOf(flag) + 1];
    expect(command).toContain(`/opt/cdk8s-chatglm/${launcher === 'msrun' ? 'launch_msrun' : 'launch'}.py`);
    expect(launcher === 'msrun' || after('--rank-table') === source).toBe(true);
    expect(launcher === 'msrun' || after('--rank-env') === (source === 'none' ? 'mindspore-cluster' : 'mindspore')).toBe(true);
  },
);

test('the table of combinations is whole', () => {
  const answers = COMBINATIONS.map(expected);

  expect([answers.filter(({ source }) => source !== undefined).length, answers.length]).toEqual([103, 180]);
});
