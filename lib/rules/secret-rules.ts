import { type ExaminedContainer, inContainers } from './examined-object';
import { fault, type Fault, type Rule } from './rule';

/** Variables that hold a secret by their name. */
const SECRET_NAME = /(TOKEN|PASSWORD|SECRET|SECRET_KEY|ACCESS_KEY|API_KEY)$/;
/** Tokens that are known by how they begin, and private keys. */
const SECRET_TEXT = /\bhf_[A-Za-z0-9]{30,}|\bgh[pousr]_[A-Za-z0-9]{36,}|\bgithub_pat_\w{50,}|\bAKIA[A-Z0-9]{16}\b|\bsk-[A-Za-z0-9_-]{32,}|-----BEGIN [A-Z ]*PRIVATE KEY-----/;
/** A flag for a secret and its value; a variable as value is filled when the container starts. */
const SECRET_FLAG = /(--(?!(?:eos|bos|pad|unk|sep|cls|mask|stop|end|start|special|max|min|num|id)[-_])[\w-]*(?:token|password|api[-_]key|client[-_]secret|secret[-_]key|access[-_]key))(?:=| +)["']?([^\s"'$<-][^\s"']*)/i;
/** User and password before the host of a URL; a variable as password is filled when the container starts. */
const URL_PASSWORD = /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@"']+:(?!\$|%24|\*+@|<)[^\s/@"']+@/i;

function inText(text: string): string | undefined {
  return SECRET_TEXT.test(text) ? 'a token or private key' : URL_PASSWORD.test(text) ? 'a URL with a password' : undefined;
}

function flagFaults({ container, commandLine }: ExaminedContainer): Fault[] {
  const [, flag, value = ''] = SECRET_FLAG.exec(commandLine) ?? [];
  const isFile = /^(\/|\.)|\/run\/|^(true|false)$/i.test(value);
  const what = flag !== undefined && !isFile ? `a value after ${flag}` : inText(commandLine);
  return what === undefined ? [] : [fault(`container '${container.name}' has ${what} in its command line`, ...container.args === undefined ? ['command'] : ['args'])];
}

/** Rules about secrets in manifests. */
export const SECRET_RULES: readonly Rule[] = [
  {
    id: 'token-in-plain-text',
    severity: 'error',
    explanation: 'a token in a manifest is in git, in etcd and in every kubectl describe',
    fix: 'take it from a Secret by secretKeyRef, and replace the token: it is known now',
    check: inContainers(({ container: { name, env = [] } }) => env.flatMap((variable, index) => {
      const { value = '' } = variable;
      return SECRET_NAME.test(variable.name) && value !== '' && !/^\$\(\w+\)$/.test(value)
        ? [fault(`container '${name}' has ${variable.name} in plain text; take it from a Secret`, 'env', index)] : [];
    })),
  },
  {
    id: 'token-in-value',
    severity: 'error',
    explanation: 'a token or a password in a manifest is in git, in etcd and in every kubectl describe, whatever the variable is called',
    fix: 'take it from a Secret by secretKeyRef, and replace the token: it is known now',
    check: inContainers(({ container: { name, env = [] } }) => env.flatMap((variable, index) => {
      const what = SECRET_NAME.test(variable.name) ? undefined : inText(variable.value ?? '');
      return what === undefined ? [] : [fault(`container '${name}' has ${what} in ${variable.name}`, 'env', index)];
    })),
  },
  {
    id: 'token-in-argument',
    severity: 'error',
    explanation: 'a secret in a command line is in git, in etcd, in every kubectl describe and in the process list of the node',
    fix: 'take it from a Secret into a variable, and pass $(VARIABLE)',
    check: inContainers(flagFaults),
  },
  {
    id: 'secret-in-config-map',
    severity: 'error',
    explanation: 'ConfigMaps are neither encrypted nor guarded: whoever may see pods may mostly read them',
    fix: 'put it into a Secret',
    check: ({ object }) => object.kind !== 'ConfigMap' ? [] : Object.entries((object.data ?? {}) as Record<string, string>)
      .filter(([, value]) => SECRET_TEXT.test(value))
      .map(([key]) => fault(`the key '${key}' holds a token or a private key`, 'data', key)),
  },
];
