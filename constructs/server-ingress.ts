import { Ingress, IngressBackend, type Service } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';

import type { IngressOptions } from './inference-deployment-props';
import type { RenderedServer } from './server';

/** An Ingress in front of a server's Service. */
export function renderIngress(scope: Construct, { name, labels }: RenderedServer, service: Service, props: IngressOptions): Ingress | undefined {
  const { ingressHost: host, ingressPath: path = '/', ingressTlsSecret: secret, ingressClassName: className, ingressAnnotations: annotations = {} } = props;
  checkIngress(props, path);
  if (host === undefined) {
    return undefined;
  }
  return new Ingress(scope, 'ingress', {
    metadata: { name, labels: { ...labels }, annotations },
    rules: [{ host, path, backend: IngressBackend.fromService(service) }],
    ...(className !== undefined && { className }),
    ...(secret && { tls: [{ hosts: [host], secret }] }),
  });
}

function checkIngress(props: IngressOptions, path: string): void {
  const { ingressHost: host } = props;
  const unused = (['ingressPath', 'ingressTlsSecret', 'ingressClassName', 'ingressAnnotations'] as const).find((prop) => props[prop] !== undefined);
  if (host === undefined && unused !== undefined) {
    throw new Error(`'${unused}' is for an Ingress, which needs 'ingressHost'`);
  }
  if (host !== undefined && !/^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(host)) {
    throw new Error(`'ingressHost' must be a host name like 'chat.corp.example', got '${host}'`);
  }
  // Kubernetes takes no path of type Prefix with empty or relative segments.
  if (!path.startsWith('/') || /[\s?#]|\/\/|\/\.\.?(\/|$)|%2f/i.test(path)) {
    throw new Error(`'ingressPath' must be a path like '/chat', got '${path}'`);
  }
}
