import type { Manifest } from '../../cluster/support/manifest';
import type { LocalHub } from './hub';
import { Workflow } from './workflow';

/** How a chart is run. */
export interface Proof {
  readonly objects: readonly Manifest[];
  /** The claim that holds everything. */
  readonly claim: string;
  /** A step's name as the chart's author calls it. */
  readonly short: (job: string) => string;
  /** Steps that are no Jobs to their end: terminals. */
  readonly without?: readonly string[];
  /** What a step's log has said when it is in the middle of its work. */
  readonly moments: Readonly<Record<string, RegExp>>;
  /** Environment of the stand-ins. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs every step to its end and returns the claim's files. */
export async function runWhole(proof: Proof, hub: LocalHub): Promise<Record<string, string>> {
  const workflow = new Workflow(proof.objects, hub, proof.env);
  for (const step of stepsOf(workflow, proof)) {
    await succeeds(workflow, step, proof);
  }
  const files = workflow.files(proof.claim);
  for (const step of stepsOf(workflow, proof)) {
    await succeeds(workflow, step, proof);
  }
  expect(workflow.files(proof.claim)).toEqual(files);
  workflow.remove();
  return files;
}

/** Kills each step of `moments` once in its middle, starts it again, and returns the claim's files. */
export async function runKilled(proof: Proof, hub: LocalHub): Promise<Record<string, string>> {
  const workflow = new Workflow(proof.objects, hub, { ...proof.env, STUB_SECONDS: '0.02' });
  for (const step of stepsOf(workflow, proof)) {
    const killWhen = proof.moments[proof.short(step)];
    if (killWhen !== undefined) {
      const { code, log } = await workflow.run(step, { killWhen });
      expect({ step: proof.short(step), code, log: code === 137 ? '' : log }).toEqual({ step: proof.short(step), code: 137, log: '' });
    }
    await succeeds(workflow, step, proof);
  }
  const files = workflow.files(proof.claim);
  workflow.remove();
  return files;
}

function stepsOf(workflow: Workflow, { short, without = [] }: Proof): string[] {
  return workflow.steps.filter((step) => !without.includes(short(step)));
}

async function succeeds(workflow: Workflow, step: string, { short }: Proof): Promise<void> {
  const { code, log } = await workflow.run(step);
  expect({ step: short(step), code, log: code === 0 ? '' : log }).toEqual({ step: short(step), code: 0, log: '' });
}
