import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';

import { validate, type ValidateOptions } from '../../bin/validate';

const CHAT = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: chat
  namespace: llm
spec:
  selector:
    matchLabels: {app: chat}
  template:
    metadata:
      labels: {app: chat}
    spec:
      containers:
        - name: serve
          image: registry.example/serve
          env:
            - name: HF_TOKEN
              value: hf_secret
`;

const SERVICE = `apiVersion: v1
kind: Service
metadata: {name: chat, namespace: llm}
spec:
  selector: {app: other}
`;

function file(text: string): string {
  const name = path.join(mkdtempSync(path.join(tmpdir(), 'validate-')), 'chat.yaml');
  writeFileSync(name, text);
  return name;
}

const TEXT: ValidateOptions = { format: 'text', severity: 'warning' };

test('a text report has a line a finding, its remedy and a summary', () => {
  const name = file(CHAT);

  expect(validate([name], TEXT)).toEqual({
    isClean: false,
    report: [
      `${name}:17: error: Deployment/chat: container 'serve' has HF_TOKEN in plain text; take it from a Secret (token-in-plain-text)`,
      '    take it from a Secret by secretKeyRef, and replace the token: it is known now; see docs/rules.md#token-in-plain-text',
      `${name}:15: warning: Deployment/chat: 'image of container serve' must be pinned by a full tag or a digest, got 'registry.example/serve' (image-pinned)`,
      '    name the version by its full tag, or better by its digest; see docs/rules.md#image-pinned',
      '1 error and 1 warning in 1 object',
      '',
    ].join('\n'),
  });
});

test('warnings are left out on request', () => {
  const { report, isClean } = validate([file(CHAT.replace('value: hf_secret', 'valueFrom: {secretKeyRef: {name: hub, key: token}}'))], { format: 'text', severity: 'error' });

  expect(report).toBe('nothing found in 1 object\n');
  expect(isClean).toBe(true);
});

test('a JSON report tells programs the same, and where to read on', () => {
  const name = file(CHAT);
  const { report, isClean } = validate([name], { format: 'json', severity: 'error' });

  expect(isClean).toBe(false);
  expect(JSON.parse(report)).toEqual({
    version: 1,
    objects: 1,
    findings: [{
      file: name, line: 17, severity: 'error', rule: 'token-in-plain-text', kind: 'Deployment', namespace: 'llm', name: 'chat',
      path: 'spec.template.spec.containers[0].env[0]', message: 'container \'serve\' has HF_TOKEN in plain text; take it from a Secret',
      explanation: 'a token in a manifest is in git, in etcd and in every kubectl describe',
      fix: 'take it from a Secret by secretKeyRef, and replace the token: it is known now', documentation: 'docs/rules.md#token-in-plain-text',
    }],
  });
});

test('a JSON report without findings is one too', () => {
  expect(validate([file('')], { format: 'json', severity: 'warning' })).toEqual({ isClean: true, report: '{\n  "version": 1,\n  "objects": 0,\n  "findings": []\n}\n' });
});

test('objects of several files are compared', () => {
  const chat = file(CHAT.replace('registry.example/serve', 'registry.example/serve:1').replace('value: hf_secret', 'valueFrom: {secretKeyRef: {name: hub, key: token}}'));
  const service = file(SERVICE);

  expect(validate([chat], TEXT).isClean).toBe(true);
  expect(validate([service], TEXT).isClean).toBe(true);
  expect(validate([chat, service], TEXT).report.split('\n')[0])
    .toBe(`${service}:5: error: Service/chat: the Service selects no pods, not even those of Deployment/chat (service-selector)`);
});

test('values without quotes are found where YAML reads them as something else', () => {
  const name = file(CHAT.replace('name: HF_TOKEN\n              value: hf_secret', 'name: RETRY\n              value: on').replace('serve\n          env', 'serve:1\n          env'));

  expect(validate([name], TEXT).report.split('\n')[0])
    .toBe(`${name}:18: error: Deployment/chat: spec.template.spec.containers[0].env[0].value must be a string, got the boolean true; put it in quotes (string-values)`);
});

test('the example in the documentation is what the command prints', () => {
  const [example] = /deploy\/chat\.yaml:14: [\s\S]*?(?=```)/.exec(readFileSync(path.join(__dirname, '../../docs/rules.md'), 'utf8'))!;
  const rolling = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: chat
spec:
  selector:
    matchLabels:
      app: chat
  template:
    metadata: {labels: {app: chat}}
    spec:
      containers:
        - {name: serve, image: "registry.example/serve:1", resources: {limits: {cambricon.com/mlu370: 1, memory: 16Gi}}}
  strategy:
    type: RollingUpdate
`;
  const name = file(rolling);

  expect(validate([name], TEXT).report.replace(name, 'deploy/chat.yaml')).toBe(`${example}0 errors and 1 warning in 1 object\n`);
});
