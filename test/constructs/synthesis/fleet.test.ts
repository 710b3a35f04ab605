import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';

const ROOT = path.join(__dirname, '..', '..', '..');

test('5000 tenants are synthesized within 1.5 GiB', () => {
  const outdir = mkdtempSync(path.join(tmpdir(), 'fleet-'));
  const options = `--tsconfig tsconfig.dev.json bench/synth/fleet.ts --app ours --tenants 5000 --scripts image --out ${outdir}`;
  const result = JSON.parse(execFileSync(path.join(ROOT, 'node_modules', '.bin', 'tsx'), options.split(' '), { cwd: ROOT, encoding: 'utf8' })) as { mebibytes: number };

  expect(result.mebibytes).toBeLessThan(1536);
  expect(result.mebibytes).toBeGreaterThan(50);
  expect(readdirSync(outdir)).toHaveLength(5000);
}, 300_000);
