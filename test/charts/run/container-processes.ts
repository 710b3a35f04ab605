import { readdirSync, readFileSync } from 'node:fs';

const VARIABLE = 'STAND_IN_CONTAINER';

/** Environment that tells the processes of a container, which may have gone into groups and sessions of their own. */
export function nameOf(container: string): Readonly<Record<string, string>> {
  return { [VARIABLE]: container };
}

/** Kills every process of a container at once, as the kernel does when its first one is killed. */
export function killContainer(container: string): void {
  readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isOf(container, name)).forEach((pid) => {
    // It may just have ended.
    try { process.kill(Number(pid), 'SIGKILL'); } catch { /* so be it */ }
  });
}

function isOf(container: string, pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`${VARIABLE}=${container}\0`);
  } catch {
    return false;
  }
}
