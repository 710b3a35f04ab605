import { execFileSync } from 'node:child_process';

const LOOK = 'for v in 7 8 9 10 11 12 13; do for p in "$HOME"/.pyenv/versions/3.$v.*/bin/python3; do [ -x "$p" ] && { echo "$p"; exit; }; done; done; command -v python3';

/** The scripts are for old images, so the oldest Python from 3.7 on runs them. */
export function oldestPython(): string {
  return execFileSync('sh', ['-c', LOOK], { encoding: 'utf8' }).trim();
}
