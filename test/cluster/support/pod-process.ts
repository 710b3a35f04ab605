import { inside } from './cluster';

/** Sends a signal from outside to the first process of a pod whose command line and environment match this extended regular expression; throws if there is none. */
export async function signalProcess(signal: 'KILL' | 'STOP', uid: string, text: string): Promise<void> {
  const script = `for p in /proc/[0-9]*; do grep -qs "$1" $p/cgroup && cat $p/cmdline $p/environ | tr '\\0' ' ' | grep -qE -- "$2" && kill -${signal} \${p#/proc/} && exit 0; done; exit 1`;
  const { code, stderr } = await inside('sh', ['-c', script, 'sh', uid, text]);
  if (code !== 0) {
    throw new Error(`the pod ${uid} has no process like '${text}': ${stderr}`);
  }
}
