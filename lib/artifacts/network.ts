import type { V1Volume, V1VolumeMount } from '@kubernetes/client-node';

import type { Platform } from '../platform';
import type { EnvEntry } from '../pods/pod-fragment';
import type { TokenReference } from './weight-source';

const CA_PATH = '/etc/cdk8s-chatglm/ca';

/** The variables that reach the network on a platform: credentials from Secrets and the proxy. */
export function networkEnv(tokens: readonly TokenReference[], platform: Platform): EnvEntry[] {
  const { httpProxy, httpsProxy, noProxy = [] } = platform.props;
  const proxied = httpProxy !== undefined || httpsProxy !== undefined;
  return [
    ...tokenEnv(tokens),
    ...(httpProxy === undefined ? [] : [{ name: 'HTTP_PROXY', value: httpProxy }]),
    ...(httpsProxy === undefined ? [] : [{ name: 'HTTPS_PROXY', value: httpsProxy }]),
    ...(proxied ? [{ name: 'NO_PROXY', value: [...noProxy, 'localhost', '127.0.0.1', '.svc', '.cluster.local'].join(',') }] : []),
  ];
}

/** The volume of the platform's private certificate authority; none without one. */
export function caVolumes({ props: { caBundle } }: Platform): V1Volume[] {
  return caBundle === undefined ? [] : [{ name: 'ca-bundle', configMap: { name: caBundle.configMapName } }];
}

/** Its mount. */
export function caMounts(platform: Platform): V1VolumeMount[] {
  return caVolumes(platform).map(({ name }) => ({ name, mountPath: CA_PATH, readOnly: true }));
}

/** The flag that makes a script trust it. */
export function caArguments({ props: { caBundle } }: Platform): string[] {
  return caBundle === undefined ? [] : ['--ca-bundle', `${CA_PATH}/${caBundle.key ?? 'ca.crt'}`];
}

/** Sources of one kind share the variable of their token, so they must share the token. */
function tokenEnv(tokens: readonly TokenReference[]): EnvEntry[] {
  const byVariable = new Map<string, TokenReference>();
  for (const token of tokens) {
    const earlier = byVariable.get(token.env) ?? token;
    if (earlier.secretName !== token.secretName || earlier.key !== token.key) {
      throw new Error(`sources of one kind must share their token: ${token.env} would be from the secrets '${earlier.secretName}' and '${token.secretName}'; use one Secret and key for both`);
    }
    byVariable.set(token.env, token);
  }
  return [...byVariable.values()].map(({ env, secretName, key }) => ({ name: env, valueFrom: { secretKeyRef: { name: secretName, key } } }));
}
