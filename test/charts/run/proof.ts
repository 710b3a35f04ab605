import type { Manifest } from '../../cluster/support/manifest';
import type { ClaimFiles } from './claim-files';
import type { LocalHub } from './hub';
import type { Moment } from './machine';
import { type StandIns, Workflow } from './workflow';

/** How a chart is run. */
export interface Proof extends StandIns {
  readonly objects: readonly Manifest[];
  /** The claim that holds everything. */
  readonly claim: string;
  /** A step's name as the chart's author calls it. */
  readonly short: (job: string) => string;
  /** Steps that are no Jobs to their end: terminals. */
  readonly without?: readonly string[];
  /** What a step's log has said when it is in the middle of its work. */
  readonly moments: Readonly<Record<string, RegExp | Moment>>;
  /** Whether every step has its moment. */
  readonly killsAll?: boolean;
  /** What the log says when a killed step has been started again. */
  readonly again?: Readonly<Record<string, RegExp>>;
  /** Files that tell of restarts. */
  readonly passing?: RegExp;
}

/** Runs every step to its end and returns the claim's files. */
export async function runOnce(proof: Proof, hub: LocalHub): Promise<ClaimFiles> {
  const workflow = new Workflow(proof.objects, hub, proof);
  const files = await runAll(workflow, proof);
  workflow.remove();
  return files;
}

/** Runs every step to its end and then again, which changes nothing, and returns the claim's files. */
export async function runWhole(proof: Proof, hub: LocalHub): Promise<ClaimFiles> {
  const workflow = new Workflow(proof.objects, hub, proof);
  const files = await runAll(workflow, proof);
  expect(await runAll(workflow, proof)).toEqual(files);
  workflow.remove();
  return files;
}

async function runAll(workflow: Workflow, proof: Proof): Promise<ClaimFiles> {
  for (const step of stepsOf(workflow, proof)) {
    await succeeds(workflow, step, proof);
  }
  return workflow.files(proof.claim, proof.passing);
}

/** Kills each step of `moments` once in its middle, starts it again, and returns the claim's files. */
export async function runKilled(proof: Proof, hub: LocalHub): Promise<ClaimFiles> {
  const workflow = new Workflow(proof.objects, hub, { ...proof, env: { ...proof.env, STUB_SECONDS: '0.02' } });
  const steps = stepsOf(workflow, proof);
  const moments = Object.keys(proof.moments).sort();
  expect(steps.map(proof.short).sort()).toEqual(proof.killsAll === true ? moments : expect.arrayContaining(moments));
  for (const step of steps) {
    await killAndRun(workflow, step, proof);
  }
  const files = workflow.files(proof.claim, proof.passing);
  workflow.remove();
  return files;
}

async function killAndRun(workflow: Workflow, step: string, proof: Proof): Promise<void> {
  const moment = proof.moments[proof.short(step)];
  if (moment !== undefined) {
    const killWhen = moment instanceof RegExp ? { says: moment } : moment;
    const { code, log } = await workflow.run(step, { killWhen, env: { KILL_WHEN: killWhen.says.source } });
    expect({ step: proof.short(step), code, log: code === 137 ? '' : log }).toEqual({ step: proof.short(step), code: 137, log: '' });
  }
  const log = await succeeds(workflow, step, proof);
  expect({ step: proof.short(step), log }).toEqual({ step: proof.short(step), log: expect.stringMatching(proof.again?.[proof.short(step)] ?? /^/) as string });
}

function stepsOf(workflow: Workflow, { short, without = [] }: Proof): string[] {
  return workflow.steps.filter((step) => !without.includes(short(step)));
}

async function succeeds(workflow: Workflow, step: string, { short }: Proof): Promise<string> {
  const { code, log } = await workflow.run(step);
  expect({ step: short(step), code, log: code === 0 ? '' : log }).toEqual({ step: short(step), code: 0, log: '' });
  return log;
}
