import * as path from 'node:path';
import { type Outcome, run } from './process';

const SCRIPT = path.join(__dirname, '..', 'cluster.sh');

/**
 * A cluster of the user's own: the file that KUBECONFIG names, if TEST_OWN_CLUSTER is set. Cases that need our fake
 * devices or simulated nodes are not for it.
 */
export const OWN_CLUSTER = process.env.TEST_OWN_CLUSTER !== undefined;

/** Runs `cluster.sh` with these arguments. */
export function script(...args: string[]): Promise<Outcome> {
  return run(SCRIPT, args);
}

/** Runs a program where the cluster can be reached. */
export function inside(program: string, args: readonly string[], input?: string): Promise<Outcome> {
  return OWN_CLUSTER ? run(program, args, input) : run(SCRIPT, ['exec', program, ...args], input);
}

/** Runs kubectl and returns what it prints; throws what it complains about. */
export async function kubectl(args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await inside('kubectl', args, input);
  if (code !== 0) {
    throw new Error(`kubectl ${args.join(' ')} ended with ${String(code)}: ${stderr.trim()}`);
  }
  return stdout;
}
