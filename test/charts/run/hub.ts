import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import * as path from 'node:path';

import { atHub } from '../../cluster/support/hub-addresses';
import type { Manifest } from '../../cluster/support/manifest';

const SCRIPT = path.join(__dirname, '..', '..', 'cluster', 'stubs', 'opt', 'hub', 'hub.py');

/** The hub of the cluster tests as a process of this machine. */
export class LocalHub {
  /** Starts it, or another `script` in its place, on a free port. */
  public static async start(script = SCRIPT, env: Readonly<Record<string, string>> = {}): Promise<LocalHub> {
    const port = await freePort();
    const child = spawn('python3', [script, '--port', String(port)], { stdio: 'ignore', env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...env } });
    const hub = new LocalHub(child, `http://127.0.0.1:${String(port)}`);
    await hub.answering();
    return hub;
  }

  private constructor(private readonly child: ChildProcess, public readonly url: string) {}

  /** The object with every address of the outside world in its commands replaced by one of the hub's. */
  public instead(object: Manifest): Manifest {
    return atHub(object, this.url);
  }

  /** Ends it. */
  public stop(): void {
    this.child.kill();
  }

  private async answering(): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt += 1) {
      const answer = await fetch(`${this.url}/seen`).catch(() => undefined);
      if (answer?.ok === true) {
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`the hub does not answer at ${this.url}`);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => { resolve(port); });
    });
  });
}
