import type { KubernetesObject } from '../workloads/kubernetes-object';
import { type ExaminedContainer, inContainers } from './examined-object';
import { fault, type Fault } from './fault';
import type { Rule } from './rule';
import { isMap } from './shape';

/** Variables that hold a secret by their name. `PWD` alone is a directory, and training has a forward and a backward pass. */
const SECRET_NAME = /(TOKEN|PASSWORD|PASSWD|(?<!WARD)_PASS|\w_PWD|(?<!PULL_)SECRET|SECRET_KEY|ACCESS_KEY|PRIVATE_KEY|API_KEYS?|CREDENTIALS?)$/i;
/** Tokens of language models, and limits. */
const MODEL_TOKEN = /(^|_)(EOS|BOS|PAD|UNK|SEP|CLS|MASK|STOP|END|START|SPECIAL|MAX|MIN|NUM|NEXT|NEW)_TOKEN$/i;
/** What is no secret: a variable that is filled when the container starts, a switch, a file. */
const HARMLESS_VALUE = /^(\$\(\w+\)|\d|true|false|yes|no|on|off|none|null|\/.*|\.{1,2}\/.*)?$/i;
/** Tokens that are known by how they begin, and private keys. */
const SECRET_TEXT = /\bhf_[A-Za-z0-9]{30,}|\bgh[pousr]_[A-Za-z0-9]{36,}|\bgithub_pat_\w{50,}|\bAKIA[A-Z0-9]{16}\b|\bsk-[A-Za-z0-9_-]{32,}|-----BEGIN [A-Z ]*PRIVATE KEY-----/;
/** A flag for a secret and its value; a variable as value is filled when the container starts. */
const SECRET_FLAG = /(--(?!(?:eos|bos|pad|unk|sep|cls|mask|stop|end|start|special|max|min|num|id)[-_])[\w-]*(?:token|password|api[-_]key|client[-_]secret|secret[-_]key|access[-_]key))(?:=| +)["']?([^\s"'$<-][^\s"']*)/i;
/** A variable in capital letters that a shell sets to a literal; what is filled when the container starts, or calls something, may be anything. */
const ASSIGNMENT = /(?<![\w$({-])([A-Z][A-Z0-9_]*)=["']?([^\s"'$`;<&|([]+)(?=["'\s;&|]|$)/g;
/** What a client sends with its requests. */
const LOGIN = /authorization: *(?:bearer|basic|token) +[^\s"'$<{]{8}|\bcurl\b[^;&|\n]* (?:-u|--user)[ =]?["']?[^\s:"'$<-][^\s:"'$<]*:[^\s"'$<]/i;
/** User and password before the host of a URL; a variable as password is filled when the container starts. */
const URL_PASSWORD = /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@"']+:(?!\$|%24|\*+@|<)[^\s/@"']+@/i;

function inText(text: string): string | undefined {
  return SECRET_TEXT.test(text) ? 'a token or private key' : URL_PASSWORD.test(text) ? 'a URL with a password' : undefined;
}

/** Whether a variable of this name and value is a secret in plain text. */
function isSecret(name: string, value: string): boolean {
  return SECRET_NAME.test(name) && !MODEL_TOKEN.test(name) && !HARMLESS_VALUE.test(value);
}

function inCommandLine(commandLine: string): string | undefined {
  const [, flag, value = ''] = SECRET_FLAG.exec(commandLine) ?? [];
  const isFile = /^(\/|\.)|\/run\/|^(true|false)$/i.test(value);
  if (flag !== undefined && !isFile) {
    return `a value after ${flag}`;
  }
  const [, assigned] = [...commandLine.matchAll(ASSIGNMENT)].find(([, name = '', given = '']) => isSecret(name, given)) ?? [];
  return assigned !== undefined ? `a value for ${assigned}` : LOGIN.test(commandLine) ? 'a login' : inText(commandLine);
}

function argumentFaults({ container, commandLine }: ExaminedContainer): Fault[] {
  const what = inCommandLine(commandLine);
  return what === undefined ? [] : [fault(`container '${container.name}' has ${what} in its command line`, ...container.args === undefined ? ['command'] : ['args'])];
}

/** What a tool puts in later, or has encrypted: `<path:...>` of Argo CD's vault plugin, `${NAME}`, `ENC[...]` of SOPS. */
const FILLED_IN = /^(<.*>|\$\{.*\}|ENC\[.*\])$/;

/** The keys of a Secret whose values are secrets by their name or by how they begin. */
function secretsIn({ kind, data, stringData }: KubernetesObject): Fault[] {
  const decoded = Object.entries(isMap(data) ? data : {}).map(([key, value]): [string, string, unknown] => ['data', key, typeof value === 'string' ? Buffer.from(value, 'base64').toString() : value]);
  const plain = Object.entries(isMap(stringData) ? stringData : {}).map(([key, value]): [string, string, unknown] => ['stringData', key, value]);
  return kind !== 'Secret' ? [] : [...decoded, ...plain]
    .filter(([, key, value]) => typeof value === 'string' && !FILLED_IN.test(value) && (SECRET_TEXT.test(value) || isSecret(key, value) || (key === '.dockerconfigjson' && value.includes('"auth"'))))
    .map(([field, key]) => fault(`the key '${key}' holds a secret that everybody can read who can read this file`, field, key));
}

/** Rules about secrets in manifests. */
export const SECRET_RULES: readonly Rule[] = [
  {
    id: 'token-in-plain-text',
    severity: 'error',
    explanation: 'a token in a manifest is in git, in etcd and in every kubectl describe',
    fix: 'take it from a Secret by secretKeyRef, and replace the token: it is known now',
    check: inContainers(({ container: { name, env = [] } }) => env.flatMap((variable, index) => {
      return isSecret(variable.name, variable.value ?? '')
        ? [fault(`container '${name}' has ${variable.name} in plain text; take it from a Secret`, 'env', index)] : [];
    })),
  },
  {
    id: 'token-in-value',
    severity: 'error',
    explanation: 'a token or a password in a manifest is in git, in etcd and in every kubectl describe, whatever the variable is called',
    fix: 'take it from a Secret by secretKeyRef, and replace the token: it is known now',
    check: inContainers(({ container: { name, env = [] } }) => env.flatMap((variable, index) => {
      const what = isSecret(variable.name, variable.value ?? '') ? undefined : inText(variable.value ?? '');
      return what === undefined ? [] : [fault(`container '${name}' has ${what} in ${variable.name}`, 'env', index)];
    })),
  },
  {
    id: 'token-in-argument',
    severity: 'error',
    explanation: 'a secret in a command line is in git, in etcd, in every kubectl describe and in the process list of the node',
    fix: 'take it from a Secret into a variable, and pass $(VARIABLE)',
    check: inContainers(argumentFaults),
  },
  {
    id: 'secret-in-config-map',
    severity: 'error',
    explanation: 'ConfigMaps are neither encrypted nor guarded: whoever may see pods may mostly read them',
    fix: 'put it into a Secret',
    check: ({ object }) => object.kind !== 'ConfigMap' ? [] : Object.entries((object.data ?? {}) as Record<string, string>)
      .filter(([key, value]) => SECRET_TEXT.test(value) || (!/\s/.test(value) && isSecret(key, value)))
      .map(([key, value]) => fault(`the key '${key}' holds ${SECRET_TEXT.test(value) ? 'a token or a private key' : 'a secret by its name'}`, 'data', key)),
  },
  {
    id: 'secret-in-manifest',
    severity: 'warning',
    explanation: 'the data of a Secret is encoded and not encrypted: where its manifest is in git, so is the secret, and in its history for ever',
    fix: 'commit a SealedSecret, an ExternalSecret or a file encrypted by SOPS, or create it by kubectl create secret; replace what was committed',
    check: ({ object }) => secretsIn(object),
  },
];
