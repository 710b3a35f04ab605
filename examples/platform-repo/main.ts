import * as path from 'node:path';

import { synthesizeFleet } from './fleet';

try {
  synthesizeFleet(process.argv[2] ?? path.join(__dirname, 'tenants.yaml'), process.env.CDK8S_OUTDIR ?? path.join(__dirname, 'dist'));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
