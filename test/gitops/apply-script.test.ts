import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';

import { Delivery, GlmApp } from 'cdk8s-chatglm';
import { parseAllDocuments } from 'yaml';

import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';
import { newFolder } from './synthesized-folder';
import { workflow } from './workflow';

const outdir = newFolder();
const app = new GlmApp({ outdir });
workflow(app, 'chatglm3', Delivery.kubectl({ staged: true }));
workflow(app, 'other', Delivery.kubectl({ staged: true }));
app.synth();

const BASE = 'other/base/other.k8s.yaml';
const STAGES = ['base', 'serving-1', 'jobs-0', 'jobs-1', 'jobs-2', 'serving-3'];

/**
 * A `kubectl` that notes what it is asked for, knows the objects of the files, and says that Jobs are done at the second look, unless told otherwise by
 * the environment: FAIL_JOB names one that fails, HANG_JOB one that never ends, FAIL_ROLLOUT a Deployment, PARTLY that some of what is created is there.
 */
const STUB = `#!/bin/sh
echo "$*" >>"$LOG"
case "$1 $2" in
  'get -f') case "$3" in *rings-config*) [ -f "$STATE/table" ];; *) cat "$3.objects";; esac ;;
  'create -f') touch "$STATE/table"; [ -z "$PARTLY" ] || { echo 'Error from server (AlreadyExists)' >&2; exit 1; } ;;
  'apply -f') [ -f "$3" ] && ! grep -q "rings-config" "$3.objects" ;;
  'get job'*)
    case "$3" in $FAIL_JOB) echo 'FailureTarget=True:BackoffLimitExceeded Failed=True:BackoffLimitExceeded'; exit;; $HANG_JOB) exit;; esac
    if [ -f "$STATE/$3" ]; then case "$2" in *volcano*) echo Completed;; *) echo 'SuccessCriteriaMet=True: Complete=True: ';; esac; fi
    touch "$STATE/$3" ;;
  'rollout status') [ "$3" != "deployment/$FAIL_ROLLOUT" ] ;;
  *) echo "unexpected: $*" >&2; exit 9 ;;
esac
`;

interface Run {
  readonly status: number | null;
  readonly calls: string[];
  readonly output: string;
  readonly errors: string;
}

function run(args: string[] = [], env: Record<string, string> = {}, state = newFolder()): Run {
  const bin = newFolder();
  const log = path.join(bin, 'log');
  writeFileSync(log, '');
  writeFileSync(path.join(bin, 'kubectl'), STUB);
  chmodSync(path.join(bin, 'kubectl'), 0o755);
  const { status, stdout, stderr } = spawnSync(path.join(outdir, 'apply.sh'), args, {
    encoding: 'utf8', timeout: 60_000, cwd: '/', env: { PATH: `${bin}:${process.env.PATH ?? ''}`, LOG: log, STATE: state, INTERVAL: '0', FAIL_JOB: 'none', HANG_JOB: 'none', PARTLY: '', ...env },
  });
  return { status, calls: readFileSync(log, 'utf8').trimEnd().replace(/-[0-9a-f]{8}\b/g, '').split('\n'), output: stdout, errors: stderr };
}

/** The table that `kubectl get -f` prints for a file. */
function describeObjects(chart: string, stage: string): void {
  const file = path.join(outdir, chart, stage, `${chart}.k8s.yaml`);
  const objects = parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS() as KubernetesObject);
  writeFileSync(`${file}.objects`, objects.map(({ apiVersion, kind, metadata }) => `${apiVersion}   ${kind}   llm   ${metadata.name}\n`).join(''));
}

['chatglm3', 'other'].forEach((chart) => { STAGES.forEach((stage) => { describeObjects(chart, stage); }); });

const applied = (calls: readonly string[]): string[] => calls.filter((call) => call.startsWith('apply -f ')).map((call) => call.replace('apply -f ', ''));
const jobsOf = (finetune: string): string => finetune;

test('stages are applied in order, each after the jobs of the one before, servers without being waited for until the end', () => {
  const { status, calls, errors } = run(['other']);
  const steps = calls.filter((call) => !call.startsWith('get -f')).map((call) => call.replace(/ -o jsonpath=.*/, ''));
  const twice = (...jobs: string[]): string[] => jobs.flatMap((job) => [`get ${job} -n llm`, `get ${job} -n llm`]);

  expect([status, errors]).toEqual([0, '']);
  expect(steps).toEqual([
    `apply -f ${BASE}`, 'apply -f other/jobs-0/other.k8s.yaml',
    ...twice('job.v1.batch other-checkpoint', 'job.v1.batch other-adgen', 'job.v1.batch other-mindformers', 'job.v1.batch other-weights'),
    'apply -f other/serving-1/other.k8s.yaml', 'create -f other/jobs-1/rings-config.k8s.yaml', 'apply -f other/jobs-1/other.k8s.yaml', ...twice(jobsOf('job.v1alpha1.batch.volcano.sh other-finetune')),
    'apply -f other/jobs-2/other.k8s.yaml', ...twice('job.v1.batch other-merge'),
    'apply -f other/serving-3/other.k8s.yaml',
    'rollout status deployment/other-chat -n llm --timeout=0s', 'rollout status deployment/other-tuned -n llm --timeout=0s',
  ]);
});

test('all charts go together, stage by stage', () => {
  const { status, calls } = run();

  expect(status).toBe(0);
  expect(applied(calls)).toEqual(['base', 'jobs-0', 'serving-1', 'jobs-1', 'jobs-2', 'serving-3'].flatMap((stage) => ['chatglm3', 'other'].map((chart) => `${chart}/${stage}/${chart}.k8s.yaml`)));
});

test('the rank table that an operator has filled is not touched when the script runs again', () => {
  const state = newFolder();
  run(['other'], {}, state);
  const { status, calls } = run(['other'], {}, state);

  expect(status).toBe(0);
  expect(calls.filter((call) => call.includes('rings-config'))).toEqual(['get -f other/jobs-1/rings-config.k8s.yaml']);
});

test('a rank table that is new beside one that is there is created, without a failure because of the other', () => {
  const { status, calls } = run(['other'], { PARTLY: 'yes' });
  const table = 'other/jobs-1/rings-config.k8s.yaml';

  expect(status).toBe(0);
  expect(calls.filter((call) => call.includes('rings-config'))).toEqual([`get -f ${table}`, `create -f ${table}`, `get -f ${table}`]);
  expect(applied(calls)).toContain('other/jobs-1/other.k8s.yaml');
});

test('a failed job ends the script; what comes after it is not applied', () => {
  const { status, calls, errors } = run(['other'], { FAIL_JOB: 'other-adgen*' });

  expect(status).toBe(1);
  expect(errors).toMatch(/^apply\.sh: Job llm\/other-adgen-[0-9a-f]{8} failed: FailureTarget=True:BackoffLimitExceeded Failed=True:BackoffLimitExceeded\n$/);
  expect(applied(calls)).toEqual([BASE, 'other/jobs-0/other.k8s.yaml']);
});

test('a job that does not end is given up after the timeout, when there is one', () => {
  const { status, errors, output } = run(['other'], { HANG_JOB: 'other-merge*', TIMEOUT: '1', INTERVAL: '1' });

  expect(status).toBe(1);
  expect(errors).toMatch(/^apply\.sh: Job llm\/other-merge-[0-9a-f]{8} is not done after 1 seconds\n$/);
  expect(output).toMatch(/wait for Job llm\/other-merge-[0-9a-f]{8}\n$/);
});

test('a server that does not get ready ends the script', () => {
  const { status, errors } = run(['other'], { FAIL_ROLLOUT: 'other-chat' });

  expect([status, errors]).toEqual([1, 'apply.sh: Deployment llm/other-chat is not rolled out\n']);
});

test('a chart that is not there is refused before anything is applied', () => {
  const { status, calls, errors } = run(['other', 'nothere']);

  expect([status, errors, applied(calls)]).toEqual([1, 'apply.sh: there is no chart \'nothere\' here\n', []]);
});

test('a chart may be named as its folder', () => {
  const { status, calls } = run(['other/']);

  expect(status).toBe(0);
  expect(applied(calls)).toHaveLength(STAGES.length);
  expect(applied(calls)).toContain(BASE);
});

test('a folder that is no chart is refused, and an output folder without charts', () => {
  const empty = newFolder();
  writeFileSync(path.join(empty, 'apply.sh'), readFileSync(path.join(outdir, 'apply.sh'), 'utf8'));
  const { status, stderr } = spawnSync('sh', [path.join(empty, 'apply.sh')], { encoding: 'utf8' });

  expect([run(['.']).errors, run(['other/base']).errors]).toEqual(['apply.sh: there is no chart \'.\' here\n', 'apply.sh: there is no chart \'other/base\' here\n']);
  expect([status, stderr]).toEqual([1, 'apply.sh: there are no charts here\n']);
});

test('it is the same for every app, and shells agree that it is shell', () => {
  const folder = newFolder();
  const other = new GlmApp({ outdir: folder });
  workflow(other, 'third', Delivery.kubectl({ staged: true }));
  other.synth();
  mkdirSync(path.join(folder, 'empty'));

  expect(readFileSync(path.join(folder, 'apply.sh'), 'utf8')).toBe(readFileSync(path.join(outdir, 'apply.sh'), 'utf8'));
  expect(['sh', 'bash'].map((shell) => spawnSync(shell, ['-n', path.join(folder, 'apply.sh')]).status)).toEqual([0, 0]);
});
