import type { ProbeSet } from './pod-fragment';

/** What reading weights from a shared volume can count on, bytes a second: a busy NFS server. */
const LOAD_BYTES_PER_SECOND = 50 * 2 ** 20;

const PERIOD_SECONDS = 10;
const HUNG_GRACE_SECONDS = 10;

/**
 * Seconds that a server may take until it answers: time to read the weights twice over, and never less than `minimum`, because
 * the PyTorch runtimes take about ten minutes to load ChatGLM-6B whatever the disk.
 */
export function startupSeconds(weightsBytes: number, minimum: number): number {
  return Math.max(minimum, Math.ceil(2 * weightsBytes / LOAD_BYTES_PER_SECOND / PERIOD_SECONDS) * PERIOD_SECONDS);
}

/**
 * Probes of an HTTP server: `/ready` until it is up once, then `/ready` for traffic and `/health` for life, so that a server
 * which is busy or drains is taken out of the Service but never killed for it.
 */
export function httpProbes(port: string, startup: number): ProbeSet {
  return {
    startup: { httpGet: { path: '/ready', port }, periodSeconds: PERIOD_SECONDS, timeoutSeconds: 5, failureThreshold: Math.ceil(startup / PERIOD_SECONDS) },
    readiness: { httpGet: { path: '/ready', port }, periodSeconds: PERIOD_SECONDS, timeoutSeconds: 5, failureThreshold: 3 },
    liveness: {
      httpGet: { path: '/health', port }, periodSeconds: 20, timeoutSeconds: 10, failureThreshold: 6,
      // A server that hangs will not drain, however long the pod's grace period is.
      terminationGracePeriodSeconds: HUNG_GRACE_SECONDS,
    },
  };
}
