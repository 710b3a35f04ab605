import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';

import { runCommandLine } from '../../bin/command-line';

const ROOT = path.join(__dirname, '../..');
const ENVIRONMENT = { ...process.env, TSX_TSCONFIG_PATH: path.join(ROOT, 'tsconfig.dev.json') };

const JOB = `apiVersion: batch/v1
kind: Job
metadata:
  name: train
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: train
          image: registry.example/train:1
`;

/** The command in a process of its own. */
function spawned(script: string, input: string): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', script], { cwd: ROOT, env: ENVIRONMENT, encoding: 'utf8', input });
  return { status, stdout, stderr };
}

/** The command in this process. */
function run(...args: string[]): { status: number; stdout: string; stderr: string } {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const status = runCommandLine(args, { write: (text) => { stdout.push(text); }, writeError: (text) => { stderr.push(text); } });
  return { status, stdout: stdout.join(''), stderr: stderr.join('') };
}

function file(text: string): string {
  const name = path.join(mkdtempSync(path.join(tmpdir(), 'command-')), 'job.yaml');
  writeFileSync(name, text);
  return name;
}

describe('cdk8s-chatglm validate', () => {
  test('ends with 0 when nothing is found', () => {
    expect(run('validate', file(JOB))).toEqual({ status: 0, stdout: 'nothing found in 1 object\n', stderr: '' });
  });

  test('ends with 1 when something is found, here in standard input', () => {
    expect(spawned('node --import tsx bin/cdk8s-chatglm.ts validate - --severity error', JOB.replace('Never', 'Always'))).toEqual({
      status: 1, stderr: '',
      stdout: 'stdin:8: error: Job/train: the pods of a Job have restartPolicy Always; it must be Never or OnFailure (restart-policy)\n'
        + '    set restartPolicy: Never in a Job, and leave it out elsewhere; see docs/rules.md#restart-policy\n1 error and 0 warnings in 1 object\n',
    });
  }, 120_000);

  test('ends with 2 when the input is no YAML, and says where on standard error', () => {
    const name = file('a: [');

    expect(run('validate', 'dist', name)).toEqual({
      status: 2, stdout: '', stderr: `${name}:1: Flow sequence in block collection must be sufficiently indented and end with a ]\n`,
    });
  });

  test.each([
    [[], /^Usage: cdk8s-chatglm \[options\] \[command\]\n/],
    [['validate'], /^error: missing required argument 'file'\n\(see cdk8s-chatglm --help\)\n$/],
    [['validate', '--format', 'xml', 'a.yaml'], /^error: option '--format <format>' argument 'xml' is invalid\. Allowed choices are text, json\.\n/],
    [['validate', '--severity', 'info', 'a.yaml'], /^error: option '--severity <severity>' argument 'info' is invalid\. Allowed choices are warning, error\.\n/],
    [['validate', '--quiet', 'a.yaml'], /^error: unknown option '--quiet'\n/],
    [['verify', 'a.yaml'], /^error: unknown command 'verify'\n/],
  ])('ends with 2 when it is called wrongly: %j', (args, message) => {
    const { status, stdout, stderr } = run(...args);

    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test('ends with 0 after its help, which tells the exit codes', () => {
    const { status, stdout, stderr } = run('validate', '--help');

    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('Exit code: 0 nothing found, 1 something found, 2 wrong usage or unreadable input');
  });

  test('bears a reader that has seen enough', () => {
    const { stdout, stderr } = spawned('node --import tsx bin/cdk8s-chatglm.ts validate - --format json | head -c 20', `${JOB.replace('Never', 'Always')}---\n`.repeat(300));

    expect({ stdout, stderr }).toEqual({ stdout: '{\n  "version": 1,\n  ', stderr: '' });
  }, 120_000);
});

describe('cdk8s synth --validate', () => {
  /** An app of somebody else, whose manifest the plugin of this package checks. */
  function synth(restartPolicy: string, properties: string): { status: number | null; output: string; report: unknown } {
    const directory = mkdtempSync(path.join(tmpdir(), 'plugin-'));
    writeFileSync(path.join(directory, 'main.cjs'), `
      const { ApiObject, App, Chart } = require(${JSON.stringify(require.resolve('cdk8s'))});
      const app = new App();
      const containers = [{ name: 'train', image: 'registry.example/train' }];
      new ApiObject(new Chart(app, 'tenant'), 'train', { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'train' }, spec: { template: { spec: { restartPolicy: '${restartPolicy}', containers } } } });
      app.synth();
    `);
    writeFileSync(path.join(directory, 'cdk8s.yaml'), `app: node main.cjs\noutput: dist\nvalidations:\n  - package: ${path.join(ROOT, 'index.ts')}\n    version: 0.1.0\n    class: ManifestRules\n    properties: ${properties}\n`);
    const { status, stdout, stderr } = spawnSync('node', [
      '--import', require.resolve('tsx'), path.join(ROOT, 'node_modules/cdk8s-cli/bin/cdk8s'), 'synth', '--validate', '--check-upgrade=false', '--validation-reports-output-file', 'report.json',
    ], { cwd: directory, env: { ...ENVIRONMENT, CDK8S_OUTDIR: undefined }, encoding: 'utf8' });
    return { status, output: stdout + stderr, report: readReport(path.join(directory, 'report.json')) };
  }

  function readReport(name: string): unknown {
    return JSON.parse(readFileSync(name, 'utf8')) as unknown;
  }

  test('fails on what the rules find, and names the construct and the place', () => {
    const { status, output, report } = synth('Always', '{severity: error}');

    expect(status).toBe(2);
    expect(output).toContain('restart-policy (1 occurrences)');
    expect(report).toMatchObject({
      reports: [{
        summary: { status: 'failure' },
        violations: [{
          ruleName: 'restart-policy',
          recommendation: 'the API server takes Never or OnFailure for the pods of a Job, also of one that a CronJob, JobSet or RayJob makes, Never alone beside a podFailurePolicy, and Always for pods that are kept running',
          fix: 'set restartPolicy: Never in a Job, and leave it out elsewhere (docs/rules.md#restart-policy)',
          violatingConstructs: [{
            resourceName: 'train', manifestPath: 'dist/tenant.k8s.yaml', constructPath: 'tenant/train',
            locations: ['spec.template.spec.restartPolicy: the pods of a Job have restartPolicy Always; it must be Never or OnFailure'],
          }],
        }],
      }],
    });
  }, 120_000);
});
