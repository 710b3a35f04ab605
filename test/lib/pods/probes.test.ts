import * as fc from 'fast-check';

import { httpProbes, startupSeconds } from '../../../lib/pods/probes';

test('a server that reads ChatGLM3-6B twice at 50 MiB/s gets eight minutes, and never less than the runtime\'s least', () => {
  expect(startupSeconds(12487168064, 60)).toBe(480);
  expect(startupSeconds(12487168064, 900)).toBe(900);
  expect(startupSeconds(0, 60)).toBe(60);
});

test('the start-up probe gives the whole budget before the kubelet kills', () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 200e9 }), fc.integer({ min: 1, max: 3600 }), (bytes, least) => {
    const budget = startupSeconds(bytes, least);
    const { startup } = httpProbes('http', budget);

    expect(budget).toBeGreaterThanOrEqual(Math.max(least, 2 * bytes / (50 * 2 ** 20)));
    expect((startup?.failureThreshold ?? 0) * (startup?.periodSeconds ?? 0)).toBeGreaterThanOrEqual(budget);
  }));
});

test('readiness asks whether the server can answer, liveness only whether it lives', () => {
  expect(httpProbes('http', 900)).toEqual({
    startup: { httpGet: { path: '/ready', port: 'http' }, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 90 },
    readiness: { httpGet: { path: '/ready', port: 'http' }, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
    liveness: { httpGet: { path: '/health', port: 'http' }, periodSeconds: 20, timeoutSeconds: 10, failureThreshold: 6, terminationGracePeriodSeconds: 10 },
  });
});
