import { Service, ServiceType } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';

import { HTTP_PORT } from '../lib/runtimes/serving';
import type { RenderedServer } from './server';

/** The ports of a Service, and how it is reached. */
export interface ServicePorts {
  readonly port: number;
  readonly targetPort: number;
  readonly type?: ServiceType | undefined;
}

/** The Service in front of a server's pods. */
export function renderService(scope: Construct, { name, labels, selector }: RenderedServer, { port, targetPort, type }: ServicePorts): Service {
  const service = new Service(scope, 'service', {
    metadata: { name, labels: { ...labels } }, type: type ?? ServiceType.CLUSTER_IP, ports: [{ name: HTTP_PORT, port, targetPort }],
  });
  Object.entries(selector).forEach(([key, value]) => { service.selectLabel(key, value); });
  return service;
}
